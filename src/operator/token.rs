//! The token that is shown to the server. It comes from a file or from a variable, never from the command line, and
//! goes nowhere but into one header: it cannot be printed.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::failure::Failure;

const VARIABLE: &str = "THROTTLE_TOKEN";

/// A secret.
pub(super) struct Token(String);

impl Token {
    /// That of the file, if one is named, or that of the variable, if it is set and not empty.
    pub(super) fn find(file: Option<&Path>) -> Result<Option<Self>, Failure> {
        Self::of(file, std::env::var_os(VARIABLE))
    }

    fn of(file: Option<&Path>, variable: Option<OsString>) -> Result<Option<Self>, Failure> {
        let Some(path) = file else {
            let Some(value) = variable.filter(|value| !value.is_empty()) else { return Ok(None) };
            let text = value.into_string().unwrap_or_else(|_| "\n".to_owned());
            return Self::checked(&text, VARIABLE).map(Some);
        };
        let name = path.display().to_string();
        let text = fs::read_to_string(path);
        let text = text
            .map_err(|error| Failure::Usage(format!("cannot read the token in {name}: {error}")))?;
        Self::checked(&text, &name).map(Some)
    }

    /// The value of the header `Authorization`.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    fn checked(text: &str, source: &str) -> Result<Self, Failure> {
        let token = text.trim_ascii();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::Usage(format!(
                "there is no token in {source}: expected one word of ASCII"
            )));
        }
        Ok(Self(token.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_wins_over_the_variable() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"of-the-file\n").unwrap();
        let header = |file, variable: Option<&str>| {
            let token = Token::of(file, variable.map(OsString::from)).unwrap();
            token.map(|token| token.header())
        };
        assert_eq!(header(None, None), None);
        assert_eq!(header(None, Some("")), None);
        assert_eq!(header(None, Some("abc")).as_deref(), Some("Bearer abc"));
        assert_eq!(header(Some(file.path()), Some("abc")).as_deref(), Some("Bearer of-the-file"));
    }

    #[test]
    fn what_is_no_token_is_refused_without_telling_it() {
        for text in ["two words", "a\r\nX-Header: b", "ü", " "] {
            let Err(Failure::Usage(said)) = Token::of(None, Some(OsString::from(text))) else {
                panic!("{text}")
            };
            assert!(
                said.contains("THROTTLE_TOKEN") && (text == " " || !said.contains(text)),
                "{said}"
            );
        }
        assert!(Token::of(Some(Path::new("/nowhere")), None).is_err());
    }
}
