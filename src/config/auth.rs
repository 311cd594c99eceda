//! The section `[auth]`: a list of tokens, `[[auth.tokens]]`, each with a `name`, a `role` and a `sha256`. No problem
//! repeats what stands in place of a digest: it may be the token itself.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::TokenSettings;
use super::document::Walk;
use super::input::Input;
use super::problem::excerpt;
use crate::access::{ANYBODY, Role, SIGHUP, TokenDigest};

/// What can stand in the section.
const TOKENS: &str = "tokens";

const KEYS: [&str; 3] = ["name", "role", "sha256"];

/// Most bytes of a name.
const MAX_NAME_BYTES: usize = 64;

/// Most tokens: each request is compared with all of them.
const MAX_TOKENS: usize = 1_000;

/// What is on record for who acts without a token: nobody else is called so.
const RESERVED: [&str; 2] = [SIGHUP, ANYBODY];

/// What a token's owner is called.
///
/// # Errors
/// Why nobody can be called so, in words.
pub fn token_name(name: &str) -> Result<String, String> {
    owner(Input::Text(name))
}

fn owner(input: Input<'_>) -> Result<String, String> {
    let name = input.line(MAX_NAME_BYTES)?;
    if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(&name)) {
        let taken = excerpt(&name);
        return Err(format!(
            "{taken} is what the log calls others than tokens, choose another name"
        ));
    }
    Ok(name)
}

/// Reads the section, whose name is at `key`.
pub(super) fn read(
    walk: &mut Walk<'_>,
    key: &Spanned<DeString<'_>>,
    section: &DeTable<'_>,
) -> Vec<TokenSettings> {
    let mut read = Vec::new();
    let mut any = false;
    for (key, value) in section {
        if key.get_ref() != TOKENS {
            walk.unknown_key(key, [TOKENS], None);
            continue;
        }
        let Some(entries) = value.get_ref().as_array() else {
            let refused =
                Input::Toml(value.get_ref()).refused("a list, written as [[auth.tokens]]");
            walk.problem(value.span(), format!("auth.tokens: {refused}"));
            return read;
        };
        any = !entries.is_empty();
        if entries.len() > MAX_TOKENS {
            walk.problem(value.span(), format!("auth.tokens: there can be {MAX_TOKENS} at most"));
            return read;
        }
        for entry in entries {
            if let Some(token) = token(walk, entry, &read) {
                read.push(token);
            }
        }
    }
    if !any {
        let message =
            "auth: there is no token, so nobody could do anything; add one as [[auth.tokens]]";
        walk.problem(key.span(), message.to_owned());
    }
    read
}

fn token(
    walk: &mut Walk<'_>,
    entry: &Spanned<DeValue<'_>>,
    others: &[TokenSettings],
) -> Option<TokenSettings> {
    let Some(table) = entry.get_ref().as_table() else {
        let expected = r#"a table such as { name = "ci", role = "lease", sha256 = "..." }"#;
        let found = if entry.get_ref().is_str() { "a text" } else { "something else" };
        walk.problem(entry.span(), format!("auth.tokens: expected {expected}, found {found}"));
        return None;
    };
    let (mut name, mut role, mut sha256) = (None, None, None);
    for (key, value) in table {
        let input = Input::Toml(value.get_ref());
        let refused = match key.get_ref().as_ref() {
            "name" => self::name(input, others).map(|it| name = Some(it)).err(),
            "role" => self::role(input).map(|it| role = Some(it)).err(),
            "sha256" => self::sha256(value.get_ref(), others).map(|it| sha256 = Some(it)).err(),
            _ => {
                walk.unknown_key(key, KEYS, None);
                None
            }
        };
        if let Some(refused) = refused {
            walk.problem(value.span(), format!("auth.tokens, {}: {refused}", key.get_ref()));
        }
    }
    for key in KEYS {
        if !table.keys().any(|it| it.get_ref() == key) {
            let which = title(table);
            walk.problem(entry.span(), format!("auth.tokens{which}: \"{key}\" is missing"));
        }
    }
    Some(TokenSettings { name: name?, role: role?, sha256: sha256? })
}

/// What a token is called in a problem, if it has a name.
fn title(table: &DeTable<'_>) -> String {
    let name = table.iter().find(|(key, _)| key.get_ref() == "name");
    let name = name.and_then(|(_, value)| value.get_ref().as_str());
    name.map_or_else(String::new, |name| format!(", {}", excerpt(name)))
}

fn name(input: Input<'_>, others: &[TokenSettings]) -> Result<String, String> {
    let name = owner(input)?;
    if others.iter().any(|other| other.name == name) {
        return Err(format!("there is a token {} already", excerpt(&name)));
    }
    Ok(name)
}

fn role(input: Input<'_>) -> Result<Role, String> {
    input.as_text().and_then(Role::named).ok_or_else(|| {
        let names = Role::ALL.map(|role| format!("\"{role}\"")).join(", ");
        input.refused(format_args!("one of {names}"))
    })
}

fn sha256(value: &DeValue<'_>, others: &[TokenSettings]) -> Result<TokenDigest, String> {
    let digest = value.as_str().and_then(TokenDigest::parse).ok_or_else(|| {
        let found = match value.as_str() {
            Some(text) => format!("a text of {} characters", text.chars().count()),
            None => "something else".to_owned(),
        };
        format!("expected the SHA-256 of a token, 64 hexadecimal digits, found {found}")
    })?;
    if let Some(other) = others.iter().find(|other| other.sha256 == digest) {
        return Err(format!("it is that of the token {} already", excerpt(&other.name)));
    }
    Ok(digest)
}
