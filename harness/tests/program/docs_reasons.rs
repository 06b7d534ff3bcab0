//! `docs/troubleshooting.md` has a heading for every reason for which the checker may not decide.
//!
//! The reasons are found where they are made: the texts in the calls that take a reason, in the
//! sources of the checker. Where such a call takes what was made elsewhere, `ELSEWHERE` says where;
//! a call that is not in there fails the test. A heading is a part of such a text, with `…` for what
//! varies.

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

/// The calls that take a reason.
const CALLS: [&str; 5] =
    [".inconclusive(", "doubted(", "Served::TooFew(", "Served::NotAsked(", "Choice::Unclear("];

/// What is handed to these calls without a text, and the functions that make the texts.
const ELSEWHERE: [(&str, &[&str]); 13] = [
    ("stall.still())", &["fn still"]),
    ("unseen)", &["fn saw_too_little"]),
    ("text)", &[]), // of `Served`, a call of its own
    ("ended.before_testing())", &["fn before_testing"]),
    ("why)", &["fn untimely"]),
    (
        "verdict.clone(), reason)",
        &["fn nothing", "fn repeated", "fn red", "fn green", "fn assumed"],
    ),
    ("verdict, reason)", &["fn either"]),
    ("Verdict::default(), reason)", &[]), // of `Choice::Unclear`
    ("verdict, \"the last line", &[]),    // a text of its own, see `TORN`
    ("reason) | Choice::None(reason)", &[]), // the same
    ("verdict: Verdict,", &[]),           // the declarations
    ("reason: impl", &[]),
    ("String)", &[]),
];

/// The text that follows another argument.
const TORN: &str = "the last line of the history is torn: nobody knows what it said";

/// How texts begin that are none: what was expected, additions to a reason, and notes.
const PARTS: [&str; 4] = ["expected ", "; ", "judged as", "… at first: it was read"];

/// A source without its tests and its comments.
fn code(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let comment = |line: &&str| line.trim_start().starts_with("//");
    source.lines().filter(|line| !comment(line)).map(|line| format!("{line}\n")).collect()
}

/// The texts of the calls that take a reason, `…` for what is filled in; and the calls without one.
fn reasons(source: &str) -> (Vec<String>, Vec<String>) {
    let (mut texts, mut without) = (Vec::new(), Vec::new());
    for call in CALLS.iter().flat_map(|call| source.split(call).skip(1)) {
        let call = call.trim_start();
        let literal = call.trim_start_matches("format!(").trim_start();
        match text(literal) {
            Some(text) => texts.push(text),
            None => without.push(call.lines().next().unwrap_or_default().to_owned()),
        }
    }
    (texts, without)
}

/// The texts in a function that are sentences of their own.
fn sentences(source: &str, function: &str) -> Vec<String> {
    let begins = format!("{function}(");
    let Some((before, body)) = source.split_once(&begins) else { return Vec::new() };
    let indented = before.lines().last().is_some_and(|line| line.starts_with(' '));
    let body = body.split(if indented { "\n    }\n" } else { "\n}\n" }).next().unwrap();
    let starts = body.match_indices('"').map(|(at, _)| at);
    let mut end = 0;
    let mut found = Vec::new();
    for at in starts {
        if at < end {
            continue;
        }
        let text = text(&body[at..]).unwrap();
        end = at + 1 + closing(&body[at + 1..]) + 1;
        let is_part = PARTS.iter().any(|part| text.starts_with(part));
        if !is_part && text.split(' ').count() > 4 {
            found.push(text);
        }
    }
    found
}

/// Where a string literal ends whose opening quote is left out.
fn closing(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' if !escaped => return at,
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    text.len()
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
        sources(&checker).iter().map(|path| code(&fs::read_to_string(path).unwrap())).collect();
    let mut texts = vec![TORN.to_owned()];
    let mut unknown = Vec::new();
    for (found, without) in files.iter().map(|file| reasons(file)) {
        texts.extend(found);
        unknown.extend(without);
    }
    unknown.retain(|call| !ELSEWHERE.iter().any(|(known, _)| call.contains(known)));
    assert!(unknown.is_empty(), "calls whose reasons are made elsewhere: {unknown:#?}");
    for function in ELSEWHERE.iter().flat_map(|(_, functions)| *functions) {
        let found: Vec<String> = files.iter().flat_map(|file| sentences(file, function)).collect();
        assert!(!found.is_empty(), "`{function}` makes no reason any more");
        texts.extend(found);
    }
    assert!(texts.len() > 35, "the calls are found: {texts:#?}");
    let untold: Vec<_> = texts
        .iter()
        .filter(|reason| !headings().iter().any(|heading| reason.contains(heading)))
        .collect();
    assert!(untold.is_empty(), "no heading of docs/troubleshooting.md is in: {untold:#?}");
}

#[test]
fn texts_are_read_with_their_gaps() {
    let source = "a.inconclusive(format!(\n    \"only {seen} of {all} \\\n     \\\"x\\\"\",\n    1));\nb.inconclusive(why);\nc.inconclusive(\"plain\")";
    let texts = ["only … of … \"x\"", "plain"].map(str::to_owned);
    assert_eq!(reasons(source), (texts.to_vec(), vec!["why);".to_owned()]));
}

#[test]
fn texts_of_a_function_are_found() {
    let source = "    fn red(&self) -> String {\n        \"one two three four {x} \\\"five\\\"\".to_owned();\n        \"; but this is a part of it\"\n    }\n\"not in that function at all\"";
    assert_eq!(sentences(source, "fn red"), ["one two three four … \"five\""]);
}
