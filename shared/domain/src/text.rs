//! Text that people write, and what no text has.

/// Said of a line with a control character.
pub const CONTROL_IN_LINE: &str = "must not have control characters";
/// Said of a text with a control character.
pub const CONTROL_IN_TEXT: &str = "must not have control characters other than line breaks and tabs";

/// Whether a line of text, like a name, is without control characters (Unicode's category Cc): programs that show, print or
/// export it take them for commands, or for its end.
pub fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether a text of several lines is without control characters other than line breaks and tabs.
pub fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_control_characters() {
        for text in ["", "Open Air 2031", "Ärger im Zoo", "音楽祭", "👩‍👩‍👧", "مهرجان"]
        {
            assert!(is_line(text) && is_text(text), "{text}");
        }
        for control in (0..=0x1f).chain(0x7f..=0x9f).filter_map(char::from_u32) {
            let text = format!("Open{control}Air");
            assert!(!is_line(&text), "{control:?}");
            assert_eq!(is_text(&text), "\t\n\r".contains(control), "{control:?}");
        }
    }
}
