//! What it costs to add something, as far as the sources show it: a module of its own, its `mod`, and
//! a row of a table. What was added so is known to no other code.

mod tree;

use std::collections::BTreeSet;

use fracas_checker::OpKind;
use tree::{Source, none, root, sources};

/// Modules of a folder that each add a row to a table.
struct Rows {
    folder: &'static str,
    /// What a module has that adds a row; the name of its type follows.
    adds: &'static str,
    /// Where the rows are.
    table: &'static str,
    /// Where the `mod` lines are.
    mods: &'static str,
    /// Modules of that folder which several rows have in common.
    shared: &'static [&'static str],
    /// Other code that may name a row: it is told which to choose.
    chooses: &'static [&'static str],
}

const ROWS: [Rows; 3] = [
    Rows {
        folder: "targets/src/protocols/",
        adds: "\nimpl Exchange for ",
        table: "targets/src/protocols/mod.rs",
        mods: "targets/src/protocols/mod.rs",
        shared: &[],
        chooses: &[],
    },
    Rows {
        folder: "workloads/src/",
        adds: "\nimpl Workload for ",
        table: "workloads/src/lib.rs",
        mods: "workloads/src/lib.rs",
        shared: &["exchange", "generators"],
        chooses: &[],
    },
    Rows {
        folder: "harness/engine/src/faults/",
        adds: "\nimpl KindOfFault for ",
        table: "harness/engine/src/faults/table.rs",
        mods: "harness/engine/src/faults/mod.rs",
        shared: &[],
        // Scenarios are lists of acts.
        chooses: &["harness/engine/src/nemesis/scenarios/"],
    },
];

/// The code of a file without its tests.
fn code(source: &Source) -> &str {
    source.text.split("#[cfg(test)]").next().unwrap_or_default()
}

fn find<'a>(all: &'a [Source], path: &str) -> &'a str {
    code(all.iter().find(|source| source.path == path).unwrap_or_else(|| panic!("no {path}")))
}

/// How many lines of a text hold one of these.
fn lines(text: &str, any: &[String]) -> usize {
    text.lines().filter(|line| any.iter().any(|part| line.contains(part.as_str()))).count()
}

impl Rows {
    /// The modules that add a row: name, and type.
    fn modules<'a>(&self, all: &'a [Source]) -> Vec<(&'a str, &'a str)> {
        let module = |source: &'a Source| {
            let name = source.path.strip_prefix(self.folder)?.strip_suffix(".rs")?;
            let kind = source.text.split_once(self.adds)?.1.split(' ').next()?;
            (!name.contains('/') && !self.shared.contains(&name)).then_some((name, kind))
        };
        all.iter().filter_map(module).collect()
    }

    /// Whatever else than its `mod` and its row names a module.
    fn wrong(&self, all: &[Source], (name, kind): (&str, &str)) -> Vec<String> {
        let path = format!("{}{name}.rs", self.folder);
        let row = [format!("{name}::{kind}"), format!("{kind} = {name};")];
        let mut wrong = Vec::new();
        if lines(find(all, self.table), &row) != 1 {
            wrong.push(format!("{path}: expected one row of {}", self.table));
        }
        if lines(find(all, self.mods), &[format!("mod {name};")]) != 1 {
            wrong.push(format!("{path}: expected one `mod` in {}", self.mods));
        }
        let may = |other: &&Source| {
            // The reference cluster and the lab know none of these crates; they have modules of the
            // same names.
            let own =
                ["targets/regent/", "harness/lab/"].iter().any(|it| other.path.starts_with(it))
                    || [&path, self.table, self.mods].contains(&&*other.path);
            own || self.chooses.iter().any(|folder| other.path.starts_with(folder))
        };
        let others = all.iter().filter(|source| source.path.contains("/src/") && !may(source));
        let others = others.filter(|source| !source.path.ends_with("tests.rs"));
        let known = others.filter(|source| lines(code(source), &row[..1]) > 0);
        wrong.extend(known.map(|source| format!("{} knows {path}", source.path)));
        wrong
    }
}

#[test]
fn what_was_added_is_known_to_its_table_alone() {
    let all = sources();
    for rows in ROWS {
        let modules = rows.modules(&all);
        assert!(modules.len() >= 3, "{}: {modules:?}", rows.folder);
        let wrong: Vec<String> =
            modules.iter().flat_map(|module| rows.wrong(&all, *module)).collect();
        none("one module, one row", &wrong);
    }
}

/// The words between backticks of a line.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// A table whose length stands in its type costs a second line for each row.
#[test]
fn the_tables_of_the_page_have_no_lengths() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the page");
    let section = page.split("## Adding something").nth(1).expect("the section");
    let all = sources();
    let mut wrong = Vec::new();
    let mut tables = 0;
    for line in section.lines().filter(|line| line.starts_with("| ")) {
        let words = quoted(line);
        let names = words.iter().filter(|word| {
            word.chars().all(|c| c.is_ascii_uppercase() || c == '_') && *word != &"NAME"
        });
        let Some(file) = words.iter().rev().find(|word| word.ends_with(".rs")) else { continue };
        for name in names {
            tables += 1;
            let text = find(&all, file);
            if !text.contains(&format!(" {name}: &[")) {
                wrong.push(format!("{file}: `{name}` is no slice"));
            }
        }
    }
    assert!(tables >= 8, "{tables} tables");
    none("tables are slices", &wrong);
}

/// Where people read the words of all operations, or programs in other languages know them.
const LISTS_OF_OPERATIONS: [&str; 7] = [
    "docs/adding-a-target.md",
    "docs/client-programs.md",
    "docs/history-format.md",
    "harness/src/cli/init/http.toml",
    "harness/src/cli/init/resp.toml",
    "targets/clients/fracas_client.mjs",
    "targets/clients/fracas_client.py",
];

/// No compiler asks for these. Of a page only the first column of its tables counts.
#[test]
fn every_operation_is_in_every_list_of_operations() {
    let mut wrong = Vec::new();
    for path in LISTS_OF_OPERATIONS {
        let text = std::fs::read_to_string(root().join(path)).expect(path);
        let cells = text.lines().map(|line| match path.ends_with(".md") {
            true => line.split('|').nth(1).unwrap_or_default(),
            false => line,
        });
        let of_word = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        let words: BTreeSet<&str> =
            cells.flat_map(|cell| cell.split(|letter| !of_word(letter))).collect();
        let missing = OpKind::asked().filter(|kind| !words.contains(kind.word()));
        wrong.extend(missing.map(|kind| format!("{path}: no `{kind}`")));
    }
    none("every operation is listed", &wrong);
}
