//! Did the faults happen that were asked for, and was the cluster asked meanwhile?

use std::collections::BTreeSet;

use super::activity::Activity;
use crate::event::{EventKind, Nanos};
use crate::fault::{Fault, FaultEvent, FaultKind};
use crate::history::{FaultSpan, History};
use crate::reach;
use crate::tried::{Times, Window};
use crate::verdict::CheckResult;
use crate::words;

/// How long a cluster may serve nobody after it has lost its leader. A fault that lasted less may
/// be over before anybody could take its place.
const TAKES_OVER: Nanos = 2_000_000_000;

/// Of so many faults one may lack its proof, and counts for nothing then, and during one the cluster
/// may serve nobody: a busy machine may let a fault slip for a moment, keep a probe from its answer,
/// or an election from its end.
const FAULTS_PER_DOUBT: usize = 4;

/// How many faults that did not happen are named.
const NAMED: usize = 12;

/// Whether enough faults were proven, almost all of them and some of every kind, and clients were
/// served meanwhile.
pub(super) fn check(activity: &Activity<'_>, result: &mut CheckResult) {
    let (history, faults) = (activity.history, &activity.faults);
    let effective = faults.iter().filter(|span| span.is_effective()).count() as u64;
    missed(history, result);
    if faults.is_empty() {
        none_happened(history, result);
    } else {
        enough(history, effective, result);
    }
    doubts(faults, result);
    service(history, faults, result);
    result.metrics.insert("faults".to_owned(), faults.len() as f64);
    result.metrics.insert("effective-faults".to_owned(), effective as f64);
}

/// Faults that were asked for must have happened.
fn none_happened(history: &History, result: &mut CheckResult) {
    let plan = &history.header().plan;
    if plan.coverage.effective_faults == 0 && plan.faults.is_empty() {
        return;
    }
    let kinds = match plan.faults.len() {
        0 => String::new(),
        _ => format!(" ({})", words::list(&plan.faults)),
    };
    result.inconclusive(format!(
        "faults were asked for{kinds} and none was injected: a longer `--time` or a shorter \
         `--fault-every` makes room for them, and `--faults none` asks for none"
    ));
}

fn enough(history: &History, effective: u64, result: &mut CheckResult) {
    let needed = history.header().plan.coverage.effective_faults;
    if effective < needed {
        result.inconclusive(format!(
            "only {effective} proven faults, expected at least {needed}: a longer `--time` makes \
             room for more, and `fracas doctor` tells which this machine can bring about"
        ));
    }
}

/// Planned faults that were not carried out: named, and refused where every one must be.
fn missed(history: &History, result: &mut CheckResult) {
    let told = |kind: &EventKind| match kind {
        EventKind::Fault(FaultEvent::Missed { act, what: fault, why }) => {
            Some((format!("{act} ({fault})"), why.clone()))
        }
        _ => None,
    };
    let missed: Vec<(String, String)> =
        history.others().iter().filter_map(|event| told(&event.kind)).collect();
    let Some((_, why)) = missed.last() else { return };
    let named = words::list(missed.iter().take(NAMED).map(|(name, _)| name));
    let more = match missed.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let count = match missed.len() {
        1 => "1 planned fault".to_owned(),
        count => format!("{count} planned faults"),
    };
    let text = format!("{count} did not happen: {named}{more}: {why}");
    if history.header().plan.coverage.every_fault {
        result.inconclusive(format!("{text}; leave out `--time`, or give the schedule more of it"));
    } else {
        result.not_checked.push(text);
    }
}

/// Faults that were not proven count for nothing; too many of them, or all of a kind, are too many.
fn doubts(faults: &[FaultSpan], result: &mut CheckResult) {
    let doubts: Vec<(&FaultSpan, String)> =
        faults.iter().filter_map(|span| Some((span, doubt(span)?))).collect();
    let many = doubts.len() * FAULTS_PER_DOUBT > faults.len();
    let seen: BTreeSet<&FaultKind> =
        faults.iter().filter(|span| span.took_effect()).map(|span| &span.fault.kind).collect();
    for (span, doubt) in doubts {
        let (id, fault) = (span.id, &span.fault);
        let text = format!("fault {id} ({fault}) was not proven: {doubt}");
        if many || !seen.contains(&fault.kind) {
            result.inconclusive(format!(
                "{text}; run it again on a machine that is less busy, or see `fracas doctor`"
            ));
        } else {
            result.not_checked.push(text);
        }
    }
}

/// Why a fault is not proven; none if it is.
fn doubt(span: &FaultSpan) -> Option<String> {
    if span.is_effective() {
        return None;
    }
    let measured = span.proofs.iter().flat_map(|proof| &proof.measurements);
    let failed = measured.clone().find(|measurement| !measurement.holds);
    Some(match (failed, span.problems.first()) {
        (Some(failed), _) => format!("{}: {}", failed.what, failed.result),
        (None, Some(problem)) => problem.clone(),
        (None, None) if span.end.is_none() => "it never ended".to_owned(),
        (None, None) if measured.count() == 0 => "nothing was measured".to_owned(),
        (None, None) => "no span of time is known in which it was in effect".to_owned(),
    })
}

/// Whether clients were served during almost all faults, or at least asked.
fn service(history: &History, faults: &[FaultSpan], result: &mut CheckResult) {
    if faults.is_empty() {
        return;
    }
    let times = Times::of(history);
    let mut unserved = Vec::new();
    for span in faults {
        let window = times.window(span, history.end());
        match served(history, faults, &window) {
            Served::Enough => {}
            Served::TooFew(text) => unserved.push(text),
            Served::NotAsked(text) => result.inconclusive(text),
        }
    }
    if unserved.len() * FAULTS_PER_DOUBT > faults.len() {
        unserved.into_iter().for_each(|text| result.inconclusive(text));
    } else {
        result.suspicions.extend(unserved);
    }
}

/// What clients got during a fault.
enum Served {
    Enough,
    TooFew(String),
    NotAsked(String),
}

/// Whether clients were served during a fault that left a majority and long enough to go on
/// without those it hit, or at least asked. An operation that was open meanwhile was asked.
///
/// Whatever overlaps counts together, servers that ended by themselves as well, and nodes of which one
/// process is stopped or gone, so that a majority is only demanded if one was left all the time. Whether a server may end is not judged here.
fn served(history: &History, faults: &[FaultSpan], window: &Window) -> Served {
    let needed = history.header().plan.coverage.ok_per_fault_window;
    let Window { fault: id, span: (from, to), ok, .. } = *window;
    let overlaps = |other: &&FaultSpan| {
        let (begin, end) = other.window(history.end());
        begin <= to && from <= end
    };
    let together: Vec<&Fault> = faults.iter().filter(overlaps).map(|other| &other.fault).collect();
    let (began, ended) = (words::at(from), words::at(to));
    let mut gone = reach::ended(history, (from, to));
    gone.extend(together.iter().flat_map(|fault| fault.down_in_part()));
    let nodes = &history.header().nodes;
    let serves = to.saturating_sub(from) >= TAKES_OVER
        && reach::majority_without(&gone, nodes, &together).is_some();
    if serves && ok < needed {
        return Served::TooFew(format!(
            "only {ok} operations succeeded during fault {id} ({began} to {ended}), which left a \
             majority connected; expected at least {needed}: the servers' logs may tell why the \
             majority did not answer"
        ));
    }
    if needed > 0 && window.open == 0 {
        return Served::NotAsked(format!(
            "nothing was asked of the cluster during fault {id} ({began} to {ended}): a higher \
             `--rate` asks more often"
        ));
    }
    Served::Enough
}
