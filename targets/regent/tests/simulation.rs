//! The pure core under seeded trouble: without a bug nothing is ever broken; with one, something
//! is, and visibly so. `REGENT_SEEDS=5000` tries that many seeds.

mod sim;

use fracas_regent::bugs::{BUGS, Bug};
use sim::{Plan, run};

/// How many seeds the correct cluster must survive, for each size, if nobody says otherwise.
const SEEDS: u64 = 75;
/// Within how many seeds a planted bug must show.
const SEEDS_TO_EXPOSE: u64 = 300;

fn seeds() -> u64 {
    let seeds = std::env::var("REGENT_SEEDS").ok();
    seeds.map_or(SEEDS, |seeds| seeds.parse().expect("`REGENT_SEEDS` is a number"))
}

#[track_caller]
fn never_breaks(nodes: usize) {
    for seed in 0..seeds() {
        let found = run(Plan { seed, nodes, bug: None });
        assert!(found.is_empty(), "seed {seed}, {nodes} nodes: {found:#?}");
    }
}

#[test]
fn one_node_never_breaks() {
    never_breaks(1);
}

#[test]
fn three_nodes_never_break() {
    never_breaks(3);
}

#[test]
fn four_nodes_never_break() {
    never_breaks(4);
}

#[test]
fn five_nodes_never_break() {
    never_breaks(5);
}

/// The first seed in which the bug shows from outside, and how.
fn exposed(bug: Bug) -> Option<(u64, String)> {
    (0..SEEDS_TO_EXPOSE).find_map(|seed| {
        let mut found = run(Plan { seed, nodes: 5, bug: Some(bug) });
        found.retain(|broken, _| broken.is_visible());
        (!found.is_empty()).then(|| (seed, format!("{found:?}")))
    })
}

#[test]
fn every_planted_bug_shows() {
    for row in BUGS.iter().filter(|row| ["any", "lock", "lease"].contains(&row.workload)) {
        let exposed = exposed(row.bug);
        let (seed, how) = exposed.unwrap_or_else(|| panic!("{} never shows", row.name));
        println!("{} shows in seed {seed}: {how}", row.name);
    }
}
