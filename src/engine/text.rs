//! The texts that users choose: the names of semaphores, the labels of peers. Both obey one rule.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use super::patterns::DECLARED;

/// Longest name or label, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 128;

/// Why a text is not the name or label that it was meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// It has no characters.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// It has more than [`MAX_TEXT_BYTES`] bytes: this many.
    #[error("{0} has at most {MAX_TEXT_BYTES} bytes, this one has {1}")]
    TooLong(&'static str, usize),
    /// It has this control character in it.
    #[error("{0} must not contain control characters, this one has {1:?}")]
    Control(&'static str, char),
}

impl InvalidText {
    /// The same of something that is called otherwise.
    #[must_use]
    pub const fn of(self, what: &'static str) -> Self {
        match self {
            Self::Empty(_) => Self::Empty(what),
            Self::TooLong(_, bytes) => Self::TooLong(what, bytes),
            Self::Control(_, control) => Self::Control(what, control),
        }
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident($what:literal)) => {
        $(#[$doc])*
        ///
        /// 1 to [`MAX_TEXT_BYTES`] bytes, any characters but control characters. Cheap to clone: it is shared.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// [`InvalidText`] when it is empty, too long, or has control characters.
            pub fn new(text: &str) -> Result<Self, InvalidText> {
                check($what, text)?;
                Ok(Self(text.into()))
            }

            /// The plain text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// In quotes and escaped: fit for logs and messages, whatever it holds.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

text!(
    /// Name of a semaphore.
    SemaphoreName("a semaphore's name")
);
text!(
    /// Who a peer is, for operators.
    Label("a label")
);

impl SemaphoreName {
    /// Whether it stands for many names, as `tenant/*` does.
    pub fn is_pattern(&self) -> bool {
        self.0.contains('*')
    }

    /// Whether nothing can be listed by it: it stands for all that clients declare.
    pub fn is_reserved(&self) -> bool {
        self.as_str() == DECLARED
    }
}

impl Borrow<str> for SemaphoreName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

fn check(what: &'static str, text: &str) -> Result<(), InvalidText> {
    if text.is_empty() {
        return Err(InvalidText::Empty(what));
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(InvalidText::TooLong(what, text.len()));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(control) => Err(InvalidText::Control(what, control)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_checked_and_refused_by_what_they_are() {
        let refused = |text: &str| SemaphoreName::new(text).unwrap_err().to_string();
        assert_eq!(SemaphoreName::new("/&").unwrap().as_str(), "/&");
        assert_eq!(refused(""), "a semaphore's name must not be empty");
        assert_eq!(
            refused("a\nb"),
            "a semaphore's name must not contain control characters, this one has '\\n'"
        );
        assert!(SemaphoreName::new(&"x".repeat(128)).is_ok());
        assert_eq!(
            refused(&"x".repeat(129)),
            "a semaphore's name has at most 128 bytes, this one has 129"
        );
        assert_eq!(Label::new("worker 7/3").unwrap().as_str(), "worker 7/3");
        assert_eq!(Label::new("").unwrap_err().to_string(), "a label must not be empty");
    }

    #[test]
    fn debug_escapes_and_display_does_not() {
        let name = SemaphoreName::new("a\"b\u{202e}").unwrap();
        assert_eq!(format!("{name:?}"), r#""a\"b\u{202e}""#);
        assert_eq!(name.to_string(), "a\"b\u{202e}");
    }
}
