//! Was enough seen for a pass to mean something?
//!
//! This check never finds an anomaly. Whatever was planned and did not happen makes the verdict
//! inconclusive, with what was missing in numbers.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::Budget;
use crate::event::{Completion, EventKind, Key, Nanos, NodeId, Op, OpKind, Phase};
use crate::fault::{Fault, FaultKind, Stage};
use crate::history::{FaultSpan, History, Operation};
use crate::leadership::evidence::{Evidence, evidence};
use crate::leadership::{first_led, hits};
use crate::observation::Source;
use crate::reach;
use crate::verdict::CheckResult;
use crate::words;

/// The name of the check, which always runs.
pub const ID: &str = "coverage";

/// What it promises.
pub const PROMISE: &str =
    "the run did what was planned: enough operations, elections and proven faults, to its end";

/// How long a cluster may serve nobody after it has lost its leader. A fault that lasted less may
/// be over before anybody could take its place.
const TAKES_OVER: Nanos = 2_000_000_000;

/// Holds `history` against the coverage that its plan asks for.
#[must_use]
pub fn check(history: &History, _: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    ended(history, &mut result);
    operations(history, &mut result);
    handovers(history, &mut result);
    leaders(history, &mut result);
    faults(history, &mut result);
    final_reads(history, &mut result);
    result
}

/// Whether the run came to its end.
fn ended(history: &History, result: &mut CheckResult) {
    if history.is_torn() {
        result.inconclusive("the run was cut short: the last line of its history is torn");
    } else if history.phase(Phase::Stop).is_none() {
        result.inconclusive("the run was cut short: it never came to its stop");
    }
}

/// Whether enough operations of each kind succeeded.
fn operations(history: &History, result: &mut CheckResult) {
    let mut ok: BTreeMap<OpKind, u64> = BTreeMap::new();
    let (mut fail, mut info) = (0_u32, 0_u32);
    for operation in history.operations() {
        match &operation.completed {
            Some((_, _, Completion::Ok { .. })) => *ok.entry(operation.op.kind()).or_default() += 1,
            Some((_, _, Completion::Fail { .. })) => fail += 1,
            Some((_, _, Completion::Info { .. })) | None => info += 1,
        }
    }
    for (kind, needed) in &history.header().plan.coverage.ok_per_kind {
        let seen = ok.get(kind).copied().unwrap_or(0);
        if seen < *needed {
            result.inconclusive(format!("only {seen} ok {kind}, at least {needed} are needed"));
        }
    }
    for kind in OpKind::REQUESTS {
        let seen = ok.get(&kind).copied().unwrap_or(0);
        result.metrics.insert(format!("ok-{kind}"), seen as f64);
    }
    result.metrics.insert("fail".to_owned(), f64::from(fail));
    result.metrics.insert("info".to_owned(), f64::from(info));
}

/// Whether enough locks went from one holder to another.
fn handovers(history: &History, result: &mut CheckResult) {
    let grant = |one: &Operation| match (&one.op, one.ok()) {
        (Op::Acquire { key, holder, .. }, Some((time, ..))) => Some((key.clone(), time, *holder)),
        _ => None,
    };
    let mut grants: Vec<(Key, Nanos, u64)> =
        history.operations().iter().filter_map(grant).collect();
    if grants.is_empty() && history.header().plan.coverage.handovers == 0 {
        return;
    }
    grants.sort_unstable();
    let passes = |pair: &&[(Key, Nanos, u64)]| pair[0].0 == pair[1].0 && pair[0].2 != pair[1].2;
    let seen = grants.windows(2).filter(passes).count();
    least(result, "handovers", seen, history.header().plan.coverage.handovers);
}

/// Whether enough was seen of leaders.
fn leaders(history: &History, result: &mut CheckResult) {
    let (evidence, plan) = (evidence(history), &history.header().plan.coverage);
    let led = first_led(&evidence);
    let load = history.phase(Phase::Load).unwrap_or(Nanos::MAX);
    let elections = led.values().filter(|first| first.time >= load).count();
    if (elections as u64) < plan.elections {
        let needed = plan.elections;
        result.inconclusive(format!(
            "only {elections} elections under load, at least {needed} are needed"
        ));
    }
    result.metrics.insert("elections-under-load".to_owned(), elections as f64);
    let nodes: Vec<NodeId> = led.values().map(|first| first.node).collect();
    let changes = nodes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let distinct: BTreeSet<NodeId> = nodes.into_iter().collect();
    let proven = evidence.iter().filter(|seen| seen.grade.proves());
    let generations: BTreeSet<u64> = proven.filter_map(|seen| seen.generation).collect();
    let faults = history.faults();
    let hits = hits(&history.header().nodes, &faults, &evidence);
    let hits = hits.iter().filter(|hit| hit.span.is_effective()).count();
    let needed = plan.leaders;
    least(result, "leader-changes", changes, needed.changes);
    least(result, "distinct-leaders", distinct.len(), needed.distinct);
    least(result, "generations-seen", generations.len(), needed.generations);
    least(result, "faults-that-hit-the-leader", hits, needed.hits);
    polls(history, &led, result);
}

/// Whether every node, and every generation that was led, was asked about often enough.
fn polls(history: &History, led: &BTreeMap<u64, Evidence>, result: &mut CheckResult) {
    let mut nodes: BTreeMap<NodeId, usize> =
        history.header().nodes.iter().map(|node| (*node, 0)).collect();
    let mut generations: BTreeMap<u64, usize> =
        led.keys().map(|generation| (*generation, 0)).collect();
    for event in history.others() {
        let EventKind::Observe(seen) = &event.kind else { continue };
        if seen.source == Source::Poll {
            nodes.entry(seen.node).and_modify(|polls| *polls += 1);
            let generation =
                seen.generation.and_then(|generation| generations.get_mut(&generation));
            generation.into_iter().for_each(|polls| *polls += 1);
        }
    }
    let fewest = |polls: Option<&usize>| polls.copied().unwrap_or(0);
    let needed = history.header().plan.coverage.leaders;
    least(result, "fewest-polls-of-a-node", fewest(nodes.values().min()), needed.polls_per_node);
    let fewest = fewest(generations.values().min());
    least(result, "fewest-polls-in-a-generation", fewest, needed.polls_per_generation);
}

/// Notes a number; too small a one makes the verdict inconclusive.
fn least(result: &mut CheckResult, name: &str, seen: usize, needed: u64) {
    result.metrics.insert(name.to_owned(), seen as f64);
    if (seen as u64) < needed {
        let name = name.replace('-', " ");
        result.inconclusive(format!("only {seen} {name}, at least {needed} are needed"));
    }
}

/// Whether every register that was written was read once more at the end: an acknowledged write
/// that nobody looks for is lost unseen.
fn final_reads(history: &History, result: &mut CheckResult) {
    let Some(begin) = history.phase(Phase::FinalReads) else { return };
    let done = history.operations().iter().filter(|one| one.ok().is_some());
    let (reads, changes): (Vec<&Operation>, Vec<&Operation>) =
        done.partition(|one| one.op.kind() == OpKind::Read);
    let read: BTreeSet<&Key> =
        reads.iter().filter(|one| one.invoked.1 >= begin).filter_map(|one| one.op.key()).collect();
    let written: BTreeSet<&Key> = changes.iter().filter_map(|one| one.op.key()).collect();
    let missed: Vec<&&Key> = written.difference(&read).collect();
    if !missed.is_empty() {
        let missed = words::list(missed);
        result.inconclusive(format!("no final read of {missed} succeeded"));
    }
}

/// Of so many faults one may lack its proof, and counts for nothing then, and during one the cluster
/// may serve nobody: a busy machine may let a fault slip for a moment, keep a probe from its answer,
/// or an election from its end.
const FAULTS_PER_DOUBT: usize = 4;

/// Whether enough faults were proven, almost all of them and some of every kind, and clients were
/// served meanwhile.
fn faults(history: &History, result: &mut CheckResult) {
    let faults = history.faults();
    let effective = faults.iter().filter(|span| span.is_effective()).count() as u64;
    let needed = history.header().plan.coverage.effective_faults;
    if effective < needed {
        result
            .inconclusive(format!("only {effective} proven faults, at least {needed} are needed"));
    }
    let doubts: Vec<(&FaultSpan, String)> =
        faults.iter().filter_map(|span| Some((span, doubt(span)?))).collect();
    let many = doubts.len() * FAULTS_PER_DOUBT > faults.len();
    let seen: BTreeSet<FaultKind> =
        faults.iter().filter(|span| took_effect(span)).map(|span| span.fault.kind()).collect();
    for (span, doubt) in doubts {
        let (id, fault) = (span.id, &span.fault);
        let text = format!("fault {id} ({fault}) was not proven: {doubt}");
        if many || !seen.contains(&fault.kind()) {
            result.inconclusive(text);
        } else {
            result.not_checked.push(text);
        }
    }
    service(history, &faults, result);
    result.metrics.insert("faults".to_owned(), faults.len() as f64);
    result.metrics.insert("effective-faults".to_owned(), effective as f64);
}

/// Whether a fault was once measured to be in effect, even if that did not last.
fn took_effect(span: &FaultSpan) -> bool {
    let mut proofs = span.proofs.iter().filter(|(stage, ..)| *stage != Stage::Healed);
    proofs.any(|(.., all)| !all.is_empty() && all.iter().all(|one| one.holds))
}

/// Why a fault is not proven; none if it is.
fn doubt(span: &FaultSpan) -> Option<String> {
    if span.is_effective() {
        return None;
    }
    let measured = span.proofs.iter().flat_map(|(_, _, measurements)| measurements);
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
    let mut unserved = Vec::new();
    for span in faults {
        match served(history, faults, span) {
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
/// without those it hit, or at least asked.
///
/// Whatever overlaps counts together, so that a majority is only demanded if one was left all the
/// time.
fn served(history: &History, faults: &[FaultSpan], span: &FaultSpan) -> Served {
    let needed = history.header().plan.coverage.ok_per_fault_window;
    let (from, to) = span.window(history.end());
    let within = |time: Nanos| (from..=to).contains(&time);
    let overlaps = |other: &&FaultSpan| {
        let (begin, end) = other.window(history.end());
        begin <= to && from <= end
    };
    let together: Vec<&Fault> = faults.iter().filter(overlaps).map(|other| &other.fault).collect();
    let operations = history.operations();
    let (id, began, ended) = (span.id, words::at(from), words::at(to));
    let serves = to.saturating_sub(from) >= TAKES_OVER
        && reach::majority(&history.header().nodes, &together).is_some();
    if serves {
        let ok = operations.iter().filter(|one| one.ok().is_some_and(|(time, ..)| within(time)));
        let seen = ok.count() as u64;
        if seen < needed {
            return Served::TooFew(format!(
                "only {seen} operations succeeded during fault {id} ({began} to {ended}), which \
                 left a majority connected; at least {needed} are needed"
            ));
        }
    } else if needed > 0 && !operations.iter().any(|one| within(one.invoked.1)) {
        return Served::NotAsked(format!(
            "nothing was asked of the cluster during fault {id} ({began} to {ended})"
        ));
    }
    Served::Enough
}
