//! `docs/troubleshooting.md` has a heading for every reason for which the checker may not decide.
//!
//! The reasons are found where they are made: the texts that `inconclusive(…)` is called with in the
//! sources of the checker. A heading is a part of such a text, with `…` for what varies.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../docs/troubleshooting.md");

/// All source files below a directory.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// The texts that `inconclusive` is called with, `…` for what is filled in.
fn reasons(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let calls = source.split(".inconclusive(").skip(1);
    calls
        .filter_map(|call| text(call.trim_start().trim_start_matches("format!(").trim_start()))
        .collect()
}

/// The string literal that a call begins with; none where it is made elsewhere.
fn text(call: &str) -> Option<String> {
    let mut text = String::new();
    let mut letters = call.strip_prefix('"')?.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' if letters.peek() == Some(&'\n') => {
                while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
            }
            '\\' => text.extend(letters.next()),
            '{' => {
                while letters.next().is_some_and(|letter| letter != '}') {}
                text.push('…');
            }
            letter => text.push(letter),
        }
    }
    Some(text)
}

/// The sentences of the page: its headings hold them between backticks.
fn headings() -> Vec<&'static str> {
    let headings = PAGE.lines().filter_map(|line| line.strip_prefix("#### "));
    headings.flat_map(|heading| heading.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_reason_of_the_checker_is_a_heading_of_the_page() {
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../checker/src");
    let files: Vec<String> =
        sources(&checker).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let reasons: Vec<String> = files.iter().flat_map(|file| reasons(file)).collect();
    assert!(reasons.len() > 15, "the calls are found: {reasons:#?}");
    let untold: Vec<_> = reasons
        .iter()
        .filter(|reason| !headings().iter().any(|heading| reason.contains(heading)))
        .collect();
    assert!(untold.is_empty(), "no heading of docs/troubleshooting.md is in: {untold:#?}");
}

#[test]
fn texts_are_read_with_their_gaps() {
    let source = "a.inconclusive(format!(\n    \"only {seen} of {all} \\\n     \\\"x\\\"\",\n    1));\nb.inconclusive(why);\nc.inconclusive(\"plain\")";
    assert_eq!(reasons(source), ["only … of … \"x\"", "plain"]);
}
