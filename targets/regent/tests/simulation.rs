//! The pure core under seeded trouble: without a bug nothing is ever broken; with one, something
//! is, and visibly so. `REGENT_SEEDS=5000` tries that many seeds, `REGENT_BUG=NAME` that bug only.

mod sim;

use std::collections::BTreeMap;

use fracas_regent::bugs::{BUGS, Bug, BugInfo};
use sim::judge::Broken;
use sim::users::Kind;
use sim::{Load, Plan, run};

/// How many seeds the correct cluster must survive, for each size, if nobody says otherwise.
const SEEDS: u64 = 75;
/// The same of a load that is heavier.
const SEEDS_OF_OBJECTS: u64 = 10;
/// In how many seeds without trouble no bug of an object shows.
const SEEDS_OF_CALM: u64 = 1;
/// Within how many seeds a planted bug must show.
const SEEDS_TO_EXPOSE: u64 = 300;

fn seeds(usual: u64) -> u64 {
    let seeds = std::env::var("REGENT_SEEDS").ok();
    seeds.map_or(usual, |seeds| seeds.parse().expect("`REGENT_SEEDS` is a number"))
}

#[track_caller]
fn never_breaks(nodes: usize, load: Load, usual: u64) {
    for seed in 0..seeds(usual) {
        let found = run(Plan { seed, nodes, bug: None, load, trouble: true });
        assert!(found.is_empty(), "seed {seed}, {nodes} nodes: {found:#?}");
    }
}

#[test]
fn one_node_never_breaks() {
    never_breaks(1, Load::Registers, SEEDS);
}

#[test]
fn three_nodes_never_break() {
    never_breaks(3, Load::Registers, SEEDS);
}

#[test]
fn four_nodes_never_break() {
    never_breaks(4, Load::Registers, SEEDS);
}

#[test]
fn five_nodes_never_break() {
    never_breaks(5, Load::Registers, SEEDS);
}

#[test]
fn objects_of_three_nodes_never_break() {
    never_breaks(3, Load::Objects, SEEDS_OF_OBJECTS);
}

#[test]
fn objects_of_five_nodes_never_break() {
    never_breaks(5, Load::Objects, SEEDS_OF_OBJECTS);
}

/// The first seed in which `shows` finds the bug in what is visible from outside, and how.
fn exposed(bug: Bug, load: Load, shows: impl Fn(Broken) -> bool) -> Option<(u64, String)> {
    (0..SEEDS_TO_EXPOSE).find_map(|seed| {
        let plan = Plan { seed, nodes: 5, bug: Some(bug), load, trouble: true };
        let mut found: BTreeMap<Broken, String> = run(plan);
        found.retain(|broken, _| broken.is_visible() && shows(*broken));
        (!found.is_empty()).then(|| (seed, format!("{found:?}")))
    })
}

/// The bugs to try.
fn bugs() -> impl Iterator<Item = &'static BugInfo> {
    let only = std::env::var("REGENT_BUG").ok();
    BUGS.iter().filter(move |row| only.as_ref().is_none_or(|only| only == row.name))
}

#[track_caller]
fn check_shows(row: &BugInfo, exposed: Option<(u64, String)>) {
    let (seed, how) = exposed.unwrap_or_else(|| panic!("{} never shows", row.name));
    println!("{} shows in seed {seed}: {how}", row.name);
}

#[test]
fn every_planted_bug_of_the_log_and_of_locks_shows() {
    for row in bugs().filter(|row| kind(row).is_none()) {
        check_shows(row, exposed(row.bug, Load::Registers, |_| true));
    }
}

#[test]
fn every_planted_bug_of_an_object_shows_in_that_object() {
    for row in bugs() {
        let Some(kind) = kind(row) else { continue };
        check_shows(
            row,
            exposed(row.bug, Load::Only(kind), |breach| breach == Broken::Object(kind)),
        );
    }
}

#[test]
fn a_planted_bug_of_an_object_needs_trouble_to_show() {
    for row in bugs() {
        let Some(kind) = kind(row) else { continue };
        for seed in 0..SEEDS_OF_CALM {
            let load = Load::Only(kind);
            let mut found = run(Plan { seed, nodes: 5, bug: Some(row.bug), load, trouble: false });
            found.retain(|broken, _| broken.is_visible());
            assert!(found.is_empty(), "{}, seed {seed}: {found:#?}", row.name);
        }
    }
}

/// The kind of object that shows a bug, if it is none of registers, locks and leases.
fn kind(row: &BugInfo) -> Option<Kind> {
    Some(match row.workload {
        "set" => Kind::Set,
        "fifo" => Kind::Queue,
        "counter" => Kind::Counter,
        "ids" | "timestamps" => Kind::Ids,
        "mutex" => Kind::Mutex,
        "versioned" => Kind::Versioned,
        "kv" => Kind::Text,
        "list-append" => Kind::List,
        "rw-register" => Kind::Register,
        _ => return None,
    })
}
