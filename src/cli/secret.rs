//! The token that is shown to a server. It comes from a file or from a variable, never from the command line, where
//! everybody on the machine could read it; and no problem with it tells what it is.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::access::Token;

const VARIABLE: &str = "THROTTLE_TOKEN";

/// That of the file, if one is named, or that of the variable, if it is set. What is empty counts as not there.
pub(super) fn find(file: Option<&Path>) -> Result<Option<Token>, String> {
    of(file, std::env::var_os(VARIABLE))
}

fn of(file: Option<&Path>, variable: Option<OsString>) -> Result<Option<Token>, String> {
    if let Some(path) = file.filter(|file| !file.as_os_str().is_empty()) {
        let name = path.display().to_string();
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| format!("cannot read the token in {name}: {error}"))?;
        return checked(&text, &name).map(Some);
    }
    let Some(value) = variable.filter(|value| !value.is_empty()) else { return Ok(None) };
    checked(value.to_str().unwrap_or_default(), VARIABLE).map(Some)
}

fn checked(text: &str, place: &str) -> Result<Token, String> {
    let token = text.trim_ascii();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("there is no token in {place}: expected one word of ASCII"));
    }
    Ok(Token::new(token))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_wins_over_the_variable() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"of-the-file\n").unwrap();
        let found = |file, variable: Option<&str>| of(file, variable.map(OsString::from)).unwrap();
        assert_eq!(found(None, None), None);
        assert_eq!(found(Some(Path::new("")), Some("")), None);
        assert_eq!(found(None, Some("abc")), Some(Token::new("abc")));
        assert_eq!(found(Some(file.path()), Some("abc")), Some(Token::new("of-the-file")));
    }

    #[test]
    fn what_is_no_token_is_refused_without_telling_it() {
        for text in ["two words", "a\r\nX-Header: b", "ü", " "] {
            let said = of(None, Some(OsString::from(text))).unwrap_err();
            let tells = text != " " && said.contains(text);
            assert!(said.contains("THROTTLE_TOKEN") && !tells, "{said}");
        }
        assert!(of(Some(Path::new("/nowhere")), None).is_err());
    }
}
