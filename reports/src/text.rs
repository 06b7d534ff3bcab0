//! Numbers and untrusted texts, made fit to be shown.
//!
//! It deliberately does no escaping for a certain format: that is each output's own business.

use std::fmt::Write as _;

use fracas_checker::event::Nanos;

/// How much of one text from outside is shown where a sentence is expected.
pub(crate) const SENTENCE: usize = 2_000;

/// How much of one text from outside is shown where a word or two are expected.
pub(crate) const PHRASE: usize = 240;

/// At most `limit` characters of an untrusted text on one line, with nothing invisible in it.
///
/// Control characters could hide or break what follows; the characters that turn the direction of
/// writing could make `evil` read `live`. Both are shown by their number instead.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    let mut rest = text.chars();
    for char in rest.by_ref().take(limit) {
        push_visible(&mut shown, char);
    }
    let hidden = rest.count();
    if hidden > 0 {
        write!(shown, "… ({} more characters)", count(hidden as u64)).expect("a String takes all");
    }
    shown
}

/// As [`clean`], for the label of a drawing: what is cut off is a mark, not a count.
pub(crate) fn brief(text: &str, limit: usize) -> String {
    let whole = text.chars().nth(limit).is_none();
    let cut: String = text.chars().take(limit).collect();
    clean(&cut, limit) + if whole { "" } else { "…" }
}

fn push_visible(shown: &mut String, char: char) {
    match char {
        '\n' => shown.push('↵'),
        '\t' => shown.push(' '),
        _ if deceives(char) => {
            write!(shown, "‹U+{:04X}›", u32::from(char)).expect("a String takes all");
        }
        _ => shown.push(char),
    }
}

/// Whether a character is invisible, turns the direction of writing, or is no character at all.
pub(crate) fn deceives(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// A time since the start of the run: `41.207 s`. Cut off and not rounded, as in the sentences of
/// the checks: the same instant must not read differently in two places.
pub(crate) fn seconds(time: Nanos) -> String {
    let millis = time / 1_000_000;
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}

/// A length of time in the unit that suits it: `850 µs`, `2.1 ms`, `1.80 s`.
pub(crate) fn duration(length: Nanos) -> String {
    let nanos = length as f64;
    match length {
        0..1_000_000 => format!("{:.0} µs", nanos / 1e3),
        1_000_000..100_000_000 => format!("{:.1} ms", nanos / 1e6),
        100_000_000..1_000_000_000 => format!("{:.0} ms", nanos / 1e6),
        _ => format!("{:.2} s", nanos / 1e9),
    }
}

/// The length of a run in words: `5 min 12 s`.
pub(crate) fn minutes(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        _ => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// A count with its thousands apart: `118,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A measured number with at most two digits after the point, as few as it needs.
pub(crate) fn number(value: f64) -> String {
    if value.is_finite() && value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        return count(value as u64);
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A count and its noun: `1 fault`, `3 faults`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(text: &str, expect: &str) {
        assert_eq!(clean(text, 12), expect);
    }

    #[test]
    fn nothing_invisible_is_shown() {
        shows("plain", "plain");
        shows("a\nb\tc", "a↵b c");
        shows("\u{1b}[31m", "‹U+001B›[31m");
        shows("\u{202e}evil", "‹U+202E›evil");
        shows("\0", "‹U+0000›");
        shows("twelve chars", "twelve chars");
        shows("twelve chars, and more", "twelve chars… (10 more characters)");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(seconds(41_207_300_000), "41.207 s");
        assert_eq!(seconds(999_999_999), "0.999 s");
        assert_eq!(duration(2_100_000), "2.1 ms");
        assert_eq!(duration(1_800_000_000), "1.80 s");
        assert_eq!(count(1_118_204), "1,118,204");
        assert_eq!(number(0.25), "0.25");
        assert_eq!(number(1200.0), "1,200");
        assert_eq!(minutes(312.4), "5 min 12 s");
        assert_eq!(minutes(f64::NAN), "unknown");
    }
}
