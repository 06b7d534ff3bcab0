//! Invented runs to show and to test with: a cluster that elects, faults that are proven, and
//! verdicts, most of them written by hand.

pub(crate) mod cases;
mod cluster;
pub(crate) mod faults;
pub(crate) mod hostile;
mod verdicts;

use std::collections::BTreeMap;

use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::judge::judge;
use fracas_checker::{Budget, Verdict};
use fracas_reports::{Ended, Host, RUN_SCHEMA, Run, RunRecord, TargetInfo, Tool};

use cluster::Traffic;
pub(crate) use hostile::{attack, hostile};

/// Everything a report needs, owned.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) record: RunRecord,
    pub(crate) history: History,
    pub(crate) verdict: Verdict,
}

impl Sample {
    pub(crate) fn run(&self) -> Run<'_> {
        Run { record: &self.record, history: &self.history, verdict: &self.verdict, torn: false }
    }
}

/// A read that returns an overwritten value while an old leader is cut off.
pub(crate) fn stale_read() -> Sample {
    let history = cluster::history(&Traffic { stale_read: true, ..Traffic::default() });
    let verdict = verdicts::stale_read(&history);
    Sample { record: record(), history, verdict }
}

/// Two nodes that claim the same generation.
pub(crate) fn split_brain() -> Sample {
    let history = cluster::history(&Traffic { split_brain: true, ..Traffic::default() });
    let verdict = verdicts::split_brain(&history);
    Sample { record: record(), history, verdict }
}

/// As [`split_brain`], with the verdict of the real check.
pub(crate) fn judged() -> Sample {
    let sample = split_brain();
    let plan = Plan { checks: vec!["leader/one-per-generation".to_owned()], ..Plan::default() };
    let events = sample.history.events().to_vec();
    let history = History::new(Header { plan, ..header() }, events).expect("it was well formed");
    let verdict = judge(&history, Budget::unlimited_time());
    Sample { history, verdict, ..sample }
}

/// A run in which all promises held.
pub(crate) fn clean() -> Sample {
    let history = cluster::history(&Traffic::default());
    Sample { record: record(), history, verdict: verdicts::clean() }
}

/// A run that was stopped early, with a fault that nothing proved.
pub(crate) fn inconclusive() -> Sample {
    let history = cluster::history(&Traffic { unproven: true, rate: 4, ..Traffic::default() });
    let ended = Ended::Interrupted { signal: "SIGINT".to_owned() };
    Sample { record: RunRecord { ended, ..record() }, history, verdict: verdicts::inconclusive() }
}

/// As [`stale_read`], with so many operations that they are drawn as heat.
pub(crate) fn busy(rate: u64) -> Sample {
    let history = cluster::history(&Traffic { stale_read: true, rate, ..Traffic::default() });
    let verdict = verdicts::stale_read(&history);
    Sample { record: record(), history, verdict }
}

/// A run that never got as far as an event.
pub(crate) fn empty() -> Sample {
    let history = History::new(header(), Vec::new()).expect("no event is malformed");
    let ended = Ended::TargetBroke { reason: "n2 exited with status 1 before it was ready".into() };
    Sample { record: RunRecord { ended, ..record() }, history, verdict: Verdict::of(Vec::new()) }
}

/// The header of every sample.
pub(crate) fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        run: record().id,
        target: "ravel".to_owned(),
        seed: 7_041_776,
        nodes: cluster::nodes().collect(),
        plan: Plan::default(),
    }
}

/// The record of every sample.
pub(crate) fn record() -> RunRecord {
    let means = [("kill", "sigkill"), ("partition", "nft-bridge"), ("pause", "sigstop")];
    RunRecord {
        spec: serde_json::Value::Null,
        planned: None,
        replays: None,
        schema: RUN_SCHEMA.to_owned(),
        id: "20261120-020007-ravel-register-7041776".to_owned(),
        command: "fracas run ravel --workload register --faults partition,kill,pause --time 60s --seed 7041776".to_owned(),
        started: "2026-11-20T02:00:07Z".to_owned(),
        duration_s: Some(68.4),
        seed: 7_041_776,
        tool: Tool { name: "fracas".to_owned(), version: "0.1.0".to_owned() },
        target: target(),
        workloads: vec!["register".to_owned()],
        faults: means.iter().map(|(kind, _)| (*kind).to_owned()).collect(),
        clients: 8,
        rate: Some(200.0),
        time_s: 60.0,
        host: Host {
            kernel: "6.18.44".to_owned(),
            isolation: "userns".to_owned(),
            mechanisms: BTreeMap::from(means.map(|(kind, by)| (kind.to_owned(), by.to_owned()))),
            lacking: BTreeMap::new(),
            open: BTreeMap::new(),
        },
        ended: Ended::Finished,
    }
}

fn target() -> TargetInfo {
    TargetInfo {
        name: "ravel".to_owned(),
        description: "a replicated register with leader leases".to_owned(),
        version: Some("2.4.1".to_owned()),
        binary: "/usr/local/bin/raveld".to_owned(),
        binary_sha256: "9f31c2aa5d0e7b4410c6f2a98d3e5b7712ac40f9e1d88b36a7c05f2e6d914b3c"
            .to_owned(),
        next: None,
        nodes: 5,
    }
}
