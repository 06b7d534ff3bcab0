//! Rules of taste, as tests that read every written file: what a reviewer should not have to say.
//!
//! What rustfmt and clippy can see is not looked at again.

mod code;
mod product;
mod tree;

use std::path::Path;

use code::{blank, lines_with, rust};
use product::without_tests;
use tree::{Source, none, root, sources};

/// No function is longer.
const FUNCTION_LINES: usize = 70;

/// No Rust file is longer.
const FILE_LINES: usize = 500;

/// What may not be in code, and what to do instead.
const BANNED: [(&str, &str); 5] = [
    ("todo!", "write it, or leave it out"),
    ("unimplemented!", "write it, or leave it out"),
    ("dbg!", "use `tracing`"),
    ("#[allow", "use `#[expect(…, reason = \"…\")]`"),
    ("#![allow", "use `#[expect(…, reason = \"…\")]`"),
];

/// Words that stand for a noun. Nothing in code is named by one of them.
const PRONOUNS: [&str; 10] =
    ["nobody", "one", "that", "them", "these", "they", "those", "which", "who", "whose"];

/// The same, but files that others read have fields of these names.
const FIELDS: [&str; 2] = ["what", "whom"];

/// The beginnings of paths that exist on one machine only.
const HOMES: [&str; 3] = ["/home/", "/root/", "/Users/"];

/// Says that every line which `breaks` returns breaks `rule`.
#[track_caller]
fn lines(rule: &str, sources: &[Source], breaks: impl Fn(&str) -> bool) {
    let mut found = Vec::new();
    for source in sources {
        let numbered = (1_u32..).zip(source.text.lines()).filter(|(_, line)| breaks(line));
        found.extend(numbered.map(|(number, _)| format!("{}:{number}", source.path)));
    }
    none(rule, &found);
}

#[test]
fn every_file_opens_with_what_it_is() {
    let silent = |source: &Source| !source.text.starts_with("//! ");
    let found: Vec<String> =
        rust().into_iter().filter(silent).map(|source| format!("{}:1", source.path)).collect();
    none("a file must open with `//!`: what it is, and what it deliberately does not do", &found);
}

#[test]
fn no_file_is_too_long() {
    let mut found = Vec::new();
    for source in rust() {
        let length = source.text.lines().count();
        if length > FILE_LINES {
            found.push(format!("{}:{FILE_LINES}: {length} lines", source.path));
        }
    }
    none(&format!("a file has at most {FILE_LINES} lines"), &found);
}

#[test]
fn no_function_is_too_long() {
    let mut found = Vec::new();
    for source in rust() {
        for (name, line, length) in functions(&blank(&source.text)) {
            if length > FUNCTION_LINES {
                found.push(format!("{}:{line}: `{name}` has {length} lines", source.path));
            }
        }
    }
    none(&format!("a function has at most {FUNCTION_LINES} lines"), &found);
}

/// Every function with a body: its name, its first line and how many lines it has.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let starts = code
        .match_indices("fn ")
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
    starts.filter_map(|(at, _)| function(code, at)).collect()
}

/// The function whose `fn` is at `at`; none if it has no body.
fn function(code: &str, at: usize) -> Option<(String, usize, usize)> {
    let rest = &code[at..];
    let name = rest[3..].split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    let mut open = 0_usize;
    for (end, letter) in rest.char_indices() {
        match letter {
            ';' if open == 0 && !in_brackets(&rest[..end]) => return None,
            '{' => open += 1,
            '}' if open == 1 => {
                let first = code[..at].matches('\n').count() + 1;
                return Some((name.to_owned(), first, rest[..=end].lines().count()));
            }
            '}' => open = open.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// Whether a bracket is open at the end of a signature: the `;` of `[u8; 4]` ends nothing.
fn in_brackets(signature: &str) -> bool {
    signature.matches('[').count() > signature.matches(']').count()
}

#[test]
fn functions_are_measured() {
    let code = "trait T { fn none(&self, x: [u8; 4]) -> u8; }\nfn one() {}\nasync fn four() {\n  if x {\n  }\n}\n";
    let found = functions(code);
    let expected = [("one".to_owned(), 2, 1), ("four".to_owned(), 3, 4)];
    assert_eq!(found, expected);
}

/// No function has more parameters than this, which is clippy's limit, too.
const PARAMETERS: usize = 4;

/// A tuple that is taken apart in the signature, as `(from, to): (u64, u64)`, counts as what is in it:
/// what belongs together gets a struct with names.
#[test]
fn no_tuple_hides_parameters() {
    let mut found = Vec::new();
    for source in rust().iter().filter(|source| !source.path.contains("/tests/")) {
        let code = without_tests(&blank(&source.text));
        for (name, line, count) in parameters_with_tuples(&code) {
            if count > PARAMETERS {
                found.push(format!("{}:{line}: `{name}` takes {count} things", source.path));
            }
        }
    }
    none(&format!("a function takes at most {PARAMETERS} things, those in tuples counted"), &found);
}

/// Every function that takes a tuple apart in its signature: its name, its line, and how many
/// parameters it has, `self` left out and those in tuples counted.
fn parameters_with_tuples(code: &str) -> Vec<(String, usize, usize)> {
    let starts = code.match_indices("fn ").filter_map(|(at, _)| {
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let open = at + 3 + name.len();
        let open = open + generics(&code[open..]);
        let parameters = in_parentheses(&code[open..])?;
        Some((at, name, at_commas(parameters)))
    });
    let counted = |(at, name, parameters): (usize, String, Vec<&str>)| {
        let sizes = parameters.iter().filter(|parameter| !is_self(parameter)).map(|parameter| {
            let tuple = in_parentheses(parameter).filter(|_| parameter.contains("): ("));
            (tuple.is_some(), tuple.map_or(1, |inner| at_commas(inner).len()))
        });
        let sizes: Vec<(bool, usize)> = sizes.collect();
        let line = code[..at].matches('\n').count() + 1;
        let count = sizes.iter().map(|(_, size)| size).sum();
        sizes.iter().any(|(tuple, _)| *tuple).then_some((name, line, count))
    };
    starts.filter_map(counted).collect()
}

fn is_self(parameter: &str) -> bool {
    let words = parameter.trim_start_matches('&').split([' ', ':']);
    words.take(3).any(|word| word == "self")
}

/// How long the `<…>` is that a text begins with.
fn generics(text: &str) -> usize {
    if !text.starts_with('<') {
        return 0;
    }
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' if !text[..at].ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// What is in the parentheses that a text begins with; none if it begins with none.
fn in_parentheses(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return text[..at].strip_prefix('(');
        }
    }
    None
}

/// The parts between the commas that are in no brackets.
fn at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if text[..at].ends_with('-') => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[test]
fn tuples_in_signatures_are_counted() {
    let code = "fn plain(a: u8, b: (u8, u8)) {}\n\
        fn two<T: Fn(u8) -> u8>(&mut self, (a, b): (u8, Vec<(u8, u8)>), c: T) {}\n\
        fn five(\n    (a, b): (u8, u8),\n    (c, d): (u8, u8),\n    e: impl Fn(u8, u8),\n) {}\n";
    let expected = [("two".to_owned(), 2, 3), ("five".to_owned(), 3, 5)];
    assert_eq!(parameters_with_tuples(code), expected);
}

#[test]
fn no_banned_word_is_used() {
    let mut found = Vec::new();
    for source in rust() {
        let code = blank(&source.text);
        for (word, instead) in BANNED {
            let hits = lines_with(&code, word);
            let tell = |line| format!("{}:{line}: `{word}`: {instead}", source.path);
            found.extend(hits.into_iter().map(tell));
        }
    }
    none("these words may not be in code", &found);
}

#[test]
fn every_name_is_a_noun() {
    let mut found = Vec::new();
    for source in rust() {
        let tell = |(line, word)| format!("{}:{line}: `{word}`", source.path);
        found.extend(pronouns(&source.text).into_iter().map(tell));
    }
    none("a name says what the value is, as `operation`, or `first` of a pair", &found);
}

/// The pronouns that variables and functions have for a name, each with its line.
fn pronouns(text: &str) -> Vec<(usize, &'static str)> {
    let code = blank(text);
    let mut found = Vec::new();
    for word in PRONOUNS {
        found.extend(lines_with(&code, word).into_iter().map(|line| (line, word)));
    }
    for word in FIELDS {
        let bare = code.replace(&format!(".{word}"), "").replace(&format!("{word}:"), "");
        found.extend(lines_with(&bare, word).into_iter().map(|line| (line, word)));
        let shown = [format!("{{{word}}}"), format!("{{{word}:")];
        let shows = |line: &str| shown.iter().any(|shown| line.contains(shown));
        // The words of an error show its fields.
        let shows = |line: &str| shows(line) && !line.trim_start().starts_with("#[error(");
        let numbered = (1..).zip(text.lines()).filter(|(_, line)| shows(line));
        found.extend(numbered.map(|(line, _)| (line, word)));
    }
    found
}

#[test]
fn pronouns_are_found() {
    for (code, expected) in [
        ("all.iter().map(|one| one.invoked)", vec![(1, "one")]),
        ("match x {\n    Some(one) => 1,\n}", vec![(2, "one")]),
        ("fn nobody() {}", vec![(1, "nobody")]),
        ("fn f(what: &str) {\n    g(what)\n}", vec![(2, "what")]),
        (concat!("fn f(what: &str) {\n    print!(\"{wh", "at}\")\n}"), vec![(2, "what")]),
        ("let Act { whom, .. } = act;", vec![(1, "whom")]),
        (concat!("#[error(\"{wh", "at}\")]\nIo { what: String },"), vec![]),
        ("let Act { whom: victims, .. } = act;\nact.whom = all;", vec![]),
        ("// one\nlet all = [\"one\", at_one, one_of];", vec![]),
    ] {
        assert_eq!(pronouns(code), expected, "{code}");
    }
}

#[test]
fn no_file_knows_a_developers_machine() {
    let own = |source: &Source| source.path.ends_with("tests/tidy.rs");
    let others: Vec<Source> = sources().into_iter().filter(|source| !own(source)).collect();
    let starts = |line: &str, home: &str| {
        line.match_indices(home).any(|(at, _)| {
            !line[..at].ends_with(|c: char| c.is_alphanumeric() || "_-.}/".contains(c))
        })
    };
    lines("no file may name a path of one machine", &others, |line| {
        HOMES.iter().any(|home| starts(line, home))
    });
}

#[test]
fn no_mark_of_an_unfinished_merge_is_left() {
    // Written in parts, so that this file does not break its own rule.
    let marks = ["<".repeat(7), "|".repeat(7), ">".repeat(7)];
    lines("a merge must be finished: choose one side", &sources(), |line| {
        marks.iter().any(|mark| line.starts_with(mark.as_str()))
    });
}

#[test]
fn no_line_ends_with_a_space() {
    lines("no line may end with a space", &sources(), |line| line.ends_with([' ', '\t']));
}

#[test]
fn every_file_ends_with_one_newline() {
    let bad = |source: &Source| {
        !source.text.is_empty() && (!source.text.ends_with('\n') || source.text.ends_with("\n\n"))
    };
    let found: Vec<String> = sources().into_iter().filter(bad).map(|source| source.path).collect();
    none("a file ends with one newline", &found);
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let pages = sources().into_iter().filter(|source| source.path.ends_with(".md"));
    let mut found = Vec::new();
    for page in pages {
        let folder = root().join(&page.path).parent().expect("a file is in a folder").to_owned();
        for (number, line) in (1_u32..).zip(page.text.lines()) {
            let broken = links(line).filter(|link| !leads(&folder, link));
            found.extend(broken.map(|link| format!("{}:{number}: `{link}`", page.path)));
        }
    }
    none("a link must lead to a file of the project", &found);
}

/// The targets of a line's Markdown links.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

fn leads(folder: &Path, link: &str) -> bool {
    let file = link.split('#').next().unwrap_or_default();
    link.contains("://") || file.is_empty() || folder.join(file).exists()
}
