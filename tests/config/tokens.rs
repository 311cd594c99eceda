//! What a bad `[auth]` is answered with, word for word.

use crate::problems::assert_problems;

const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn what_is_no_token_is_told_with_its_place_and_never_repeated() {
    let text = format!(
        r#"[[auth.tokens]]
name = "a"
role = "leese"
sha256 = "hunter2"

[[auth.tokens]]
name = ""
sha256 = "{DIGEST}"
colour = 1

[[auth.tokens]]
role = "lease"
sha256 = 3

[auth]
token = 1
"#
    );
    let digest =
        "auth.tokens, sha256: expected the SHA-256 of a token, 64 hexadecimal digits, found";
    assert_problems(
        &text,
        &[
            r#"throttle.toml:3:8: auth.tokens, role: expected one of "observe", "lease", "operate", found "leese""#,
            &format!("throttle.toml:4:10: {digest} a text of 7 characters"),
            r#"throttle.toml:6:1: auth.tokens, "": "role" is missing"#,
            r#"throttle.toml:7:8: auth.tokens, name: expected a text of 1 to 64 bytes without control characters, found """#,
            r#"throttle.toml:9:1: unknown key "colour""#,
            r#"throttle.toml:11:1: auth.tokens: "name" is missing"#,
            &format!("throttle.toml:13:10: {digest} something else"),
            r#"throttle.toml:16:1: unknown key "token"; did you mean "tokens"?"#,
        ],
    );
}

#[test]
fn two_tokens_differ_in_name_and_digest() {
    let token = |name: &str, digest: &str| {
        format!("[[auth.tokens]]\nname = \"{name}\"\nrole = \"lease\"\nsha256 = \"{digest}\"\n")
    };
    let upper = DIGEST.to_uppercase();
    let text = token("a", DIGEST) + &token("b", &upper) + &token("a", &DIGEST.replace('b', "c"));
    assert_problems(
        &text,
        &[
            r#"throttle.toml:8:10: auth.tokens, sha256: it is that of the token "a" already"#,
            r#"throttle.toml:10:8: auth.tokens, name: there is a token "a" already"#,
        ],
    );
}

/// A server that lets nobody in is not what anybody wants, and one that lets everybody in less so.
#[test]
fn auth_without_a_token_is_refused() {
    let none = "auth: there is no token, so nobody could do anything; add one as [[auth.tokens]]";
    assert_problems("[auth]\n", &[&format!("throttle.toml:1:2: {none}")]);
    assert_problems("[auth]\ntokens = []\n", &[&format!("throttle.toml:1:2: {none}")]);
    assert_problems(
        "[auth.tokens]\nname = \"a\"\n",
        &[
            "throttle.toml:1:1: auth.tokens: expected a list, written as [[auth.tokens]], found a table",
        ],
    );
    assert_problems(
        "[auth]\ntokens = [\"hunter2\"]\n",
        &[
            r#"throttle.toml:2:11: auth.tokens: expected a table such as { name = "ci", role = "lease", sha256 = "..." }, found a text"#,
        ],
    );
    assert_problems(
        "auth = true\n",
        &["throttle.toml:1:8: auth: expected a section [auth], found true"],
    );
}

/// The record of what operators do says so of others than tokens.
#[test]
fn some_names_are_taken() {
    for name in ["SIGHUP", "anybody", "Anybody"] {
        let text = format!(
            "[[auth.tokens]]\nname = \"{name}\"\nrole = \"lease\"\nsha256 = \"{DIGEST}\"\n"
        );
        let said = format!(
            "throttle.toml:2:8: auth.tokens, name: \"{name}\" is what the log calls others than tokens, choose another name"
        );
        assert_problems(&text, &[&said]);
        assert!(throttle::config::token_name(name).is_err());
    }
}
