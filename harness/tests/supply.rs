//! What the project is built from, held to `deny.toml` and to docs/decisions/supply-chain.md: licences,
//! sources, duplicates, and what runs while it is built. Known advisories are looked for by cargo-deny.

mod code;
mod metadata;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use code::rust;
use metadata::{list, metadata, text, told};
use serde_json::Value;
use toml::Table;
use tree::{none, root};

/// The packages of other people that a build with its tests uses.
fn packages() -> Vec<Value> {
    let packages = of_others(&metadata());
    assert!(packages.len() > 50, "cargo tells of {} packages?", packages.len());
    packages
}

/// The same with all drivers; none where nobody has built them here, so that their packages are not
/// downloaded. What cargo knows of features has packages that only another feature of a package would
/// need: its tree has not.
fn packages_with_drivers() -> Option<Vec<Value>> {
    let tree = ["tree", "-p", "fracas-drivers", "--features", "all", "-e", "normal,build"];
    let shown = ["--prefix", "none", "--format", "{p}", "--target", metadata::PLATFORM];
    let built = match metadata::cargo(&[&tree[..], &shown].concat()) {
        Ok(built) => built,
        Err(error) if error.contains("--offline") => {
            println!("skipped: the packages of the drivers are not here: `make drivers`");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let built: BTreeSet<&str> = built.lines().filter_map(|line| line.split(" (").next()).collect();
    let name = |package: &Value| format!("{} v{}", text(package, "name"), text(package, "version"));
    let all = told(&["--features", "fracas-drivers/all"]).unwrap_or_else(|error| panic!("{error}"));
    let ours = packages();
    let known: BTreeSet<String> = ours.iter().map(name).collect();
    let more = of_others(&all).into_iter();
    let more = more.filter(|it| !known.contains(&name(it)) && built.contains(&*name(it)));
    Some(ours.iter().cloned().chain(more).collect())
}

/// The packages that are not ours.
fn of_others(metadata: &Value) -> Vec<Value> {
    let nodes = list(&metadata["resolve"], "nodes");
    let used: BTreeSet<&str> = nodes.iter().map(|node| text(node, "id")).collect();
    let all = list(metadata, "packages").iter();
    all.filter(|it| used.contains(text(it, "id")) && !it["source"].is_null()).cloned().collect()
}

fn deny() -> Table {
    let text = fs::read_to_string(root().join("deny.toml")).expect("the file is there");
    text.parse().unwrap_or_else(|error| panic!("deny.toml: {error}"))
}

/// The words of a list of `deny.toml`, or of the `crate` of each of its entries.
fn words(deny: &Table, section: &str, key: &str) -> BTreeSet<String> {
    let list = deny[section][key].as_array().unwrap_or_else(|| panic!("`{section}.{key}`: a list"));
    let word = |entry: &toml::Value| {
        let named = entry.get("crate").unwrap_or(entry);
        named.as_str().unwrap_or_else(|| panic!("`{section}.{key}`: words")).to_owned()
    };
    list.iter().map(word).collect()
}

/// Whether an SPDX expression can be met with these licences: one side of every `OR`, both sides of
/// every `AND`. Older packages write `/` for `OR`.
fn met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    any(expression.trim(), allowed)
}

fn any(expression: &str, allowed: &BTreeSet<String>) -> bool {
    split(expression, " OR ").iter().any(|part| all(part, allowed))
}

fn all(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let parts = split(expression, " AND ");
    parts.iter().all(|part| match part.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
        Some(inner) => any(inner, allowed),
        None => allowed.contains(*part),
    })
}

/// Splits at a word that stands outside of all parentheses.
fn split<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in expression.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 && at >= start && expression[at..].starts_with(word) => {
                parts.push(expression[start..at].trim());
                start = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(expression[start..].trim());
    parts
}

#[test]
fn expressions_of_licences_are_read() {
    let allowed = ["MIT", "Zlib", "A WITH x"].map(str::to_owned).into();
    for good in
        ["MIT", "GPL/MIT", "GPL OR MIT", "MIT AND Zlib", "(GPL OR MIT) AND Zlib", "A WITH x"]
    {
        assert!(met(good, &allowed), "{good}");
    }
    for bad in ["GPL", "MIT AND GPL", "(MIT OR Zlib) AND GPL", "GPL OR (MIT AND BSD)", "A", ""] {
        assert!(!met(bad, &allowed), "{bad}");
    }
}

/// What is built by default, and where they are here also what the drivers are built from.
fn all_packages() -> Vec<Value> {
    packages_with_drivers().unwrap_or_else(packages)
}

#[test]
fn every_licence_is_allowed() {
    let allowed = words(&deny(), "licenses", "allow");
    let licence = |package: &Value| package["license"].as_str().unwrap_or_default().to_owned();
    let packages = all_packages();
    let others = packages.iter().filter(|package| !met(&licence(package), &allowed));
    let found: Vec<String> =
        others.map(|package| format!("{}: {}", text(package, "name"), licence(package))).collect();
    none("a package's licence must be in `licenses.allow` of deny.toml", &found);
}

#[test]
fn every_package_comes_from_the_usual_registry() {
    let deny = deny();
    for key in ["unknown-registry", "unknown-git"] {
        assert_eq!(deny["sources"][key].as_str(), Some("deny"));
    }
    let usual = |package: &&Value| {
        text(package, "source") == "registry+https://github.com/rust-lang/crates.io-index"
    };
    let packages = all_packages();
    let others = packages.iter().filter(|package| !usual(package));
    let found: Vec<String> = others.map(|package| text(package, "id").to_owned()).collect();
    none("a package must come from the usual registry", &found);
}

#[test]
fn no_package_is_there_twice_but_those_that_deny_toml_names() {
    let (mut versions, deny) = (BTreeMap::<String, u32>::new(), deny());
    for package in packages() {
        *versions.entry(text(&package, "name").to_owned()).or_default() += 1;
    }
    let twice: BTreeSet<String> =
        versions.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name.clone()).collect();
    assert_eq!(twice, words(&deny, "bans", "skip"), "`bans.skip` of deny.toml");
    let banned = words(&deny, "bans", "deny").into_iter().filter(|it| versions.contains_key(it));
    none("a package is in `bans.deny` of deny.toml", &banned.collect::<Vec<_>>());
}

/// The names of a list of the page, between its mark and the next.
fn listed(page: &str, mark: &str) -> BTreeSet<String> {
    let list = page.split(&format!("<!-- {mark} -->")).nth(1).expect("the page has the list");
    let list = list.split("<!-- end -->").next().unwrap_or_default();
    list.lines()
        .filter_map(|line| Some(line.strip_prefix("- `")?.split_once('`')?.0.to_owned()))
        .collect()
}

#[test]
fn what_runs_during_a_build_is_listed() {
    let page =
        fs::read_to_string(root().join("docs/decisions/supply-chain.md")).expect("it is there");
    for (mark, kind) in [("build scripts", "custom-build"), ("proc macros", "proc-macro")] {
        let (ours, known) = (running(&packages(), kind), listed(&page, mark));
        assert_eq!(ours, known, "the list of {mark} of docs/decisions/supply-chain.md");
        let Some(all) = packages_with_drivers() else { continue };
        let (more, mark) = (&running(&all, kind) - &ours, format!("{mark} of drivers"));
        assert_eq!(more, listed(&page, &mark), "the list of {mark} of the same page");
    }
}

/// The names of the packages that have such a part, which runs during a build.
fn running(packages: &[Value], kind: &str) -> BTreeSet<String> {
    let runs = |package: &&Value| {
        let kinds = list(package, "targets").iter().flat_map(|target| list(target, "kind"));
        kinds.into_iter().any(|it| it.as_str() == Some(kind))
    };
    packages.iter().filter(runs).map(|it| text(it, "name").to_owned()).collect()
}

/// The drivers may be built from packages of which there are two, and from more of them. They may not
/// need a C compiler either, nor bring a TLS of their own.
#[test]
fn drivers_are_apart_and_need_no_c_compiler() {
    let ours: BTreeSet<String> = names(&packages());
    let drivers = [
        "async-nats",
        "kafka-protocol",
        "lapin",
        "mysql_async",
        "tokio-postgres",
        "zookeeper-client",
    ];
    for driver in drivers {
        assert!(!ours.contains(driver), "`{driver}` belongs to the drivers only");
    }
    let Some(all) = packages_with_drivers() else { return };
    assert!(names(&all).contains("zookeeper-client"), "cargo tells of no driver");
    let banned = words(&deny(), "bans", "deny");
    none("a package is in `bans.deny` of deny.toml", &Vec::from_iter(&names(&all) & &banned));
}

/// Their names.
fn names(packages: &[Value]) -> BTreeSet<String> {
    packages.iter().map(|package| text(package, "name").to_owned()).collect()
}

#[test]
fn no_crate_names_a_package_that_it_does_not_use() {
    let (metadata, sources) = (metadata(), rust());
    let mut found = Vec::new();
    for package in list(&metadata, "packages").iter().filter(|it| it["source"].is_null()) {
        let manifest = text(package, "manifest_path");
        let dir = manifest.trim_start_matches(&format!("{}/", root().display()));
        let dir = dir.trim_end_matches("Cargo.toml");
        for dependency in list(package, "dependencies") {
            let name = text(dependency, "name").replace('-', "_");
            let used = |source: &&tree::Source| {
                source.path.starts_with(dir) && mentions(&source.text, &name)
            };
            if !sources.iter().any(|source| used(&source)) {
                found.push(format!("{}: {}", text(package, "name"), text(dependency, "name")));
            }
        }
    }
    none("a crate must not name a package that it does not use", &found);
}

/// Whether a text holds this name as a word of a path or of a `use`.
fn mentions(text: &str, name: &str) -> bool {
    let part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(name).any(|(at, _)| {
        let after = &text[at + name.len()..];
        !text[..at].ends_with(part_of_name) && (after.starts_with("::") || after.starts_with(';'))
    })
}
