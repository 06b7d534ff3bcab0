//! Text from outside, made fit to be shown: on a terminal, on a page, in a file for programs.
//!
//! A target chooses its answers, its errors and its log lines. Shown as they are they could move the
//! cursor, turn the direction of writing so that `evil` reads `live`, hide what tells two values
//! apart, or bury a report beneath a megabyte. There is one function for all outputs, [`shown`]. It
//! deliberately does no escaping for a certain format: that is each output's own business.

use std::fmt::Write as _;

/// How much of one text is shown where a sentence is expected.
pub const SENTENCE: usize = 500;

/// How much of one text is shown where a word or two are expected.
pub const PHRASE: usize = 120;

/// How many marks may stand on one letter: more would cover the lines above and below.
const MAX_MARKS: usize = 3;

/// A text may be longer than its limit by this part of it.
const SLACK: usize = 4;

/// About `limit` characters at most of `text` on one line, with nothing in it that a reader cannot see.
///
/// What is invisible is shown by its number, `\u{202e}`, a line's end as `↵`. What is left out is
/// counted: `… (40 more characters)`. A text that is longer by a few characters only is shown whole:
/// the count would take as much room.
///
/// ```
/// use fracas_checker::untrusted::shown;
///
/// assert_eq!(shown("k\u{202e}3\n", 40), "k\\u{202e}3↵");
/// assert_eq!(shown("a long value", 6), "a long… (6 more characters)");
/// ```
#[must_use]
pub fn shown(text: &str, limit: usize) -> String {
    let (mut shown, hidden) = cut(text, limit);
    if hidden > 0 && hidden <= limit / SLACK {
        let whole = cut(text, limit + limit / SLACK);
        if whole.1 == 0 {
            return whole.0;
        }
    }
    if hidden > 0 {
        let ending = if hidden == 1 { "" } else { "s" };
        write!(shown, "… ({hidden} more character{ending})").expect("a String takes all");
    }
    shown
}

/// As [`shown`], for the label of a drawing: what is left out is a mark, not a count.
#[must_use]
pub fn brief(text: &str, limit: usize) -> String {
    let (shown, hidden) = cut(text, limit);
    if hidden > 0 { shown + "…" } else { shown }
}

/// What of a text is shown within `limit` characters, and how many characters are not.
fn cut(text: &str, limit: usize) -> (String, usize) {
    let mut shown = String::with_capacity(text.len().min(limit));
    let (mut length, mut marks) = (0, 0);
    let mut rest = text.chars();
    for char in text.chars() {
        marks = if is_mark(char) { marks + 1 } else { 0 };
        let piece = if marks > MAX_MARKS { number(char) } else { visible(char) };
        length += piece.chars().count();
        if length > limit {
            break;
        }
        shown.push_str(&piece);
        rest.next();
    }
    (shown, rest.count())
}

fn visible(char: char) -> String {
    match char {
        '\n' => "↵".to_owned(),
        '\t' => " ".to_owned(),
        _ if deceives(char) => number(char),
        _ => char.to_string(),
    }
}

fn number(char: char) -> String {
    format!("\\u{{{:x}}}", u32::from(char))
}

/// The same JSON, with `\u…` for what could break out of a page that embeds it or deceive a reader.
/// Outside of strings JSON has none of these characters, so the value stays the same.
#[must_use]
pub fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '<' | '>' | '&') || (char != '\n' && deceives(char)) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(escaped, "\\u{unit:04x}").expect("a String takes all");
            }
        } else {
            escaped.push(char);
        }
    }
    escaped
}

/// Whether a character is invisible, turns the direction of writing, or is no character at all.
///
/// Control characters and all that Unicode calls `Default_Ignorable_Code_Point` or `Cf`, line and
/// paragraph separators, the blank of Braille, and the last two code points of the first plane.
#[must_use]
pub(crate) fn deceives(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{110bd}' | '\u{110cd}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character stands on the one before it.
fn is_mark(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}'
        | '\u{64b}'..='\u{65f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_invisible_is_shown() {
        for (text, expect) in [
            ("plain", "plain"),
            ("a\nb\tc", "a↵b c"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("k\u{2066}1\u{2069}", "k\\u{2066}1\\u{2069}"),
            ("n\u{200b}1", "n\\u{200b}1"),
            ("\0\u{9b}\u{7f}", "\\u{0}\\u{9b}\\u{7f}"),
            ("\u{3164}\u{2800}\u{e0041}", "\\u{3164}\\u{2800}\\u{e0041}"),
            ("é e\u{301} 日本 ☂", "é e\u{301} 日本 ☂"),
            ("z\u{301}\u{301}\u{301}\u{301}", "z\u{301}\u{301}\u{301}\\u{301}"),
        ] {
            assert_eq!(shown(text, 40), expect);
        }
    }

    #[test]
    fn json_keeps_its_value() {
        use serde_json::{Value, from_str, json, to_string_pretty};
        let value = json!({ "<&>": "</script>\u{202e}\u{7f}\u{e0001}\n\u{0}" });
        let escaped = json(&to_string_pretty(&value).expect("keys are strings"));
        assert!(!escaped.contains(['<', '>', '&', '\u{202e}', '\u{7f}', '\u{e0001}']));
        assert_eq!(from_str::<Value>(&escaped).expect("it is JSON"), value);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        for (text, expect, label) in [
            ("twelve chars", "twelve chars", "twelve chars"),
            // The count would be as long as what it counts.
            ("twelve chars!", "twelve chars!", "twelve chars…"),
            ("twelve chars and more", "twelve chars… (9 more characters)", "twelve chars…"),
            // An escape is shown whole or not at all.
            ("seven  \u{202e}b", "seven  … (2 more characters)", "seven  …"),
        ] {
            assert_eq!((shown(text, 12).as_str(), brief(text, 12).as_str()), (expect, label));
        }
        let megabyte = "\u{202e}x".repeat(1 << 20);
        assert!(shown(&megabyte, SENTENCE).chars().count() < SENTENCE + 40);
    }
}
