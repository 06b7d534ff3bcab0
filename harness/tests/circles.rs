//! No circle of imports between the modules of a crate: a test that reads the sources.
//!
//! A module depends on another if it names something that is defined there, directly or by a name
//! that a third one hands on. To hand a name on (`pub use`) is no dependency by itself.

mod code;
mod modules;
mod product;
mod tree;

use std::collections::BTreeMap;

use code::rust;
use modules::Modules;
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use tree::none;

/// The roots of our crates' sources.
const CRATES: [&str; 9] = [
    "checker/src",
    "harness/src",
    "harness/engine/src",
    "harness/lab/src",
    "reports/src",
    "targets/drivers/src",
    "targets/src",
    "targets/regent/src",
    "workloads/src",
];

/// The circles of some modules, each with the names that tie it.
fn circles(modules: &Modules) -> Vec<(usize, String)> {
    let ties = modules.ties();
    let (mut graph, mut places) = (DiGraph::<&str, ()>::new(), BTreeMap::new());
    for (from, to, _) in &ties {
        let [from, to] = [from, to]
            .map(|file| *places.entry(file.as_str()).or_insert_with(|| graph.add_node(file)));
        graph.add_edge(from, to, ());
    }
    let found = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1);
    let found = found.map(|circle| circle.into_iter().map(|at| graph[at]).collect::<Vec<_>>());
    found
        .map(|circle| {
            let inside = ties
                .iter()
                .filter(|(a, b, _)| circle.contains(&a.as_str()) && circle.contains(&b.as_str()));
            let lines: Vec<String> = inside
                .map(|(from, to, names)| {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    format!("    {from} → {to}: {}", names.join(", "))
                })
                .collect();
            (circle.len(), format!("{} modules:\n{}", circle.len(), lines.join("\n")))
        })
        .collect()
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let sources = rust();
    let mut found = Vec::new();
    for root in CRATES {
        let modules = Modules::of(root, &sources);
        assert!(modules.count() > 1, "no modules in `{root}`");
        let circles = circles(&modules);
        let count: usize = circles.iter().map(|(count, _)| count).sum();
        if count > 0 {
            found.extend(circles.into_iter().map(|(_, circle)| format!("{root}: {circle}")));
        }
    }
    none("modules may not import each other in a circle", &found);
}

#[test]
fn circles_are_found() {
    let file = |path: &str, text: &str| tree::Source { path: path.into(), text: text.into() };
    let lib = "mod a;\nmod b;\nmod c;\npub use b::Twin;\nfn f() { a::g() }\n";
    let sources = [
        file("x/src/lib.rs", lib),
        file("x/src/a.rs", "use crate::{Twin, c::{self, One as Only}};\npub fn g() {}\n"),
        file("x/src/b.rs", "pub struct Twin;\nfn h() { super::a::g() }\n"),
        file("x/src/c.rs", "pub struct One;\n#[cfg(test)]\nmod tests {\n use crate::a::g;\n}\n"),
    ];
    let modules = Modules::of("x/src", &sources);
    let found: Vec<String> = circles(&modules).into_iter().map(|(_, circle)| circle).collect();
    assert_eq!(
        found,
        ["2 modules:\n    x/src/a.rs → x/src/b.rs: Twin\n    x/src/b.rs → x/src/a.rs: g"]
    );
}
