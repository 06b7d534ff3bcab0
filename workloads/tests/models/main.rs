//! Every workload against a small server in memory, under a random scheduler: what it asks is judged
//! exactly. A server that is right passes, and never leaves the check without an answer; one with a
//! mistake is found out within a few seeds.

mod server;
mod world;

use std::collections::BTreeMap;

use fracas_checker::{Budget, Status, Verdict, judge};
use fracas_workloads::{ALL, Chosen, Workload};
use server::Mistake;
use world::{load, run};

/// A search with so little memory decides almost nothing: what is decided all the same was decided in
/// near-linear time.
const BYTES: usize = 1 << 20;

/// So many seeds are tried with a server that is right, and at most so many with one that is not.
const SEEDS: u64 = 12;
const SEEDS_OF_MISTAKE: u64 = 10;

fn judged(chosen: &Chosen, seed: u64, mistake: Option<Mistake>) -> Verdict {
    judge(&run(chosen, seed, mistake), Budget::new(BYTES, &|| false))
}

fn of(workload: &'static dyn Workload, rate: f64) -> Chosen {
    Chosen::new(&[workload], &load(rate, 6))
}

/// Alone under a load of the user's, and as light as it is beside the register.
#[test]
fn a_right_server_passes() {
    for &workload in ALL {
        for (rate, seed) in
            [15.0, 100.0].into_iter().flat_map(|rate| (0..SEEDS).map(move |s| (rate, s)))
        {
            let verdict = judged(&of(workload, rate), seed, None);
            assert_eq!(
                verdict.status,
                Status::Pass,
                "{} {rate} {seed}: {verdict:#?}",
                workload.name()
            );
        }
    }
}

#[test]
fn all_at_once_pass() {
    for seed in 0..SEEDS / 2 {
        let verdict = judged(&Chosen::new(ALL, &load(100.0, 6)), seed, None);
        assert_eq!(verdict.status, Status::Pass, "{seed}: {verdict:#?}");
    }
}

/// The same seed asks the same, whatever the time.
#[test]
fn a_run_follows_from_its_seed() {
    for &workload in ALL {
        let [first, same, other] = [7, 7, 8].map(|seed| run(&of(workload, 15.0), seed, None));
        assert!(first.operations() == same.operations(), "{}", workload.name());
        assert!(first.operations() != other.operations(), "{}", workload.name());
    }
}

/// The mistakes that each workload finds.
const FINDS: [(&str, &[Mistake]); 15] = [
    ("register", &[Mistake::Lost, Mistake::Twice, Mistake::DoneAndRefused, Mistake::Stale]),
    ("set", &[Mistake::Lost, Mistake::DoneAndRefused, Mistake::Stale, Mistake::Back]),
    (
        "queue",
        &[Mistake::Lost, Mistake::Twice, Mistake::DoneAndRefused, Mistake::Empty, Mistake::Stays],
    ),
    (
        "fifo",
        &[
            Mistake::Lost,
            Mistake::Twice,
            Mistake::DoneAndRefused,
            Mistake::Empty,
            Mistake::Stays,
            Mistake::LastFirst,
        ],
    ),
    ("delivery", &[Mistake::Lost, Mistake::DoneAndRefused]),
    ("counter", &[Mistake::Lost, Mistake::Twice, Mistake::DoneAndRefused, Mistake::Stale]),
    ("ids", &[Mistake::Stays]),
    ("timestamps", &[Mistake::Stays]),
    ("mutex", &[Mistake::Granted, Mistake::Lost, Mistake::DoneAndRefused]),
    (
        "versioned",
        &[Mistake::Lost, Mistake::DoneAndRefused, Mistake::Stale, Mistake::Unconditional],
    ),
    ("kv", &[Mistake::Lost, Mistake::Twice, Mistake::DoneAndRefused, Mistake::Stale]),
    (
        "list-append",
        &[Mistake::Lost, Mistake::Twice, Mistake::DoneAndRefused, Mistake::Stale, Mistake::Torn],
    ),
    ("rw-register", &[Mistake::Lost, Mistake::DoneAndRefused, Mistake::Stale, Mistake::Torn]),
    ("lock", &[Mistake::Granted, Mistake::Lost, Mistake::Stale]),
    ("lease", &[Mistake::Granted]),
];

#[test]
fn mistakes_are_found() {
    let mut missed = BTreeMap::new();
    for (name, mistake) in
        FINDS.iter().flat_map(|(name, all)| all.iter().map(move |mistake| (name, mistake)))
    {
        let workload = fracas_workloads::find(name).expect("a workload");
        let found = (0..SEEDS_OF_MISTAKE).find(|seed| {
            judged(&of(workload, 15.0), *seed, Some(*mistake)).status == Status::Anomaly
        });
        if found.is_none() {
            missed.insert(format!("{name} {mistake:?}"), ());
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
