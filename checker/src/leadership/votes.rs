//! One vote per node and generation, where votes are visible.
//!
//! A vote is told only once it is on the voter's disk (see [`Observation::voted`]), so two of them
//! for different candidates contradict each other across restarts too. The same vote may be told
//! and given as often as one likes: a candidate asks again when an answer was lost.
//!
//! The vote of a node that tells of it in hearsay is left out: its vote and its generation may be
//! of two moments, and then an old vote is taken for one in the new generation.
//!
//! [`Observation::voted`]: crate::observation::Observation::voted

use std::collections::BTreeMap;

use super::evidence::{Evidence, Joins};
use super::findings::{Findings, fact};
use crate::catalogue::DOUBLE_VOTE;
use crate::cause;
use crate::event::NodeId;
use crate::history::History;
use crate::story::Shown;
use crate::verdict::Anomaly;
use crate::words;

/// Adds every generation in which a node voted for two candidates.
pub(super) fn judge(history: &History, evidence: &[Evidence], findings: &mut Findings) {
    // A node that joins anew is another voter, by the same name.
    let joins = Joins::of(history);
    let mut first: BTreeMap<(NodeId, usize, u64), Evidence> = BTreeMap::new();
    let mut twice: BTreeMap<(NodeId, usize, u64), Evidence> = BTreeMap::new();
    for vote in evidence {
        let Some((generation, _)) = vote.proves_vote() else { continue };
        let of = (vote.node, joins.before(vote), generation);
        if first.entry(of).or_insert(*vote).voted != vote.voted {
            twice.entry(of).or_insert(*vote);
        }
    }
    let anomalies = twice.iter().map(|(of, second)| anomaly(history, &first[of], second));
    findings.add("a vote given twice", anomalies.collect(), Vec::new());
}

fn anomaly(history: &History, first: &Evidence, second: &Evidence) -> Anomaly {
    let (node, generation) = (first.node, first.generation.unwrap_or_default());
    let votes = [first, second];
    let candidates: Vec<NodeId> = votes.iter().filter_map(|vote| vote.voted).collect();
    let given = votes.iter().zip(&candidates);
    let given =
        given.map(|(vote, candidate)| format!("for {candidate} by {}", words::at(vote.time)));
    let window = (first.since.min(second.since), first.time.max(second.time));
    Shown {
        class: DOUBLE_VOTE,
        headline: format!(
            "Double vote: {node} voted twice in generation {generation}, {}",
            words::list(given)
        ),
        facts: vec![fact(first), fact(second)],
        because: format!(
            "A node has one vote in a generation: having voted for {} in generation {generation}, \
             {node} must not vote for another. With such a vote two candidates can both win.",
            words::list(candidates.first())
        ),
        likely_cause: cause::forgot(history, first, second),
        witness: vec![first.index, second.index],
        key: None,
        nodes: candidates.into_iter().chain([node]).collect(),
        generation: Some(generation),
        window,
        moment: second.time,
    }
    .anomaly(history)
}
