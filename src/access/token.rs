//! Tokens and what is kept of them. A token is in memory while it is looked at, and nowhere else; neither it nor its
//! digest shows up when something is printed.

use std::fmt;

use sha2::{Digest, Sha256};

const DIGEST_BYTES: usize = 32;

/// How many bytes of randomness a new token has.
const TOKEN_BYTES: usize = 32;

/// Whoever has it may do what its role allows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// One that somebody shows.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new one, in hexadecimal digits: they can be in a header and in the name of a subprotocol.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex(&bytes)))
    }

    /// The token itself, for whoever has to show it to somebody.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The SHA-256 of a token. Tokens are long and random, so nobody finds one that has it.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; DIGEST_BYTES]);

impl TokenDigest {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 2 * DIGEST_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut bytes = [0; DIGEST_BYTES];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// As it is written in a configuration.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

/// Takes the same time wherever the two differ. What an attacker could learn from the time would be about digests, of
/// which the tokens do not follow; this way it need not be argued.
impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        let differences = self.0.iter().zip(other.0).fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(differences) == 0
    }
}

impl Eq for TokenDigest {}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_is_sha_256() {
        assert_eq!(Token::new("abc").digest().to_hex(), OF_ABC);
        assert_eq!(TokenDigest::parse(OF_ABC), Some(Token::new("abc").digest()));
        assert_eq!(TokenDigest::parse(&OF_ABC.to_uppercase()), Some(Token::new("abc").digest()));
    }

    #[test]
    fn one_bit_is_a_difference_wherever_it_is() {
        let digest = Token::new("abc").digest();
        for byte in 0..DIGEST_BYTES {
            let mut other = digest;
            other.0[byte] ^= 0x80;
            assert_ne!(other, digest);
        }
    }

    #[test]
    fn what_is_no_digest() {
        for text in ["", "abc", &OF_ABC[1..], &format!("{OF_ABC}0"), &OF_ABC.replace('b', "g")] {
            assert_eq!(TokenDigest::parse(text), None, "{text}");
        }
        assert_eq!(TokenDigest::parse(&"é".repeat(32)), None);
    }

    #[test]
    fn new_tokens_are_long_and_differ() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(one.secret().len(), 64);
        assert_ne!(one, other);
    }

    #[test]
    fn neither_is_ever_printed() {
        let token = Token::new("abc");
        let printed = format!("{token:?} {:?} {:?}", token.digest(), Some(&token));
        assert!(!printed.contains("abc") && !printed.contains("ba78"), "{printed}");
    }
}
