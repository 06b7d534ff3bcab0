//! Who led each generation: over the whole run, at most one node.
//!
//! Moments do not matter here. A generation belongs to one leader for ever, so a claim in the first
//! minute and one in the last contradict each other, whatever happened in between.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Evidence, evidence};
use super::findings::{Findings, fact};
use crate::catalogue::SPLIT_BRAIN;
use crate::cause;
use crate::event::{EventKind, Nanos, NodeChange, NodeId};
use crate::history::History;
use crate::observation::{Grade, Source};
use crate::story::Shown;
use crate::text::Text;
use crate::verdict::Anomaly;
use crate::words;

/// A generation that more than one node was proven to lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Which generation.
    pub generation: u64,
    /// The first evidence of each of its leaders, in order of time.
    pub leaders: Vec<Evidence>,
}

/// The time in which one node led one generation, by the first and the last sign of it.
///
/// A node that answers a read need not lead: an answer counts only where it acknowledged a change.
/// A reign by hearsay alone proves nothing, and says so by its grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reign {
    /// In which group of nodes, where there are several.
    pub group: Option<Text>,
    /// Which generation.
    pub generation: u64,
    /// The node that led it.
    pub node: NodeId,
    /// When the first sign was seen.
    pub first: Nanos,
    /// When the last sign was seen.
    pub last: Nanos,
    /// The grade of the strongest sign.
    pub grade: Grade,
    /// Where signs came from.
    pub sources: BTreeSet<Source>,
    /// How many signs there are.
    pub signs: u64,
    /// Whether other nodes were seen to lead the same generation.
    pub shared: bool,
    /// How long nobody was seen to lead before it: the time since the last sign of any earlier
    /// generation. None for the first generation, where reigns overlap, and for a second leader of
    /// one generation.
    pub leaderless: Option<Nanos>,
}

impl Reign {
    fn begin(seen: &Evidence, generation: u64) -> Self {
        let (node, first, grade) = (seen.node, seen.time, seen.grade);
        Self {
            group: None,
            generation,
            node,
            first,
            last: first,
            grade,
            sources: BTreeSet::new(),
            signs: 0,
            shared: false,
            leaderless: None,
        }
    }

    fn add(&mut self, seen: &Evidence) {
        self.last = self.last.max(seen.time);
        self.grade = self.grade.max(seen.grade);
        self.sources.insert(seen.source);
        self.signs += 1;
    }
}

/// Every reign of `history`, by group, by generation and then by its first sign. What a node says of
/// another is left out.
#[must_use]
pub fn reigns(history: &History) -> Vec<Reign> {
    let groups = history.groups();
    if groups.len() < 2 {
        return of_one_group(history);
    }
    let of = |group: Option<&Text>| {
        let reigns = of_one_group(&history.of_group(group)).into_iter();
        reigns.map(|reign| Reign { group: group.cloned(), ..reign }).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(of).collect()
}

fn of_one_group(history: &History) -> Vec<Reign> {
    let mut reigns: BTreeMap<(u64, NodeId), Reign> = BTreeMap::new();
    for seen in evidence(history).iter().filter(|seen| seen.is_own()) {
        if let Some(generation) = seen.leads() {
            let reign = reigns.entry((generation, seen.node));
            reign.or_insert_with(|| Reign::begin(seen, generation)).add(seen);
        }
    }
    let mut sorted: Vec<Reign> = reigns.into_values().collect();
    sorted.sort_by_key(|reign| (reign.generation, reign.first, reign.node));
    relate(&mut sorted);
    sorted
}

/// Tells each reign of the others of its group, which are in order: whether it shares its
/// generation, and how long nobody led before it.
fn relate(reigns: &mut [Reign]) {
    let mut last: Option<Nanos> = None;
    for generation in reigns.chunk_by_mut(|first, second| first.generation == second.generation) {
        let shared = generation.len() > 1;
        generation.iter_mut().for_each(|reign| reign.shared = shared);
        generation[0].leaderless = last.and_then(|last| generation[0].first.checked_sub(last));
        last = generation.iter().map(|reign| reign.last).max().max(last);
    }
}

/// The first evidence of each leader of each generation, hearsay included where `hearsay`.
fn leaders(evidence: &[Evidence], hearsay: bool) -> BTreeMap<u64, BTreeMap<NodeId, Evidence>> {
    let mut leaders: BTreeMap<u64, BTreeMap<NodeId, Evidence>> = BTreeMap::new();
    for seen in evidence {
        let generation = if hearsay { seen.leads() } else { seen.proves_leading() };
        if let Some(generation) = generation {
            leaders.entry(generation).or_default().entry(seen.node).or_insert(*seen);
        }
    }
    leaders
}

/// Every generation that more than one node was proven to lead.
#[must_use]
pub fn splits(evidence: &[Evidence]) -> Vec<Split> {
    let split = |(generation, leaders): (u64, BTreeMap<NodeId, Evidence>)| {
        let mut leaders: Vec<Evidence> = leaders.into_values().collect();
        leaders.sort_by_key(|seen| (seen.time, seen.index));
        (leaders.len() > 1).then_some(Split { generation, leaders })
    };
    leaders(evidence, false).into_iter().filter_map(split).collect()
}

/// The first proof that each generation was led.
pub(crate) fn first_led(evidence: &[Evidence]) -> BTreeMap<u64, Evidence> {
    let first = |leaders: BTreeMap<NodeId, Evidence>| {
        leaders.into_values().min_by_key(|seen| (seen.time, seen.index))
    };
    let led = leaders(evidence, false).into_iter();
    led.filter_map(|(generation, leaders)| Some((generation, first(leaders)?))).collect()
}

/// Adds split generations, proven or suspected, and leaders that came back in a later incarnation.
pub(super) fn judge(history: &History, evidence: &[Evidence], findings: &mut Findings) {
    let splits = splits(evidence);
    let proven: BTreeSet<u64> = splits.iter().map(|split| split.generation).collect();
    let anomalies = splits.iter().map(|split| anomaly(history, evidence, split)).collect();
    findings.add("a generation with two leaders", anomalies, suspected(evidence, &proven));
    findings.add("a leader that came back", Vec::new(), came_back(history, evidence));
}

fn anomaly(history: &History, evidence: &[Evidence], split: &Split) -> Anomaly {
    let generation = split.generation;
    let names: Vec<NodeId> = split.leaders.iter().map(|seen| seen.node).collect();
    let all = if names.len() == 2 { "both" } else { "all" };
    let when =
        split.leaders.iter().map(|seen| format!("{} by {}", seen.node, words::at(seen.time)));
    let last = evidence.iter().filter(|seen| seen.proves_leading() == Some(generation));
    // The last evidence of each shows for how long they thought so; it comes after the first ones.
    let lasts: BTreeMap<NodeId, &Evidence> = last.map(|seen| (seen.node, seen)).collect();
    let shown: Vec<&Evidence> = split.leaders.iter().chain(lasts.into_values()).collect();
    let mut facts: Vec<_> = shown.iter().map(|seen| fact(seen)).collect();
    facts.dedup();
    let from = shown.iter().map(|seen| seen.since).min().unwrap_or_default();
    let to = shown.iter().map(|seen| seen.time).max().unwrap_or_default();
    Shown {
        class: SPLIT_BRAIN,
        headline: format!(
            "Split brain: {} {all} led generation {generation} ({})",
            words::list(&names),
            words::list(when)
        ),
        facts,
        because: format!(
            "A generation belongs to one leader for ever: {} must not {all} have led generation \
             {generation}.",
            words::list(&names)
        ),
        likely_cause: match split.leaders.as_slice() {
            [first, second, ..] => cause::elected_twice(history, first, second),
            _ => None,
        },
        witness: shown.iter().map(|seen| seen.index).collect(),
        key: None,
        nodes: names,
        generation: Some(generation),
        window: (from, to),
        moment: split.leaders.get(1).map_or(to, |second| second.time),
    }
    .anomaly(history)
}

/// Generations with two leaders of which at least one is hearsay.
fn suspected(evidence: &[Evidence], proven: &BTreeSet<u64>) -> Vec<String> {
    leaders(evidence, true)
        .into_iter()
        .filter(|(generation, leaders)| leaders.len() > 1 && !proven.contains(generation))
        .map(|(generation, leaders)| {
            let leaders =
                leaders.values().map(|seen| format!("{} ({})", seen.node, seen.source_words()));
            format!(
                "generation {generation} may have had several leaders: {}",
                words::list(leaders)
            )
        })
        .collect()
}

/// A node that leads a generation again after a restart cannot remember that it was elected: it
/// may have lost its vote too. A start of one process alone is none of the node: another one may have
/// led all the time.
fn came_back(history: &History, evidence: &[Evidence]) -> Vec<String> {
    let whole = whole_starts(history);
    let mut lives: BTreeMap<(u64, NodeId), BTreeSet<u32>> = BTreeMap::new();
    for seen in evidence {
        if let (Some(generation), Some(life)) = (seen.proves_leading(), seen.incarnation) {
            let life = whole.get(&(seen.node, life)).copied().unwrap_or(life);
            lives.entry((generation, seen.node)).or_default().insert(life);
        }
    }
    let again = lives.into_iter().filter(|(_, lives)| lives.len() > 1);
    again
        .map(|((generation, node), lives)| {
            format!(
                "{node} led generation {generation} before and after a restart (starts {}): without \
                 a new election it may have forgotten its vote",
                words::list(lives)
            )
        })
        .collect()
}

/// Of each start of one process alone, by node and number: the number of the start of the whole node
/// before it.
fn whole_starts(history: &History) -> BTreeMap<(NodeId, u32), u32> {
    let (mut last, mut starts) = (BTreeMap::new(), BTreeMap::new());
    for event in history.others() {
        let EventKind::Node { node, incarnation, change } = &event.kind else { continue };
        match (change, last.get(node)) {
            (NodeChange::Started, _) => drop(last.insert(*node, *incarnation)),
            (NodeChange::ProcessStarted { .. }, Some(whole)) => {
                starts.insert((*node, *incarnation), *whole);
            }
            _ => {}
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reign(generation: u64, first: Nanos, last: Nanos) -> Reign {
        let (node, grade, sources) = (NodeId(1), Grade::Claim, BTreeSet::new());
        let (group, shared, leaderless) = (None, false, None);
        Reign { group, generation, node, first, last, grade, sources, signs: 1, shared, leaderless }
    }

    /// The server may lead on while a process beside it is started again.
    #[test]
    fn a_start_of_one_process_alone_brings_no_leader_back() {
        use crate::event::Event;
        use crate::history::{Header, Plan, SCHEMA};
        use crate::observation::Observation;
        let came_back_after = |change: NodeChange| {
            let header = Header {
                schema: SCHEMA.to_owned(),
                run: String::new(),
                target: String::new(),
                seed: 1,
                nodes: vec![NodeId(1)],
                plan: Plan::default(),
            };
            let node =
                |incarnation, change| EventKind::Node { node: NodeId(1), incarnation, change };
            let leads = |incarnation| {
                EventKind::Observe(Observation {
                    node: NodeId(1),
                    incarnation,
                    group: None,
                    source: Source::Poll,
                    grade: Grade::Claim,
                    since: 0,
                    role: Some(crate::observation::Role::Leader),
                    generation: Some(5),
                    leader: None,
                    applied: None,
                    voted: None,
                    entry: None,
                    text: String::new(),
                })
            };
            let kinds = [node(1, NodeChange::Started), leads(1), node(2, change), leads(2)];
            let events = (0..).zip(kinds).map(|(index, kind)| Event { index, time: index, kind });
            let history = History::new(header, events.collect()).unwrap();
            came_back(&history, &evidence(&history)).len()
        };
        assert_eq!(came_back_after(NodeChange::Started), 1);
        assert_eq!(came_back_after(NodeChange::ProcessStarted { process: "agent".into() }), 0);
    }

    #[test]
    fn nobody_led_from_the_last_sign_of_any_earlier_generation() {
        let mut reigns = [reign(7, 0, 50), reign(8, 10, 20), reign(9, 60, 70), reign(9, 65, 66)];
        relate(&mut reigns);
        assert_eq!(reigns.clone().map(|reign| reign.leaderless), [None, None, Some(10), None]);
        assert_eq!(reigns.map(|reign| reign.shared), [false, false, true, true]);
    }
}
