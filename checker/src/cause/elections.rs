//! Why a node contradicts itself, why one generation has two leaders, and why nobody serves.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{About, Context, Down};
use crate::event::{EventKind, Nanos, NodeChange, NodeId};
use crate::leadership::evidence::Evidence;
use crate::words;

/// Votes are given at most this long before the first sign of a leader.
const ELECTION: Nanos = 2_000_000_000;

/// Whether both were told in one life of their node, as far as known.
fn one_life(first: &Evidence, second: &Evidence) -> bool {
    first.incarnation.is_some() && first.incarnation == second.incarnation
}

/// A node that contradicts what it told before was restarted in between.
///
/// Must hold: a proven kill or power failure of that node in between. Refuted by: both told in one
/// life of the node.
pub(super) fn forgot(context: &Context<'_>) -> Option<String> {
    let About::Forgot(first, later) = context.about else { return None };
    if one_life(first, later) {
        return None;
    }
    let down = context.downs(first.node, (first.since, later.time)).last()?;
    Some(format!(
        "{} {}, in between. {} A generation or vote that is not on the disk before it is used is \
         forgotten.",
        first.node,
        down.clause(),
        down.takes()
    ))
}

/// A node is known to have voted for both leaders.
///
/// Must hold: two votes of one node in the generation, for different candidates, by proof.
pub(super) fn voted_twice(context: &Context<'_>) -> Option<String> {
    let About::Elected(first, second) = context.about else { return None };
    let (earlier, later) = votes(context, first, second)?;
    let node = earlier.node;
    let (a, b) = (earlier.voted?, later.voted?);
    let voted = format!("{node} voted for {a} by {} and for {b}", words::at(earlier.time));
    if one_life(earlier, later) {
        return Some(format!(
            "{voted} by {}, in one life: its vote does not bind it.",
            words::at(later.time)
        ));
    }
    let down = context.downs(node, (earlier.since, later.time)).last()?;
    Some(format!(
        "{voted} by {}, and {} in between. {} A vote that is not on the disk before it is given is \
         given twice.",
        words::at(later.time),
        down.clause(),
        down.takes()
    ))
}

/// The first two votes of one node that contradict each other in the generation of two leaders.
fn votes<'a>(
    context: &'a Context<'_>,
    first: &Evidence,
    second: &Evidence,
) -> Option<(&'a Evidence, &'a Evidence)> {
    let generation = first.generation?;
    let leaders = [first.node, second.node];
    let mut given: BTreeMap<NodeId, &Evidence> = BTreeMap::new();
    for seen in &context.evidence {
        let Some((of, candidate)) = seen.proves_vote() else { continue };
        if of != generation || !leaders.contains(&candidate) {
            continue;
        }
        let earlier = given.entry(seen.node).or_insert(seen);
        if earlier.voted != seen.voted {
            return Some((earlier, seen));
        }
    }
    None
}

/// A node that may have voted for both leaders was restarted between the two elections.
///
/// Must hold: a proven kill or power failure of a node after the first leader was elected, and its
/// start before the second was. Refuted by: a vote that the node told in a later life, and that is
/// for the first leader: it had not forgotten.
pub(super) fn voter_restarted(context: &Context<'_>) -> Option<String> {
    let About::Elected(first, second) = context.about else { return None };
    let span = (first.since.saturating_sub(ELECTION), second.time);
    let restarted = context.nodes.iter().filter(|node| !remembers(context, **node, first));
    let back = |down: &Down<'_>| down.back.is_some_and(|back| back <= second.time);
    let (node, down) = restarted
        .flat_map(|node| context.downs(*node, span).map(move |down| (node, down)))
        .filter(|(_, down)| back(down))
        .max_by_key(|(_, down)| down.from)?;
    Some(format!(
        "{node} {} and was back by {}, between these elections. {} A vote that is not on the disk \
         before it is given is given twice.",
        down.clause(),
        words::at(down.back?),
        down.takes()
    ))
}

/// Whether `node` told in a later life that it had voted for the first leader.
fn remembers(context: &Context<'_>, node: NodeId, first: &Evidence) -> bool {
    let votes: BTreeSet<u32> = context
        .evidence
        .iter()
        .filter(|seen| {
            seen.node == node && seen.proves_vote().map(|(of, _)| of) == first.generation
        })
        .filter(|seen| seen.voted == Some(first.node))
        .filter_map(|seen| seen.incarnation)
        .collect();
    votes.len() > 1
}

/// Too many servers had ended by themselves.
///
/// Must hold: at that moment no majority of the nodes is up, because of servers that ended by
/// themselves. Refuted by: a start since then.
pub(super) fn no_majority(context: &Context<'_>) -> Option<String> {
    let About::Silent(moment) = context.about else { return None };
    let mut ended: BTreeMap<NodeId, (Nanos, &str)> = BTreeMap::new();
    let events = context.history.events().iter().take_while(|event| event.time <= moment);
    for event in events {
        match &event.kind {
            EventKind::Node { node, change: NodeChange::Exited { how, .. }, .. } => {
                ended.insert(*node, (event.time, how));
            }
            EventKind::Node { node, change: NodeChange::Started, .. } => {
                ended.remove(node);
            }
            _ => {}
        }
    }
    let up = context.nodes.len() - ended.len().min(context.nodes.len());
    if ended.is_empty() || 2 * up > context.nodes.len() {
        return None;
    }
    let each = ended
        .iter()
        .map(|(node, (time, how))| format!("that of {node} with {how} at {}", words::at(*time)));
    Some(format!(
        "Servers had ended by themselves: {}. {up} of {} nodes were up, which is no majority.",
        words::list(each),
        context.nodes.len()
    ))
}
