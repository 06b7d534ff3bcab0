//! The invariants of `ARCHITECTURE.md`, as tests that read the manifests and the sources.
//!
//! They look for words in code: a determined mind can get around them, an honest mistake cannot.

mod code;
mod metadata;
mod product;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use code::{blank, lines_with, rust};
use metadata::{list, metadata, text};
use product::without_tests;
use serde_json::Value;
use tree::{Source, none, root};

/// The most packages that a build with its tests may need.
const MOST_PACKAGES: usize = 160;

/// Packages that would need a C compiler or other tools of another language.
const NO_TOOLS: [&str; 4] = ["cc", "cmake", "pkg-config", "bindgen"];

/// Every crate of ours, and those of ours that it may know.
const ARROWS: [(&str, &[&str]); 9] = [
    ("fracas-checker", &[]),
    ("fracas-drivers", &[]),
    ("fracas-regent", &[]),
    (
        "fracas-engine",
        &["fracas-checker", "fracas-lab", "fracas-reports", "fracas-targets", "fracas-workloads"],
    ),
    ("fracas-lab", &["fracas-checker"]),
    ("fracas-reports", &["fracas-checker"]),
    ("fracas-targets", &["fracas-checker"]),
    ("fracas-workloads", &["fracas-checker"]),
    (
        "fracas",
        &[
            "fracas-checker",
            "fracas-engine",
            "fracas-lab",
            "fracas-regent",
            "fracas-reports",
            "fracas-targets",
            "fracas-workloads",
        ],
    ),
];

/// Words that some rooms do without.
struct Absent {
    /// What it is about, as `ARCHITECTURE.md` says it.
    rule: &'static str,
    /// Where the rule holds: beginnings of paths.
    rooms: &'static [&'static str],
    /// Where it does not, though it is in one of them.
    but: &'static [&'static str],
    /// What may not be named there.
    words: &'static [&'static str],
}

/// The crates whose code becomes `fracas`.
const PROGRAM: &[&str] =
    &["checker/src/", "harness/", "reports/src/", "targets/src/", "workloads/src/"];

static ABSENT: [Absent; 11] = [
    Absent {
        rule: "checker, reports and workloads know no clock, network, file or process",
        rooms: &["checker/src/", "reports/src/", "workloads/src/"],
        but: &[],
        words: &[
            "Instant",
            "SystemTime",
            "std::net",
            "std::fs",
            "File::open",
            "File::create",
            "std::env",
            "env::var",
            "std::process",
            "println!",
            "eprintln!",
            "tokio",
        ],
    },
    Absent {
        rule: "targets describes and speaks to nodes; it starts nothing and touches no file",
        rooms: &["targets/src/"],
        but: &[],
        words: &["std::fs", "std::env", "std::process", "tokio::process", "tokio::fs", "println!"],
    },
    Absent {
        rule: "only the lab speaks to the kernel, signals processes and calls other programs",
        rooms: PROGRAM,
        but: &["harness/lab/src/"],
        words: &["nix", "libc", "process::Command", "Command::new", "tokio::process"],
    },
    Absent {
        rule: "only the lab has unsafe code",
        rooms: &["checker/", "harness/", "reports/", "targets/", "workloads/"],
        but: &["harness/lab/src/"],
        words: &["unsafe"],
    },
    Absent {
        rule: "only the checker judges",
        rooms: &["harness/", "reports/src/", "targets/src/", "workloads/src/"],
        but: &[],
        words: &["Verdict::of", "CheckResult::new", "CheckResult {", "Anomaly {"],
    },
    Absent {
        rule: "the engine prints nothing: it tells a listener how a run goes on",
        rooms: &["harness/engine/src/"],
        but: &["harness/engine/src/doctor/trial.rs"],
        words: &[
            "println!",
            "eprintln!",
            "print!",
            "eprint!",
            "stdout()",
            "stderr()",
            "clap",
            "indicatif",
        ],
    },
    Absent {
        rule: "choosing faults is pure: no clock, no file, no process, and no generator of its own",
        rooms: &[
            "harness/engine/src/nemesis/",
            "harness/engine/src/faults/chance.rs",
            "harness/engine/src/faults/hit.rs",
            "harness/engine/src/faults/on.rs",
            "harness/engine/src/faults/shapes.rs",
            "harness/engine/src/faults/state.rs",
            "harness/engine/src/faults/victims.rs",
            "workloads/src/",
        ],
        but: &[],
        words: &["Instant", "SystemTime", "tokio", "std::fs", "lab", "rand::rng", "RandomState"],
    },
    Absent {
        rule: "the engine gives orders by message: it holds no process, memory or descriptor of a node",
        rooms: &["harness/engine/src/"],
        but: &["harness/engine/src/client_programs.rs"],
        words: &[
            "NodeProcess",
            "ClockPage",
            "SmallDisk",
            "disk::Disk",
            "resources::Place",
            "Door",
            "Launch",
            "in_node",
            "OwnedFd",
            "RawFd",
            "BorrowedFd",
            "AsFd",
            "memfd",
        ],
    },
    Absent {
        rule: "the engine knows a lab where it is built; after that it gives orders to its agent",
        rooms: &["harness/engine/src/"],
        but: &[
            "harness/engine/src/run.rs",
            "harness/engine/src/preflight.rs",
            "harness/engine/src/faults/trial.rs",
        ],
        words: &["Lab::build", "&Lab", "LocalAgent"],
    },
    Absent {
        rule: "the engine opens no file of a node: the agent writes and reads them",
        rooms: &["harness/engine/src/"],
        but: &[
            // The run directory, …
            "harness/engine/src/client_programs.rs",
            "harness/engine/src/collected.rs",
            "harness/engine/src/judging.rs",
            "harness/engine/src/recorder.rs",
            "harness/engine/src/replay.rs",
            "harness/engine/src/retention.rs",
            "harness/engine/src/store.rs",
            // … target files and programs, …
            "harness/engine/src/programs.rs",
            "harness/engine/src/targets.rs",
            // … and what the kernel of this machine tells.
            "harness/engine/src/heartbeat.rs",
            "harness/engine/src/record.rs",
        ],
        words: &["std::fs", "tokio::fs", "File::open", "File::options", "OpenOptions"],
    },
    Absent {
        rule: "to the harness the reference cluster is a target like any other",
        rooms: &["harness/engine/src/", "harness/lab/src/", "harness/src/", "targets/src/"],
        but: &["harness/src/bin/regent.rs"],
        words: &["fracas_regent"],
    },
];

/// The crates of the workspace, with the names of all that each depends on.
fn members(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let ids = list(metadata, "workspace_members");
    let members = list(metadata, "packages").iter().filter(|package| ids.contains(&package["id"]));
    let names = |package: &Value| {
        list(package, "dependencies").iter().map(|it| text(it, "name").to_owned()).collect()
    };
    members.map(|package| (text(package, "name").to_owned(), names(package))).collect()
}

#[test]
fn arrows_point_as_they_are_drawn() {
    let members = members(&metadata());
    let drawn: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let missing = members.keys().filter(|name| !drawn.contains(&name.as_str()));
    let mut found: Vec<String> =
        missing.map(|name| format!("`{name}` has no line in the table of arrows")).collect();
    for (name, may) in ARROWS {
        let known = members.get(name).unwrap_or_else(|| panic!("there is no crate `{name}`"));
        let ours = known.iter().filter(|it| members.contains_key(*it));
        let wrong = ours.filter(|it| !may.contains(&it.as_str()));
        found.extend(wrong.map(|it| format!("`{name}` depends on `{it}`")));
    }
    none("crates of ours may depend on each other only as `ARCHITECTURE.md` draws it", &found);
}

/// Whether it is a test, an example or a benchmark, and no part of a program.
fn is_test(source: &Source) -> bool {
    let apart = ["tests", "benches", "examples", "fuzz"];
    source.path.split('/').any(|folder| apart.contains(&folder))
}

/// The words that may not be in this file, each with the rule that says so.
fn absent_from(path: &str) -> impl Iterator<Item = (&'static Absent, &'static str)> {
    let begins = |rooms: &[&str]| rooms.iter().any(|room| path.starts_with(room));
    let rules = ABSENT.iter().filter(move |it| begins(it.rooms) && !begins(it.but));
    rules.flat_map(|absent| absent.words.iter().map(move |word| (absent, *word)))
}

#[test]
fn rooms_do_without_what_they_promise_to_do_without() {
    let mut found = Vec::new();
    for source in rust().iter().filter(|source| !is_test(source)) {
        let code = without_tests(&blank(&source.text));
        for (absent, word) in absent_from(&source.path) {
            let hits = lines_with(&code, word);
            let tell = |line| format!("{}:{line}: `{word}`: {}", source.path, absent.rule);
            found.extend(hits.into_iter().map(tell));
        }
    }
    none("an invariant is broken", &found);
}

#[test]
fn every_room_of_a_rule_exists() {
    let sources = rust();
    let exists = |room: &&&str| sources.iter().any(|source| source.path.starts_with(**room));
    let rooms = ABSENT.iter().flat_map(|absent| absent.rooms.iter().chain(absent.but));
    let gone: Vec<String> =
        rooms.filter(|room| !exists(room)).map(|room| (*room).to_owned()).collect();
    none("a rule about nothing cannot be broken", &gone);
}

#[test]
fn the_build_is_small_and_needs_no_c_compiler() {
    let metadata = metadata();
    let packages = list(&metadata, "packages");
    let used: BTreeSet<&str> =
        list(&metadata["resolve"], "nodes").iter().map(|node| text(node, "id")).collect();
    let names: Vec<&str> = packages
        .iter()
        .filter(|package| used.contains(text(package, "id")))
        .map(|package| text(package, "name"))
        .collect();
    let tools: Vec<String> =
        names.iter().filter(|name| NO_TOOLS.contains(name)).map(|it| (*it).to_owned()).collect();
    none("no package may need a C compiler", &tools);
    assert!(names.len() <= MOST_PACKAGES, "{} packages, expected {MOST_PACKAGES}", names.len());
    assert!(names.contains(&"serde_json"), "this very test needs it");
}

#[test]
fn versions_are_in_the_root_manifest_only() {
    let manifests = tree::sources().into_iter().filter(|source| {
        source.path.ends_with("/Cargo.toml") && !source.path.starts_with("checker/fuzz/")
    });
    let mut found = Vec::new();
    for manifest in manifests {
        let mut section = "";
        for (number, line) in (1_u32..).zip(manifest.text.lines()) {
            let entry = line.contains('=') && !line.starts_with('#');
            if line.starts_with('[') {
                section = line;
            } else if entry
                && section.ends_with("dependencies]")
                && !line.contains("workspace = true")
            {
                found.push(format!("{}:{number}: {line}", manifest.path));
            }
        }
    }
    none("a dependency's version belongs in the root manifest", &found);
}

/// The names of the files of a folder with this ending, without it.
fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let names = entries.map(|entry| entry.expect("a folder can be read").file_name());
    let names = names.map(|name| name.into_string().expect("our names are UTF-8"));
    names.filter_map(|name| Some(name.strip_suffix(ending)?.to_owned())).collect()
}

#[test]
fn every_builtin_target_and_workload_is_listed() {
    let targets = fracas_targets::Target::builtins().map(str::to_owned);
    assert_eq!(stems("targets/builtin", ".toml"), targets.collect());
    // A workload is a file of its name, and every file that holds one is in the list. It holds what a
    // workload does, or a row of what several do (a constant of `Exchange` or of `Generators`).
    let holds = |file: &&Source| {
        let own = file.text.contains("\nimpl Workload for ");
        let several = |kind: &str| file.text.contains(&format!(": {kind} = {kind} {{"));
        let shared = ["exchange.rs", "generators.rs"].iter().any(|name| file.path.ends_with(name));
        file.path.starts_with("workloads/src/")
            && !shared
            && (own || several("Exchange") || several("Generators"))
    };
    let sources = rust();
    let files = sources.iter().filter(holds).map(|file| file.path.clone());
    let path = |name: &str| format!("workloads/src/{}.rs", name.replace('-', "_"));
    let listed = fracas_workloads::ALL.iter().map(|workload| path(workload.name()));
    assert_eq!(files.collect::<BTreeSet<_>>(), listed.collect());
}

/// A file that no other declares is read by people and never by the compiler.
#[test]
fn every_file_is_a_module_of_its_crate() {
    let sources = rust();
    let roots = ["lib.rs", "main.rs", "build.rs"];
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.contains("/src/")) {
        let (folder, file) = source.path.rsplit_once('/').expect("it is in a folder");
        if roots.contains(&file) || folder.ends_with("/bin") {
            continue;
        }
        let (folder, name) = match file {
            "mod.rs" => folder.rsplit_once('/').expect("a module's folder is in another"),
            _ => (folder, file.trim_end_matches(".rs")),
        };
        let parents = ["lib.rs", "main.rs", "mod.rs"].map(|file| format!("{folder}/{file}"));
        let mut above = sources
            .iter()
            .filter(|it| parents.contains(&it.path) || it.path == format!("{folder}.rs"));
        if !above.any(|it| !lines_with(&blank(&it.text), &format!("mod {name};")).is_empty()) {
            found.push(source.path.clone());
        }
    }
    none("no `mod` declares this file", &found);
}
