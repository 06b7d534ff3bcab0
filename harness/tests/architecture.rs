//! Everything that `ARCHITECTURE.md` names between backticks is there: files, folders, and the names
//! of the code. What is said of them is for people to read.

mod tree;

use std::collections::BTreeSet;

use tree::{none, root, sources};

/// Words between backticks that name neither a file nor something in the code.
const OTHER: [&str; 12] = [
    "ok",
    "fail",
    "info",
    "fracas",
    "fracas run",
    "fracas check",
    "fracas report",
    "nix",
    "unsafe",
    "FRACAS_UPDATE=1 cargo test -p fracas --test reference",
    "NAME",
    "1.5",
];

/// What stands between single backticks outside of drawings, with its line.
fn named(page: &str) -> Vec<(usize, &str)> {
    let (mut found, mut drawing) = (Vec::new(), false);
    for (line, number) in page.lines().zip(1..) {
        let edge = line.starts_with("```");
        drawing ^= edge;
        if !drawing && !edge {
            let parts = line.split('`').enumerate().filter(|(place, _)| place % 2 == 1);
            found.extend(parts.map(|(_, part)| (number, part)));
        }
    }
    found
}

/// Every path of a file of ours, and of the folders above it.
fn paths() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for source in sources() {
        let above = source.path.match_indices('/').map(|(end, _)| source.path[..=end].to_owned());
        all.extend(above);
        all.insert(source.path);
    }
    all
}

/// Whether a path, or the end of one, is there; `NAME` and `*` stand for any name.
fn exists(path: &str, all: &BTreeSet<String>) -> bool {
    let (before, after) =
        ["NAME", "*"].iter().find_map(|any| path.split_once(any)).unwrap_or((path, ""));
    let wild = before.len() + after.len() < path.len();
    all.iter().any(|known| match wild {
        false => known == path || known.ends_with(&format!("/{path}")),
        true => known.contains(before) && known.ends_with(after),
    })
}

#[test]
fn what_the_page_names_is_there() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let (all, words) = (paths(), words());
    let mut found = Vec::new();
    for (line, name) in named(&page) {
        let is_path =
            name.contains('/') || [".rs", ".toml", ".md"].iter().any(|end| name.ends_with(end));
        let known = match is_path {
            true => exists(name, &all) || exists(&format!("{name}/"), &all),
            false => name.trim_start_matches('-').split("::").all(|word| words.contains(word)),
        };
        if !known && !OTHER.contains(&name) {
            found.push(format!("ARCHITECTURE.md:{line}: `{name}`"));
        }
    }
    none("the page may name only what is there", &found);
}

/// `NAME` in `FILE`: the file has that name.
#[test]
fn a_name_is_in_the_file_that_the_page_says() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let all = sources();
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for (line, number) in page.lines().zip(1..) {
        for (before, after) in line.match_indices("` in `").map(|(at, _)| line.split_at(at)) {
            let name = before.rsplit('`').next().unwrap_or_default();
            let file = after["` in `".len()..].split('`').next().unwrap_or_default();
            let of_file = all.iter().filter(|source| source.path.ends_with(file));
            looked_at += 1;
            if !of_file.clone().any(|source| source.text.contains(name)) {
                found.push(format!("ARCHITECTURE.md:{number}: `{name}` in `{file}`"));
            }
        }
    }
    assert!(looked_at > 5, "{looked_at} names");
    none("a name must be in the file that the page says", &found);
}

/// Every word of the code and of the target files.
fn words() -> BTreeSet<String> {
    let files = sources().into_iter().filter(|source| {
        [".rs", ".toml"].iter().any(|end| source.path.ends_with(end))
            && !source.path.ends_with("tests/architecture.rs")
    });
    let mut words = BTreeSet::new();
    for source in files {
        let split = source.text.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
        words.extend(split.map(|word| word.trim_matches('-').to_owned()));
    }
    words
}

#[test]
fn paths_and_names_are_told_apart() {
    let all: BTreeSet<String> = ["a/b/", "a/b/c.rs"].map(str::to_owned).into();
    for (path, there) in [("a/b/c.rs", true), ("c.rs", true), ("b/", true), ("d.rs", false)] {
        assert_eq!(exists(path, &all), there, "{path}");
    }
    assert!(exists("a/b/NAME.rs", &all) && !exists("a/d/NAME.rs", &all));
    assert_eq!(named("x `a` `b`\n```\n`c`\n```\n`d`"), [(1, "a"), (1, "b"), (5, "d")]);
}
