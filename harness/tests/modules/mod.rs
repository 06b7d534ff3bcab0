//! The modules of a crate, and which names each takes from which other.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::blank;
use crate::product::without_tests;
use crate::tree::Source;

/// The names that lead from the root of a crate to a module, or to something in it.
type Path = Vec<String>;

/// The modules of one crate.
pub(crate) struct Modules {
    all: BTreeMap<Path, Module>,
}

/// One file.
struct Module {
    file: String,
    code: String,
    imports: Vec<Import>,
}

/// One name that a `use` brings in.
#[derive(Clone, Debug, PartialEq)]
struct Import {
    path: Path,
    name: String,
    handed_on: bool,
}

impl Modules {
    /// Reads those below `root`.
    pub(crate) fn of(root: &str, sources: &[Source]) -> Self {
        let mut all = BTreeMap::new();
        for source in sources {
            let Some(below) = source.path.strip_prefix(&format!("{root}/")) else { continue };
            if below.starts_with("bin/") || below == "main.rs" {
                continue; // crates of their own
            }
            let stem = below.strip_suffix(".rs").expect("a Rust file");
            let stem = stem.strip_suffix("/mod").unwrap_or(stem);
            let path = if stem == "lib" { Path::new() } else { words(stem, "/") };
            let code = without_tests(&blank(&source.text));
            let imports = imports(&code, &path);
            all.insert(path, Module { file: source.path.clone(), code, imports });
        }
        Self { all }
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Who takes what from whom: file, file, names.
    pub(crate) fn ties(&self) -> Vec<(String, String, BTreeSet<String>)> {
        let mut ties: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for (own, module) in &self.all {
            for path in self.named_by(own, module) {
                let Some((there, name)) = self.definition(&path, 0) else { continue };
                if there != own {
                    let key = (module.file.clone(), self.all[there].file.clone());
                    ties.entry(key).or_default().insert(name);
                }
            }
        }
        ties.into_iter().map(|((from, to), names)| (from, to, names)).collect()
    }

    /// Everything that a module names, from the root of the crate.
    fn named_by(&self, own: &Path, module: &Module) -> Vec<Path> {
        let body = without_children(&without_imports(&module.code));
        let is_used = |import: &&Import| {
            !import.handed_on || body.split(|c: char| !part(c)).any(|word| word == import.name)
        };
        let mut named: Vec<Path> =
            module.imports.iter().filter(is_used).map(|import| import.path.clone()).collect();
        for path in paths(&body) {
            let first = &path[0];
            let from_root = absolute(&path, own).or_else(|| {
                let child: Path = own.iter().chain([first]).cloned().collect();
                let alias = module.imports.iter().find(|import| import.name == *first);
                match alias {
                    Some(alias) => Some(alias.path.iter().chain(&path[1..]).cloned().collect()),
                    None => self
                        .all
                        .contains_key(&child)
                        .then(|| own.iter().chain(&path).cloned().collect()),
                }
            });
            named.extend(from_root);
        }
        named
    }

    /// The module in which something is defined, and its name there.
    fn definition(&self, path: &[String], depth: usize) -> Option<(&Path, String)> {
        assert!(depth < 20, "{path:?} is handed on in a circle");
        let length =
            (0..=path.len()).rev().find(|length| self.all.contains_key(&path[..*length]))?;
        let (there, module) = self.all.get_key_value(&path[..length])?;
        let Some(name) = path.get(length) else {
            return (length > 0).then(|| (there, path[length - 1].clone()));
        };
        let handed = module.imports.iter().filter(|import| import.handed_on);
        for import in handed {
            // A macro is handed on by the module that defines it.
            if import.name == *name && import.path != path[..=length] {
                let rest: Path = import.path.iter().chain(&path[length + 1..]).cloned().collect();
                return self.definition(&rest, depth + 1).or(Some((there, name.clone())));
            }
            let from: Path = import.path.iter().chain([name]).cloned().collect();
            if import.name == "*" && self.defines(&import.path, name) {
                return self.definition(&from, depth + 1);
            }
        }
        Some((there, name.clone()))
    }

    /// Whether a module has an item of this name.
    fn defines(&self, path: &Path, name: &str) -> bool {
        const ITEMS: [&str; 8] =
            ["struct ", "enum ", "fn ", "trait ", "type ", "const ", "static ", "union "];
        let Some(module) = self.all.get(path) else { return false };
        ITEMS.iter().any(|item| {
            let word = format!("{item}{name}");
            let mut hits = module.code.match_indices(&word);
            hits.any(|(at, _)| !module.code[at + word.len()..].starts_with(part))
        })
    }
}

fn part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn words(text: &str, between: &str) -> Path {
    text.split(between).map(str::to_owned).collect()
}

/// A path that begins with `crate`, `self` or `super`, from the root of the crate.
fn absolute(path: &[String], own: &Path) -> Option<Path> {
    let (first, mut rest) = path.split_first()?;
    let mut from = match first.as_str() {
        "crate" => return Some(rest.to_vec()),
        "self" => own.clone(),
        "super" => own[..own.len().checked_sub(1)?].to_vec(),
        _ => return None,
    };
    while rest.first().is_some_and(|word| word == "super") {
        from.pop()?;
        rest = &rest[1..];
    }
    from.extend_from_slice(rest);
    Some(from)
}

/// Where each `use` begins and ends, with what is before it on its line.
fn uses(code: &str) -> Vec<(usize, usize)> {
    let starts = code.match_indices("use ").map(|(at, _)| at);
    let begins = |at: &usize| {
        let before = code[..*at].rsplit('\n').next().unwrap_or_default().trim();
        before.is_empty()
            || (before.starts_with("pub") && !before.contains(' '))
            || before.starts_with("pub(in ")
    };
    let ended = |at: usize| code[at..].find(';').map(|end| (at, at + end + 1));
    starts.filter(begins).filter_map(ended).collect()
}

/// The code with its `use` lines left out.
fn without_imports(code: &str) -> String {
    let mut out = code.to_owned();
    for (start, end) in uses(code).into_iter().rev() {
        out.replace_range(start..end, "");
    }
    out
}

/// The code with the `mod` lines left out that name its children.
fn without_children(code: &str) -> String {
    let names = |line: &&str| {
        let line = line.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        !(line.starts_with("mod ") && line.ends_with(';'))
    };
    code.lines().filter(names).collect::<Vec<_>>().join("\n")
}

/// What the `use` lines of a module bring in, from the root of the crate; other crates left out.
fn imports(code: &str, own: &Path) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, end) in uses(code) {
        let before = code[..start].rsplit('\n').next().unwrap_or_default();
        let handed_on = before.trim().starts_with("pub");
        let tree: String =
            code[start + 4..end - 1].split_whitespace().collect::<Vec<_>>().join(" ");
        let mut leaves = Vec::new();
        expand("", &tree, &mut leaves);
        for (path, name) in leaves {
            let path = words(&path, "::");
            let child = || own.iter().chain(&path).cloned().collect();
            let path = absolute(&path, own).unwrap_or_else(child);
            found.push(Import { path, name, handed_on });
        }
    }
    found
}

/// The leaves of a tree of imports: each with its path and the name that it gets.
fn expand(before: &str, tree: &str, leaves: &mut Vec<(String, String)>) {
    let tree = tree.trim();
    if let Some((head, inner)) = tree.split_once('{') {
        let inner = inner.trim_end().trim_end_matches('}');
        let inner = &tree[head.len() + 1..tree.rfind('}').unwrap_or(head.len() + 1 + inner.len())];
        for part in at_top(inner) {
            expand(&format!("{before}{}", head.trim()), part, leaves);
        }
        return;
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path.trim(), Some(alias.trim())),
        None => (tree, None),
    };
    if path.is_empty() {
        return;
    }
    let whole = format!("{before}{path}");
    let whole = whole.strip_suffix("::self").unwrap_or(&whole);
    let whole = whole.strip_suffix("::*").map_or(whole.to_owned(), str::to_owned);
    let last = if path == "*" { "*" } else { whole.rsplit("::").next().unwrap_or(&whole) };
    let name = alias.unwrap_or(last).to_owned();
    leaves.push((whole, name));
}

/// The parts between the commas that are in no braces.
fn at_top(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Every path of two or more names in some code.
fn paths(code: &str) -> Vec<Path> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("::") {
        let start = rest[..at].rfind(|c: char| !part(c)).map_or(0, |before| before + 1);
        let tail = &rest[start..];
        let end = path_end(tail);
        let path: Path = tail[..end].split("::").map(str::to_owned).collect();
        let sees = rest[..start].ends_with("(in "); // who sees an item: no import
        if path.len() > 1 && !sees && path.iter().all(|word| !word.is_empty()) {
            found.push(path);
        }
        rest = &rest[(start + end).max(at + 2)..];
    }
    found
}

/// Where a path ends that begins here.
fn path_end(text: &str) -> usize {
    let mut at = 0;
    loop {
        let word = text[at..].find(|c: char| !part(c)).unwrap_or(text.len() - at);
        let next = at + word;
        let goes_on = text[next..].strip_prefix("::").is_some_and(|after| after.starts_with(part));
        if word == 0 || !goes_on {
            return next;
        }
        at = next + 2;
    }
}
