//! Making text of a target harmless: short, on one line, without control characters.
//!
//! It deliberately does not escape for HTML or XML; reports do that for every text.

/// The most characters of a target's text that a history keeps.
pub(crate) const MAX_TEXT: usize = 300;

/// Cuts the text and replaces what could move a cursor or reorder a line.
pub(crate) fn bounded(text: &str) -> String {
    let text = text.trim();
    let mut kept: String = text.chars().take(MAX_TEXT).map(harmless).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// Control characters and the invisible ones that change the direction of writing.
fn harmless(letter: char) -> char {
    let reorders = matches!(letter,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if letter.is_control() || reorders { '\u{fffd}' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_and_plain() {
        assert_eq!(bounded(" not leader\n"), "not leader");
        assert_eq!(bounded("a\x1b[31mb\u{202e}c"), "a\u{fffd}[31mb\u{fffd}c");
        let long = bounded(&"ä".repeat(MAX_TEXT + 1));
        assert_eq!(long.chars().count(), MAX_TEXT);
        assert!(long.ends_with('…'));
        assert_eq!(bounded(&"x".repeat(MAX_TEXT)).len(), MAX_TEXT);
    }
}
