//! Was enough seen for a pass to mean something?
//!
//! This check never finds an anomaly. Whatever was planned and did not happen makes the verdict
//! inconclusive, with what was missing in numbers and what helps. Only what happened under load
//! counts: see `coverage/load.rs`.

mod activity;
mod faults;
mod load;
mod looks;
mod numbers;
mod objects;
mod promises;

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::Budget;
use crate::event::{EventKind, NodeId, Phase};
use crate::harness;
use crate::history::History;
use crate::late;
use crate::leadership::evidence::{Evidence, evidence};
use crate::leadership::{first_led, hits};
use crate::observation::Source;
use crate::verdict::CheckResult;
use activity::Activity;
use load::{Fates, Load};
use numbers::{Number, enough, least};

/// The name of the check, which always runs.
pub const ID: &str = "coverage";

/// What it promises.
pub(crate) const PROMISE: &str = "the run did what was planned, to its end: under load there were enough \
                           operations, elections and proven faults, and every promise was tested";

/// Holds `history` against the coverage that its plan asks for.
#[must_use]
pub fn check(history: &History, _: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    let load = Load::of(history);
    let activity = Activity {
        history,
        load,
        fates: Fates::by_kind(history, load),
        evidence: of_leaders(history),
        faults: history.faults(),
    };
    ended(history, &mut result);
    let nothing = served_nothing(&activity, &mut result);
    faults::check(&activity, &mut result);
    if !nothing {
        operations(&activity, &mut result);
        objects::check(&activity, &mut result);
        leaders(&activity, &mut result);
        promises::check(&activity, &mut result);
        looks::first(history, &mut result);
        looks::at_the_end(history, &mut result);
    }
    result
}

/// What tells of leaders; where nodes are in several groups, of the one that tells most.
fn of_leaders(history: &History) -> Vec<Evidence> {
    let groups = history.groups();
    if groups.len() < 2 {
        return evidence(history);
    }
    let all = groups.into_iter().map(|group| evidence(&history.of_group(group)));
    all.max_by_key(|node| first_led(node).len()).unwrap_or_default()
}

/// Whether the run came to its end.
fn ended(history: &History, result: &mut CheckResult) {
    if history.is_torn() {
        result.inconclusive(
            "the run was cut short: the last line of its history is torn; let it run to its end",
        );
    } else if history.phase(Phase::Stop).is_none() {
        result.inconclusive(
            "the run was cut short: it never came to its stop; let it run to its end",
        );
    }
    if let Some(unseen) = harness::saw_too_little(history) {
        result.inconclusive(unseen);
    }
}

/// Whether operations were asked under load and not one succeeded. That is the one reason then: more
/// time, or more clients, would not have helped.
fn served_nothing(activity: &Activity<'_>, result: &mut CheckResult) -> bool {
    let all = Fates::sum(activity.fates.values());
    let coverage = &activity.history.header().plan.coverage;
    let wanted = !coverage.ok_per_kind.is_empty() || !coverage.objects.is_empty();
    result.metrics.insert("fail".to_owned(), all.fail as f64);
    result.metrics.insert("info".to_owned(), all.info as f64);
    let nothing = wanted && all.asked > 0 && all.ok == 0;
    if nothing {
        let late = late::answers(activity.history, activity.load.from);
        let late = late.map_or_else(String::new, |late| {
            format!("; {late}, so the servers are slow, or the client program is")
        });
        result.inconclusive(format!(
            "the cluster served nothing under load: of {} operations {}{late}; the servers' logs may \
             tell why, and more time would not help",
            all.asked,
            all.unsuccessful()
        ));
    }
    nothing
}

/// Whether enough operations of each kind succeeded under load.
fn operations(activity: &Activity<'_>, result: &mut CheckResult) {
    for (kind, needed) in &activity.history.header().plan.coverage.ok_per_kind {
        let fates = activity.fates.get(kind).cloned().unwrap_or_default();
        enough(result, &fates, *needed, &format!("ok {kind}"));
    }
    for (kind, fates) in &activity.fates {
        result.metrics.insert(format!("ok-{kind}"), fates.ok as f64);
    }
}

/// Whether enough was seen of leaders.
fn leaders(activity: &Activity<'_>, result: &mut CheckResult) {
    let (history, evidence) = (activity.history, &activity.evidence);
    let needed = history.header().plan.coverage.leaders;
    let led = first_led(evidence);
    elections(activity, &led, result);
    let led: BTreeMap<u64, Evidence> =
        led.into_iter().filter(|(_, first)| first.time <= activity.load.to).collect();
    let nodes: Vec<NodeId> = led.values().map(|first| first.node).collect();
    let changes = nodes.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let distinct: BTreeSet<NodeId> = nodes.into_iter().collect();
    let proven =
        evidence.iter().filter(|piece| piece.grade.proves() && piece.time <= activity.load.to);
    let generations: BTreeSet<u64> = proven.filter_map(|piece| piece.generation).collect();
    let hits = leader_hits(activity);
    let faults = "more faults (`--time`, `--fault-every`) bring more";
    let numbers = [
        ("leader-changes", changes, needed.changes),
        ("distinct-leaders", distinct.len(), needed.distinct),
        ("generations-seen", generations.len(), needed.generations),
        ("faults-that-hit-the-leader", hits, needed.hits),
    ];
    for (name, seen, needed) in numbers {
        least(result, &Number { name, seen, helps: faults }, needed);
    }
    polls(activity, &led, result);
}

/// How many proven faults hit the leader.
fn leader_hits(activity: &Activity<'_>) -> usize {
    let hits = hits(&activity.history.header().nodes, &activity.faults, &activity.evidence);
    hits.iter().filter(|hit| hit.span.is_effective()).count()
}

/// Whether enough generations came to be led under load.
fn elections(activity: &Activity<'_>, led: &BTreeMap<u64, Evidence>, result: &mut CheckResult) {
    let needed = activity.history.header().plan.coverage.elections;
    let count = led.values().filter(|first| activity.load.contains(first.time)).count();
    result.metrics.insert("elections-under-load".to_owned(), count as f64);
    // Where no fault happened that is the reason, and told.
    let no_fault = activity.faults.is_empty() && !activity.history.header().plan.faults.is_empty();
    if count as u64 >= needed || no_fault {
        return;
    }
    let helps = if led.is_empty() {
        "no leader was seen at all: see what the target's `[status]` tells of role and generation"
    } else if leader_hits(activity) == 0 {
        "no fault hit the leader: allow kinds that do (`kill`, `pause`, `partition`), give them more \
         `--time`, or ask for no election with `--min-elections 0`"
    } else {
        "faults hit the leader, and no other was seen to lead: the servers' logs may tell why, and \
         `--min-elections 0` asks for none"
    };
    result.inconclusive(format!(
        "only {count} elections under load, expected at least {needed}: {helps}"
    ));
}

/// Whether every node, and every generation that was led, was asked about often enough under load.
fn polls(activity: &Activity<'_>, led: &BTreeMap<u64, Evidence>, result: &mut CheckResult) {
    let header = activity.history.header();
    let mut nodes: BTreeMap<NodeId, usize> = header.nodes.iter().map(|node| (*node, 0)).collect();
    let mut generations: BTreeMap<u64, usize> =
        led.keys().map(|generation| (*generation, 0)).collect();
    for event in activity.history.others().iter().filter(|event| event.time <= activity.load.to) {
        let EventKind::Observe(seen) = &event.kind else { continue };
        if seen.source == Source::Poll {
            nodes.entry(seen.node).and_modify(|polls| *polls += 1);
            let generation =
                seen.generation.and_then(|generation| generations.get_mut(&generation));
            generation.into_iter().for_each(|polls| *polls += 1);
        }
    }
    let fewest = |polls: Option<&usize>| polls.copied().unwrap_or(0);
    let needed = header.plan.coverage.leaders;
    let time = "a longer `--time` gives more";
    let numbers = [
        ("fewest-polls-of-a-node", nodes.values().min(), needed.polls_per_node),
        ("fewest-polls-in-a-generation", generations.values().min(), needed.polls_per_generation),
    ];
    for (name, seen, needed) in numbers {
        least(result, &Number { name, seen: fewest(seen), helps: time }, needed);
    }
}
