//! Which letters of a Rust file are code.
//!
//! It knows comments and literals, nothing else: enough to look for words and to match braces.

use crate::tree::{Source, sources};

/// Every Rust file of the project.
pub(crate) fn rust() -> Vec<Source> {
    let rust = |source: &Source| source.path.ends_with(".rs");
    sources().into_iter().filter(rust).collect()
}

/// The lines of `code` that hold `word`, counted from 1. A word that begins or ends with a letter
/// is found as a whole only.
pub(crate) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let holds = |line: &str| line.match_indices(word).any(|(at, _)| whole(line, at, word));
    let numbered = (1..).zip(code.lines());
    numbered.filter(|(_, line)| holds(line)).map(|(number, _)| number).collect()
}

fn whole(line: &str, at: usize, word: &str) -> bool {
    let before = word.starts_with(part_of_word) && line[..at].ends_with(part_of_word);
    let after = word.ends_with(part_of_word) && line[at + word.len()..].starts_with(part_of_word);
    !before && !after
}

fn part_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// `text` with blanks for what is in comments and literals; lines stay where they are.
pub(crate) fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside_a_word = first.is_alphanumeric() && out.ends_with(part_of_word);
        let length = if inside_a_word { 0 } else { literal(rest).unwrap_or(0) };
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    out
}

/// How long the comment or literal is that `text` begins with.
fn literal(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if let Some(inside) = text.strip_prefix("/*") {
        return Some(inside.find("*/").map_or(text.len(), |end| end + 4));
    }
    if let Some(after) = text.strip_prefix('\'') {
        return character(after).map(|length| length + 1);
    }
    let prefix = text.find(|c: char| !"bcr".contains(c))?;
    let hashes = text[prefix..].find(|c| c != '#')?;
    let open = prefix + hashes;
    if !text[open..].starts_with('"') || (hashes > 0 && !text[..prefix].ends_with('r')) {
        return None;
    }
    if text[..prefix].ends_with('r') {
        let close = format!("\"{}", "#".repeat(hashes));
        let end = text[open + 1..].find(&close)?;
        return Some(open + 1 + end + close.len());
    }
    Some(quoted(text, open + 1))
}

/// The length of a character literal behind its first quote; none if it is a lifetime.
fn character(after: &str) -> Option<usize> {
    let first = after.chars().next()?;
    if first == '\\' {
        return after[2..].find('\'').map(|end| end + 3);
    }
    after[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 1)
}

/// Where a string ends whose text begins at `start`.
fn quoted(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, letter) in text[start..].char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return start + at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn comments_and_literals_are_not_code() {
    for (text, code) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b */ c", "a         c"),
        (r#"f("a\"b") + 1"#, "f(      ) + 1"),
        ("f('{', '\\'', 'x')", "f(   ,     ,    )"),
        ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
        ("r#\"a \" b\"# c", "           c"),
        ("f(b\"a\", bar)", "f(    , bar)"),
        ("1//2", "1   "),
        ("b'x' + br\"\\\"", "b    +      "),
        ("\"// no\" x", "        x"),
    ] {
        assert_eq!(blank(text), code, "{text}");
    }
    assert_eq!(lines_with("a\nxnix::y\nnix::z", "nix::"), [3]);
}
