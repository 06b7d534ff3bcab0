//! Strings and characters: their escapes, read and written.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::refused::Refused;

/// The characters that have names.
const NAMED: [(&str, char); 6] = [
    ("newline", '\n'),
    ("return", '\r'),
    ("space", ' '),
    ("tab", '\t'),
    ("backspace", '\u{8}'),
    ("formfeed", '\u{c}'),
];

/// Whether every escape of `inside`, what stands between quotes, can be read.
pub(super) fn check(inside: &str) -> Result<(), Refused> {
    unescape(inside).map(drop)
}

/// What `inside`, what stands between quotes, says. Half of a pair of surrogates says `U+FFFD`.
pub(super) fn unescape(inside: &str) -> Result<Cow<'_, str>, Refused> {
    let Some(first) = inside.find('\\') else { return Ok(Cow::Borrowed(inside)) };
    let mut said = inside[..first].to_owned();
    let mut units: Vec<u16> = Vec::new();
    let mut at = first;
    while let Some(letter) = inside[at..].chars().next() {
        let (unit, length) = match letter {
            '\\' => escape(inside, at)?,
            other => (Err(other), other.len_utf8()),
        };
        match unit {
            Ok(unit) => units.push(unit),
            Err(letter) => {
                flush(&mut said, &mut units);
                said.push(letter);
            }
        }
        at += length;
    }
    flush(&mut said, &mut units);
    Ok(Cow::Owned(said))
}

/// Moves the escaped units into what is said; they may be pairs of surrogates.
fn flush(said: &mut String, units: &mut Vec<u16>) {
    said.extend(char::decode_utf16(units.drain(..)).map(|letter| letter.unwrap_or('\u{fffd}')));
}

/// One escape: a unit of UTF-16 or a letter, and how long it is.
fn escape(inside: &str, at: usize) -> Result<(Result<u16, char>, usize), Refused> {
    let rest = &inside[at + 1..];
    let letter = match rest.chars().next() {
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some(same @ ('"' | '\\' | '/')) => same,
        Some('u') => {
            let unit = rest.get(1..5).and_then(hex);
            let refused = || Refused::new(at, "`\\u` without four hexadecimal digits");
            return Ok((Ok(unit.ok_or_else(refused)?), 6));
        }
        _ => {
            return Err(Refused::new(
                at,
                "an unknown escape, expected one such as `\\n` or `\\\"`",
            ));
        }
    };
    Ok((Err(letter), 2))
}

fn hex(digits: &str) -> Option<u16> {
    let all = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// The letter that `word` means, such as `\a` or `\newline`.
pub(super) fn character(word: &str) -> Option<char> {
    let name = word.strip_prefix('\\')?;
    let mut letters = name.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => Some(letter),
        (Some('u'), _) if name.len() == 5 => char::from_u32(u32::from(hex(&name[1..])?)),
        _ => NAMED.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter),
    }
}

/// How `letter` is written as a character.
pub(super) fn named(letter: char) -> String {
    match NAMED.iter().find(|(_, known)| *known == letter) {
        Some((name, _)) => format!("\\{name}"),
        None => format!("\\{letter}"),
    }
}

/// `text` as a string, in quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for letter in text.chars() {
        match letter {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            control if control.is_control() => {
                write!(written, "\\u{:04x}", u32::from(control)).expect("a string can be written");
            }
            other => written.push(other),
        }
    }
    written.push('"');
    written
}
