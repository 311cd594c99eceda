//! A server that others reach and that wants no token has to be meant.

use throttle::access::Hosts;

use crate::Start;

const TOKEN: &str = "[[auth.tokens]]\nname = \"a\"\nrole = \"lease\"\n\
    sha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\n";

fn refused(address: &str) -> String {
    format!(
        "address: {address} can be reached from other machines, and without tokens everybody there may do everything; \
         add [[auth.tokens]] (`throttle token` makes one), listen on 127.0.0.1, or say --insecure if that is meant"
    )
}

#[test]
fn an_address_that_others_reach_is_refused_where_it_is_said() {
    for address in ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1", "::ffff:192.0.2.1"] {
        let file = Start::with_file(format!("address = \"{address}\"\n")).problems();
        assert_eq!(file, format!("throttle.toml:1:11: {}", refused(address)));
    }
    let flag = Start::with_file("address = \"::1\"").flag("--address", "::").problems();
    assert_eq!(flag, format!("--address: {}", refused("::")));
    let variable = Start::bare().variable("THROTTLE_ADDRESS", "0.0.0.0").problems();
    assert_eq!(variable, format!("THROTTLE_ADDRESS: {}", refused("0.0.0.0")));
}

#[test]
fn there_are_three_ways_out() {
    for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        Start::bare().flag("--address", address).config();
    }
    let open = || Start::bare().flag("--address", "0.0.0.0");
    let mut switch = open();
    switch.arguments.push("--insecure".into());
    assert!(switch.config().insecure);
    switch.arguments.push("check".into());
    assert!(switch.check().is_ok());
    assert!(open().variable("THROTTLE_INSECURE", "1").load().is_ok());
    assert!(Start::with_file(format!("address = \"0.0.0.0\"\n{TOKEN}")).load().is_ok());
    assert!(Start::with_file("address = \"0.0.0.0\"\ninsecure = true\n").load().is_ok());
    let no = open().variable("THROTTLE_INSECURE", "1").flag("--insecure", "false").problems();
    assert_eq!(no, format!("--address: {}", refused("0.0.0.0")));
}

/// What is wrong with the tokens is told, not that there are none.
#[test]
fn a_wrong_token_is_not_taken_for_none() {
    let problems = Start::with_file("address = \"::\"\n[auth]\ntokens = [{}]\n").problems();
    assert!(!problems.contains("other machines"), "{problems}");
    assert_eq!(problems.lines().count(), 3, "{problems}");
}

#[test]
fn hosts_are_names() {
    let hosts = |text: &str| Start::with_file(text).config().hosts;
    assert_eq!(hosts("hosts = \"auto\""), Hosts::Auto);
    assert_eq!(hosts("hosts = []"), Hosts::Any);
    assert_eq!(hosts("hosts = [\"*\"]"), Hosts::Any);
    let names = Hosts::Only(vec!["a.example".to_owned(), "b".to_owned()]);
    assert_eq!(hosts("hosts = [\"A.example\", \"b\"]"), names);
    assert_eq!(Start::bare().flag("--hosts", "a.example, b").config().hosts, names);
    let expected = "expected \"auto\", or names without ports, such as [\"throttle.example.com\"]; [\"*\"] is any";
    for (text, found) in [
        ("[\"http://a\"]", "an array"),
        ("[1]", "an array"),
        ("true", "true"),
        ("\"a:80\"", "\"a:80\""),
    ] {
        let problems = Start::with_file(format!("hosts = {text}")).problems();
        assert_eq!(problems, format!("throttle.toml:1:9: hosts: {expected}, found {found}"));
    }
}

#[test]
fn half_a_certificate_is_refused_where_it_is() {
    let key = "tls.certificate is of no use alone, tls.key is missing";
    let file = Start::with_file("[tls]\ncertificate = \"a\"\n").problems();
    assert_eq!(file, format!("throttle.toml:2:15: {key}"));
    let certificate = "tls.key is of no use alone, tls.certificate is missing";
    let flag = Start::bare().flag("--tls-key", "a").problems();
    assert_eq!(flag, format!("--tls-key: {certificate}"));
    let both = Start::bare().flag("--tls-key", "a").variable("THROTTLE_TLS_CERTIFICATE", "b");
    let files = both.config().tls.files().unwrap();
    assert_eq!((files.certificate.to_str(), files.key.to_str()), (Some("b"), Some("a")));
    let wrong = Start::with_file("[tls]\ncertificate = 1\nkey = \"a\"\n").problems();
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
}
