//! `throttle token`: makes a token, and the part of a configuration that lets in whoever has it. Nothing is kept.

use std::fmt;

use clap::Args;

use crate::access::{Role, Token};
use crate::config::{TokenSettings, token_name};

const AFTER_HELP: &str = "\
The token goes to the standard output, and nothing else does: whoever is to have it can be given a file. What belongs in \
the configuration of the server goes to the standard error stream; the token does not follow from it.

Example: throttle token backup --role lease > backup.token";

/// Make a token.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = AFTER_HELP)]
pub struct NewToken {
    /// Who is to have it: what logs call its owner
    #[arg(value_parser = token_name)]
    pub name: String,

    /// What it allows: observe, lease or operate
    #[arg(long, value_name = "ROLE", value_parser = role, default_value = "lease")]
    pub role: Role,
}

impl NewToken {
    /// The token, and what is to be added to the configuration.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn make(&self) -> Result<(Token, impl fmt::Display + use<>), getrandom::Error> {
        let token = Token::random()?;
        let (name, role, sha256) = (self.name.clone(), self.role, token.digest());
        Ok((token, Snippet(TokenSettings { name, role, sha256 })))
    }
}

struct Snippet(TokenSettings);

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TokenSettings { name, role, sha256 } = &self.0;
        let name = toml::Value::from(name.as_str());
        let sha256 = sha256.to_hex();
        write!(f, "[[auth.tokens]]\nname = {name}\nrole = \"{role}\"\nsha256 = \"{sha256}\"")
    }
}

fn role(text: &str) -> Result<Role, String> {
    Role::named(text).ok_or_else(|| "expected observe, lease or operate".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::Config;

    #[test]
    fn what_is_added_lets_in_who_has_the_token() {
        for name in ["ci", "quotes \" and \\ ü", "#"] {
            let (token, snippet) =
                NewToken { name: name.to_owned(), role: Role::Observe }.make().unwrap();
            let config = Config::from_toml(&snippet.to_string(), "snippet").unwrap();
            let [added] = &config.tokens[..] else { panic!("{:?}", config.tokens) };
            assert_eq!((added.name.as_str(), added.role), (name, Role::Observe));
            assert_eq!(added.sha256, token.digest());
            assert!(!snippet.to_string().contains(token.secret()));
        }
    }

    #[test]
    fn a_name_that_cannot_be_had_is_refused_with_what_is_wrong_with_it() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            token: NewToken,
        }
        for (name, said) in [
            (
                "anybody",
                "\"anybody\" is what the log calls others than tokens, choose another name",
            ),
            ("sighup", "\"sighup\" is what the log calls others"),
            ("", "expected a text of 1 to 64 bytes without control characters, found \"\""),
            ("a\nb", "without control characters, found \"a\\nb\""),
        ] {
            let refused = Line::try_parse_from(["token", name]).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
        assert_eq!(Line::try_parse_from(["token", "ci"]).unwrap().token.name, "ci");
    }
}
