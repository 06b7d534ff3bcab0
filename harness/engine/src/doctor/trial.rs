//! One trial of the doctor: a process enters a world of its own and tries every mechanism there,
//! each in a scratch lab.

use std::time::Duration;

use fracas_lab::{Isolation, LabError};

use super::finding::{ANSWER, Finding};
use crate::faults::Kind;
use crate::faults::trial::network;

/// How long the process that is paused and killed would live.
const IDLE: Duration = Duration::from_secs(120);

/// The hidden entry point of a trial, with the argument after
/// [`PROBE_ARGUMENT`](super::PROBE_ARGUMENT); returns the exit code. The process must have one thread.
#[must_use]
pub fn probe_main(argument: &str) -> u8 {
    let isolation = match argument {
        "root" => Isolation::Root,
        "userns" => Isolation::Userns,
        _ => {
            std::thread::sleep(IDLE);
            return 0;
        }
    };
    fracas_lab::keep(&[std::env::temp_dir()]);
    let entered = fracas_lab::enter(isolation, |world| {
        try_all(&format!("entered ({}); users: {}", world.isolation, fracas_lab::users()));
        0
    });
    entered.unwrap_or_else(|error| {
        answer(&Finding::refused("namespaces", &error));
        0
    })
}

/// Writes a finding as one line, as soon as there is one: whatever comes next may end this process.
fn answer(finding: &Finding) {
    let json = serde_json::to_string(finding).expect("a finding is plain data");
    println!("{ANSWER}{json}");
}

/// Tries something.
type Attempt = fn() -> Result<String, LabError>;

/// What is tried beside what faults take, after the world itself.
const FIRST: [(&str, Attempt); 2] = [("seccomp", filters), ("network", network)];

/// What is tried, in order.
pub(super) fn mechanisms() -> impl Iterator<Item = &'static str> {
    let first = FIRST.iter().map(|(mechanism, _)| *mechanism);
    let trials = Kind::ALL.into_iter().flat_map(Kind::trials).map(|trial| trial.mechanism);
    std::iter::once("namespaces").chain(first).chain(trials)
}

/// Tries every mechanism inside a world, each for itself: one that fails says nothing of the others.
fn try_all(entered: &str) {
    answer(&Finding::of("namespaces", Ok(entered.to_owned())));
    FIRST.iter().for_each(|(mechanism, attempt)| answer(&Finding::of(mechanism, attempt())));
    for trial in Kind::ALL.into_iter().flat_map(Kind::trials) {
        answer(&Finding::of(trial.mechanism, trial.outcome()));
    }
}

/// Whether system calls of servers can be filtered.
fn filters() -> Result<String, LabError> {
    fracas_lab::filters_calls().map(|()| "calls that no server needs are refused".to_owned())
}
