//! Text of a target, made fit for a terminal.

use fracas_checker::untrusted::{SENTENCE, shown};

/// The longest line that is told. What a terminal should show of one text is far less: [`plain`].
const LINE: usize = 4_000;

/// Text of a target on one line: nothing it writes may move the cursor, change colours, turn the
/// direction of writing, fake a line of ours, or fill the screen.
#[must_use]
pub fn plain(text: &str) -> String {
    shown(text, SENTENCE)
}

/// Some lines of ours, whatever they quote: the last net before the terminal.
#[must_use]
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(|line| shown(line, LINE)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_target_acts_on_the_terminal() {
        assert_eq!(plain("a\x1b[31mb\n\u{202e}c"), "a\\u{1b}[31mb↵\\u{202e}c");
        assert!(plain(&"x".repeat(1 << 20)).ends_with("… (1048076 more characters)"));
        assert_eq!(plain_lines("a\n  \u{2066}b\r\n"), "a\n  \\u{2066}b\\u{d}\n");
        assert!(plain_lines(&"x".repeat(1 << 20)).len() < 5_000);
    }
}
