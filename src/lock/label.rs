//! Who this is, for operators and for those who wait: the user, the machine and the process.

/// The longest label that a server takes, in bytes.
const MAX_BYTES: usize = 128;

/// Such as `alice@db1:4711`.
pub(super) fn default() -> String {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    let user = user.unwrap_or_else(|| "somebody".to_owned());
    fit(&format!("{user}@{}", super::system::host_name()), &format!(":{}", std::process::id()))
}

/// As much of a name as there is room for, before its end.
fn fit(name: &str, end: &str) -> String {
    let mut label: String = name.chars().filter(|c| !c.is_control()).collect();
    while label.len() > MAX_BYTES - end.len() {
        label.pop();
    }
    label + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_fits() {
        assert_eq!(fit("a\n@b", ":1"), "a@b:1");
        let long = fit(&"é".repeat(200), ":4711");
        assert!(long.len() <= 128 && long.len() > 120 && long.ends_with("é:4711"), "{long}");
        assert!(default().ends_with(&format!(":{}", std::process::id())));
    }
}
