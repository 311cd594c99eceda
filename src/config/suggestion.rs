//! Guesses what a misspelt key was meant to be.

/// Longer keys get no suggestion: none of ours is that long, and comparing takes time.
const MAX_KEY_BYTES: usize = 64;

/// The candidate that looks most like `key`, when one does.
pub(super) fn nearest<'a>(
    key: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if key.len() > MAX_KEY_BYTES {
        return None;
    }
    let key = key.to_lowercase().replace('-', "_");
    let distance = |candidate: &str| strsim::damerau_levenshtein(&key, candidate);
    let (distance, nearest) =
        candidates.into_iter().map(|candidate| (distance(candidate), candidate)).min()?;
    let tolerated = nearest.len().div_ceil(3);
    (distance <= tolerated && distance < key.chars().count()).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_what_looks_alike_is_suggested() {
        let keys = ["address", "port", "semaphores", "max_peers"];
        assert_eq!(nearest("prot", keys), Some("port"));
        assert_eq!(nearest("Adress", keys), Some("address"));
        assert_eq!(nearest("max-peers", keys), Some("max_peers"));
        assert_eq!(nearest("semaphore", keys), Some("semaphores"));
        assert_eq!(nearest("color", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest(&"port".repeat(100), keys), None);
    }
}
