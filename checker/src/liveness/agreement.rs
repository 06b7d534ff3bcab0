//! Do all nodes come to agree on one leader after the last heal, and stay with it?
//!
//! Rests on what nodes say of themselves. Hearsay, such as an answer whose parts are of different
//! moments, counts where a node tells nothing better: it can show that all agree, and never that
//! they do not. A node that says nothing makes the answer unknown. Acknowledged operations are left out: their effect may be long past when
//! they complete, so they do not show who leads *now*.

use std::collections::{BTreeMap, BTreeSet};

use super::bound::{Bound, MILLI};
use crate::catalogue::NO_SINGLE_LEADER_AFTER_HEAL;
use crate::event::{Nanos, NodeId};
use crate::history::{FaultSpan, History};
use crate::leadership::evidence::{Evidence, evidence};
use crate::leadership::fact;
use crate::observation::{Role, Source};
use crate::story::{Fact, Shown};
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// Adds what `history` shows of leaders after the last heal.
pub(super) fn judge(history: &History, bound: Bound, result: &mut CheckResult) {
    let seen = own_words(history, bound);
    match settled(history, &seen, bound) {
        Ok((leader, since)) => {
            let waited = since - bound.healed;
            result.metrics.insert("single-leader-ms".to_owned(), waited as f64 / MILLI as f64);
            if let Some(old) = still_claims(&seen, &leader, bound) {
                result.anomaly(still_claimed(history, &leader, old, bound));
            }
        }
        Err(latest) => unsettled(history, &latest, bound, result),
    }
}

/// What nodes tell of their own role up to the stop, in order of time. Of a node that answers
/// status requests only those answers count; its log may be read late. Of a node that tells
/// anything that proves, hearsay does not count.
fn own_words(history: &History, bound: Bound) -> Vec<Evidence> {
    let mut seen: Vec<Evidence> = evidence(history)
        .into_iter()
        .filter(|piece| piece.is_own() && piece.role.is_some() && piece.source != Source::Ack)
        .filter(|piece| piece.time <= bound.stopped)
        .collect();
    let proves = seen.iter().filter(|piece| piece.grade.proves());
    let proven: BTreeSet<NodeId> = proves.map(|piece| piece.node).collect();
    seen.retain(|piece| piece.grade.proves() || !proven.contains(&piece.node));
    let polls = seen.iter().filter(|piece| piece.source == Source::Poll);
    let polled: BTreeSet<NodeId> = polls.map(|piece| piece.node).collect();
    let faults = history.faults();
    seen.retain(|piece| match piece.source {
        Source::Log => !polled.contains(&piece.node) && !forgotten(&faults, piece, bound),
        Source::Poll | Source::Ack => piece.since >= bound.healed,
    });
    seen
}

/// Whether a node, or one process of it, was killed after it wrote a line: then the line says nothing
/// of its new life.
fn forgotten(faults: &[FaultSpan], line: &Evidence, bound: Bound) -> bool {
    faults.iter().any(|span| {
        (span.fault.killed().contains(&line.node)
            || span.fault.killed_in_part().contains(&line.node))
            && (line.time..=bound.healed).contains(&span.begin.1)
    })
}

type Latest = BTreeMap<NodeId, Evidence>;

/// The leader that all agreed on first and since when, or the latest that each node said within
/// the bound.
fn settled(
    history: &History,
    seen: &[Evidence],
    bound: Bound,
) -> Result<(Evidence, Nanos), Latest> {
    let nodes = &history.header().nodes;
    let (before, after): (Vec<&Evidence>, Vec<&Evidence>) =
        seen.iter().partition(|piece| piece.time < bound.healed);
    // An answer from before the heal says nothing of now; a log line holds until the next one.
    let mut latest: Latest = before
        .into_iter()
        .filter(|piece| piece.source == Source::Log)
        .map(|piece| (piece.node, *piece))
        .collect();
    if let Some(leader) = agreed(nodes, &latest) {
        return Ok((leader, bound.healed));
    }
    for piece in after.into_iter().filter(|piece| piece.time <= bound.deadline) {
        latest.insert(piece.node, *piece);
        if let Some(leader) = agreed(nodes, &latest) {
            return Ok((leader, piece.time));
        }
    }
    Err(latest)
}

/// The one leader that the latest words of all nodes show, in a generation that none is beyond.
fn agreed(nodes: &[NodeId], latest: &Latest) -> Option<Evidence> {
    if !nodes.iter().all(|node| latest.contains_key(node)) {
        return None;
    }
    let mut leaders = latest.values().filter(|leader| leader.role == Some(Role::Leader));
    let (leader, second) = (leaders.next()?, leaders.next());
    let highest = latest.values().filter_map(|piece| piece.generation).max();
    let beyond = leader.generation.is_some() && highest > leader.generation;
    (second.is_none() && !beyond).then_some(*leader)
}

/// A node that, asked after the bound, still takes itself for the leader of an older generation.
fn still_claims<'a>(seen: &'a [Evidence], leader: &Evidence, bound: Bound) -> Option<&'a Evidence> {
    seen.iter().find(|piece| {
        piece.source == Source::Poll
            && piece.grade.proves()
            && piece.since > bound.deadline
            && piece.node != leader.node
            && piece.leads().is_some_and(|old| leader.leads().is_some_and(|new| old < new))
    })
}

fn still_claimed(history: &History, leader: &Evidence, old: &Evidence, bound: Bound) -> Anomaly {
    let (node, generation) = (old.node, old.generation.unwrap_or_default());
    shown(
        bound,
        format!(
            "No single leader after the heal: at {} {node} still claimed to lead generation \
             {generation}, which {} had replaced",
            words::at(old.time),
            leader.node
        ),
        vec![(leader.index, fact(leader)), (old.index, fact(old))],
        vec![leader.node, node],
    )
    .anomaly(history)
}

/// What a node told last: `n3 leads generation 28`.
fn last_told(piece: &Evidence) -> String {
    let does = match piece.role {
        Some(Role::Leader) => "leads",
        Some(Role::Follower) => "follows in",
        Some(Role::Candidate) => "is a candidate in",
        None => "is in",
    };
    match piece.generation {
        Some(generation) => format!("{} {does} generation {generation}", piece.node),
        None => format!("{} {does} an unknown generation", piece.node),
    }
}

/// No agreement was seen: an anomaly if every node was asked and the bound has passed. Logs prove
/// nothing here: a node that stepped down need not have written so.
fn unsettled(history: &History, latest: &Latest, bound: Bound, result: &mut CheckResult) {
    let nodes = &history.header().nodes;
    let silent: Vec<&NodeId> = nodes.iter().filter(|node| !latest.contains_key(node)).collect();
    if !silent.is_empty() {
        let silent = words::list(silent);
        result.inconclusive(format!(
            "{silent} told no role after the last heal, so whether all agree on a leader is unknown"
        ));
    } else if let Some(hearsay) = latest.values().find(|piece| !piece.grade.proves()) {
        result.inconclusive(format!(
            "what the nodes tell of their role does not show that all agreed on one leader after \
             the last heal, and what {} tells is hearsay, which proves nothing",
            hearsay.node
        ));
    } else if latest.values().any(|piece| piece.source == Source::Log) {
        let told: Vec<String> = latest.values().map(last_told).collect();
        result.inconclusive(format!(
            "the logs of the nodes do not show that all agreed on one leader after the last heal (last \
             told: {}); the servers' logs may tell why, and a node must log that it follows, too",
            told.join(", ")
        ));
    } else if bound.stopped < bound.deadline {
        result.inconclusive(
            "the run ended before the nodes agreed on a leader and before the bound had passed",
        );
    } else {
        let leaders: Vec<_> = latest
            .values()
            .filter(|leader| leader.role == Some(Role::Leader))
            .map(|leader| leader.node)
            .collect();
        let headline = format!(
            "No single leader after the heal: {} after it, {} claimed to lead",
            words::lasting(bound.deadline - bound.healed),
            if leaders.is_empty() { "no node".to_owned() } else { words::list(&leaders) }
        );
        let facts = latest.values().map(|piece| (piece.index, fact(piece))).collect();
        let nodes = latest.keys().copied().collect();
        result.anomaly(shown(bound, headline, facts, nodes).anomaly(history));
    }
}

fn shown(bound: Bound, headline: String, facts: Vec<(u64, Fact)>, nodes: Vec<NodeId>) -> Shown {
    let window_end = facts.iter().map(|(_, (since, _))| *since).max();
    Shown {
        class: NO_SINGLE_LEADER_AFTER_HEAL,
        headline,
        witness: facts.iter().map(|(index, _)| *index).collect(),
        facts: facts.into_iter().map(|(_, fact)| fact).collect(),
        because: format!(
            "The last fault had healed at {}; by {} exactly one node must lead, in the highest \
             generation.",
            words::at(bound.healed),
            words::at(bound.deadline)
        ),
        likely_cause: None,
        key: None,
        nodes,
        generation: None,
        window: (bound.healed, window_end.unwrap_or(bound.deadline).max(bound.deadline)),
        moment: bound.healed,
    }
}
