//! The tables in the pages are those that the program uses: this test fails when a page is stale,
//! and writes it anew when `FRACAS_UPDATE=1` is set.
//!
//! A table stands between `<!-- table: NAME -->` and `<!-- end -->`; the prose around it is written
//! by people.

mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use fracas_checker::formats::Format;
use fracas_targets::Target;
use serde_json::Value;
use tree::{none, root, sources};

const BEGIN: &str = "<!-- table: ";
const END: &str = "<!-- end -->";

/// A table's name, and what renders it.
type Table = (&'static str, fn() -> String);

/// Every table that a page may show.
const TABLES: [Table; 12] = [
    ("anomalies", anomalies),
    ("bugs", bugs),
    ("checks", || listed("checks", ["Check", "Promises"])),
    ("exit-codes", exit_codes),
    ("faults", || listed("faults", ["Fault", "What it does"])),
    ("formats", formats),
    ("isolation", isolation),
    ("models", models),
    ("outputs", outputs),
    ("plan-keys", || listed("plan-keys", ["Key", "What it is"])),
    ("targets", || listed("targets", ["Target", "What it is"])),
    ("workloads", workloads),
];

fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = line(heads.iter().map(|head| (*head).to_owned()).collect());
    let rule = line(heads.iter().map(|_| "---".to_owned()).collect());
    let rows = rows.map(|cells| line(cells.map(|cell| cell.replace('|', "\\|")).to_vec()));
    head + &rule + &rows.collect::<String>()
}

fn code(word: &str) -> String {
    format!("`{word}`")
}

fn codes(words: impl IntoIterator<Item = &'static str>) -> String {
    words.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// What `fracas list WHAT` shows.
fn listed(list: &str, heads: [&str; 2]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fracas"))
        .args(["list", list, "--format", "json"])
        .output()
        .expect("fracas can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("fracas writes JSON");
    let cell = |row: &Value, name: &str| row[name].as_str().expect("rows hold texts").to_owned();
    table(heads, rows.iter().map(|row| [code(&cell(row, "name")), cell(row, "about")]))
}

fn workloads() -> String {
    let row = |workload: &&dyn fracas_workloads::Workload| {
        let needs = codes(workload.needs().iter().map(|kind| kind.word()));
        let checks = codes(workload.checks().iter().copied());
        [code(workload.name()), workload.about().to_owned(), needs, checks]
    };
    let heads = ["Workload", "What clients do", "Needs", "Judged by"];
    table(heads, fracas_workloads::ALL.iter().map(row))
}

fn exit_codes() -> String {
    let rows = fracas::exit::TABLE.iter();
    table(["Code", "Meaning"], rows.map(|(_, code, about)| [code.to_string(), (*about).to_owned()]))
}

fn bugs() -> String {
    let row = |bug: &fracas_regent::bugs::BugInfo| {
        [code(bug.name), bug.pitfall.to_owned(), bug.faults.join(", ")]
    };
    let heads = ["Bug", "The pitfall", "Brought to light by"];
    table(heads, fracas_regent::bugs::BUGS.iter().map(row))
}

fn anomalies() -> String {
    let row = |class: &fracas_checker::catalogue::Class| {
        let example = class.example.lines().collect::<Vec<_>>().join("; ");
        [code(class.name), class.meaning.to_owned(), example]
    };
    let heads = ["Anomaly", "Meaning", "The smallest example"];
    table(heads, fracas_checker::catalogue::classes().map(row))
}

fn models() -> String {
    let row = |kind: &fracas_checker::objects::Kind| {
        let serves = codes(kind.serves.iter().map(|kind| kind.word()));
        [codes(kind.names.iter().copied()), code(kind.id), serves, kind.promise.to_owned()]
    };
    let heads = ["`--model`", "Check", "Operations", "Promise"];
    table(heads, fracas_checker::objects::OBJECTS.iter().map(row))
}

fn formats() -> String {
    let row = |format: &Format| {
        let names = Format::NAMES.iter().filter(|(_, named)| named == format);
        [codes(names.map(|(name, _)| *name)), format.about().to_owned()]
    };
    table(["`--format`", "What it is"], Format::ALL.iter().map(row))
}

fn isolation() -> String {
    use fracas_lab::promises::{Mode, PROMISES, Promise};
    let row = |promise: &Promise| {
        let cell = |mode| match promise.unless {
            Some(why) if !promise.holds_in(mode, true) => format!("not promised: {why}"),
            _ if promise.by_filter => "refused, by seccomp".to_owned(),
            _ => "refused".to_owned(),
        };
        let [root, userns, range, user] = Mode::ALL.map(cell);
        [promise.attempt.to_owned(), root, userns, range, user]
    };
    let [root, userns, range, user] = Mode::ALL.map(Mode::word);
    table(["A server tries to", root, userns, range, user], PROMISES.iter().map(row))
}

fn outputs() -> String {
    let rows = fracas_reports::FILES.iter();
    table(["File", "What it is"], rows.map(|(name, about, _)| [code(name), (*about).to_owned()]))
}

/// The page with every table as it has to be; an error names the line that is wrong.
fn refreshed(page: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut lines = (1_u32..).zip(page.lines());
    while let Some((number, line)) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(rest) = line.strip_prefix(BEGIN) else { continue };
        let name = rest.trim_end_matches(" -->");
        let known = TABLES.iter().find(|(known, _)| *known == name);
        let (_, render) = known.ok_or_else(|| format!("{number}: no table is called `{name}`"))?;
        if !lines.any(|(_, line)| line == END) {
            return Err(format!("{number}: the table `{name}` has no `{END}`"));
        }
        out.push_str(&render());
        out.push_str(END);
        out.push('\n');
    }
    Ok(out)
}

#[test]
fn the_tables_in_the_pages_are_those_of_the_program() {
    let update = std::env::var("FRACAS_UPDATE").is_ok_and(|value| value == "1");
    let mut stale = Vec::new();
    let mut shown = BTreeSet::new();
    for page in sources().into_iter().filter(|source| source.path.ends_with(".md")) {
        shown.extend(
            page.text.lines().filter_map(|line| line.strip_prefix(BEGIN)).map(str::to_owned),
        );
        match refreshed(&page.text) {
            Err(problem) => stale.push(format!("{}:{problem}", page.path)),
            Ok(text) if text == page.text => {}
            Ok(text) if update => fs::write(root().join(&page.path), text).expect("it was read"),
            Ok(_) => stale.push(page.path),
        }
    }
    none("stale pages; `FRACAS_UPDATE=1 cargo test -p fracas --test reference` mends them", &stale);
    let unseen = TABLES.iter().filter(|(name, _)| !shown.contains(&format!("{name} -->")));
    none("no page shows this table", &unseen.map(|(name, _)| code(name)).collect::<Vec<_>>());
}

/// The keys of the target file are the fields of the types that it is read into.
#[test]
fn the_tutorial_names_every_key_of_a_target_file() {
    let read =
        |path| fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    let tutorial = read("docs/adding-a-target.md");
    let types = read("targets/src/declared/file.rs");
    let fields = types.lines().filter_map(|line| line.trim().strip_prefix("pub(crate) "));
    let names = fields.filter_map(|field| Some(field.split_once(": ")?.0.replace('_', "-")));
    let keys: Vec<String> = names
        .map(|name| match name.as_str() {
            "written" => "as".to_owned(),
            "means" => "is".to_owned(),
            _ => name,
        })
        .collect();
    assert!(keys.len() > 40, "found only the keys {keys:?}");
    let rows: Vec<&str> = tutorial.lines().filter(|line| line.starts_with("| `")).collect();
    let told = |key: &&String| rows.iter().any(|row| names_key(row, key));
    let missing: Vec<String> = keys.iter().filter(|key| !told(key)).cloned().collect();
    none("docs/adding-a-target.md has no row for these keys", &missing);
}

/// Whether the first cell of a row names `key`, alone or as the last step of a path.
fn names_key(row: &str, key: &str) -> bool {
    let cell = row.trim_start_matches("| ").split(" | ").next().unwrap_or_default();
    cell.split('`').any(|name| {
        let name = name.trim_matches(|c| "[]".contains(c));
        name.rsplit('.').next() == Some(key)
    })
}

/// Every built-in target has a page that says how to run it, and what its modes promise.
#[test]
fn every_built_in_target_has_its_page() {
    let pages = Target::builtins().map(|name| {
        let page = format!("docs/targets/{name}.md");
        let text = fs::read_to_string(root().join(&page)).unwrap_or_default();
        let command = format!("fracas run {name}");
        let parts = ["## What it takes", "## What is promised", &command];
        let missing = parts.into_iter().filter(|part| !text.contains(part));
        missing.map(|part| format!("{page} has no `{part}`")).collect::<Vec<_>>()
    });
    none("pages of targets", &pages.flatten().collect::<Vec<_>>());
}

/// What was measured of known failures is told on their page, row by row: whoever runs `make reproduce`
/// of one row does not lose the others.
#[test]
fn every_row_of_reproductions_is_told_as_it_was_measured() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("it is there");
    let page = read("docs/reproductions.md");
    let rows: toml::Table = read("targets/reproductions/rows.toml").parse().expect("TOML");
    let measured: Vec<Value> = read("targets/reproductions/measured.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a measurement"))
        .collect();
    let rows = rows["row"].as_array().expect("rows").iter();
    let told = rows.map(|row| row["name"].as_str().expect("a name")).map(|name| {
        let faulty = |run: &&Value| run["row"] == name && run["control"] == false;
        let all = measured.iter().filter(faulty).count();
        let found = measured.iter().filter(faulty).filter(|run| run["seconds"].is_number()).count();
        let count = if all == 0 { "not run".into() } else { format!("{found} of {all} seeds") };
        (name, format!("| [{name}](#{name}) |"), format!("| {count}"))
    });
    let wrong: Vec<String> = told
        .filter(|(_, begin, count)| {
            let line = page.lines().find(|line| line.starts_with(begin.as_str()));
            line.is_none_or(|line| !line.contains(count.as_str()))
        })
        .map(|(name, _, count)| format!("{name}: expected `{count}`"))
        .collect();
    none("rows told otherwise than they were measured", &wrong);
}
