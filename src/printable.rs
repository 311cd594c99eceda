//! Names, labels and messages are chosen by others: as they are written here, they cannot write to a terminal, turn the
//! direction of what stands beside them, or hide in it. Nothing is cut off, and nothing that can be seen is changed.

/// The text with its unseen characters as code points, such as `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    let mut rest = text;
    let mut shown = String::with_capacity(text.len());
    while let Some(at) = rest.find(is_unseen) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let mut characters = from.chars();
        shown.extend(characters.next().into_iter().flat_map(char::escape_default));
        rest = characters.as_str();
    }
    shown + rest
}

/// Whether it cannot be seen, or changes how its neighbours look. The dashboard has the same list.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
            | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}'
            | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_writes_to_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}é\n"), "a\\u{1b}[2Jb\\u{202e}é\\n");
        assert_eq!(
            printable("\u{9b}31m \u{7f}\u{2028}\u{200b}"),
            "\\u{9b}31m \\u{7f}\\u{2028}\\u{200b}"
        );
        for plain in ["", "a b", "日本語", "ü/&%2F", "\"'<>"] {
            assert_eq!(printable(plain), plain);
        }
    }
}
