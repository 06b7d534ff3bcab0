//! Who leads, watched while nodes tell it: one leader per generation, one vote for each node
//! in it, and no node goes back.
//!
//! What counts as evidence, and what of it contradicts what, is said in [`crate::leadership`]; these
//! rules speak as soon as the second piece of evidence is there, and nothing that comes later takes
//! that back. A generation belongs to one leader for ever, so no generation is ever forgotten: a
//! few dozen bytes for each, and there is one per election.

use std::collections::BTreeMap;

use super::alarm::Alarm;
use crate::event::{Event, NodeId};
use crate::history::Operation;
use crate::leadership;
use crate::leadership::evidence::{self, Evidence, Joins, Lives};
use crate::leadership::monotone::Steps;
use crate::text::Text;

/// What is known of leaders and generations, in each group of nodes by itself.
#[derive(Debug, Default)]
pub(super) struct Leaders {
    groups: BTreeMap<Option<Text>, Group>,
    lives: Lives,
    joins: Joins,
}

/// What is known of one group.
#[derive(Debug, Default)]
struct Group {
    /// Who led each generation.
    reigns: BTreeMap<u64, NodeId>,
    /// Of each node, since it joined anew for so many times.
    steps: BTreeMap<(NodeId, usize), Steps>,
    /// Whom it voted for in each generation.
    votes: BTreeMap<(NodeId, usize, u64), NodeId>,
}

impl Leaders {
    /// A node was started, or a fault happened.
    pub(super) fn happened(&mut self, event: &Event) {
        self.lives.add(event);
        self.joins.add(event);
    }

    /// A node, or its log, told something.
    pub(super) fn observed(&mut self, event: &Event) -> Option<Alarm> {
        let group = self.groups.entry(event.observation()?.group.clone()).or_default();
        evidence::observed(event).find_map(|seen| group.add(&seen, self.joins.before(&seen)))
    }

    /// An operation ended, which may tell who led, where nodes are in one group without a name.
    pub(super) fn acknowledged(&mut self, operation: &Operation) -> Option<Alarm> {
        let seen = evidence::acknowledged(operation, &self.lives)?;
        self.groups.entry(None).or_default().add(&seen, self.joins.before(&seen))
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let groups: usize = self.groups.values().map(Group::bytes).sum();
        groups + self.lives.bytes() + self.joins.bytes()
    }
}

impl Group {
    /// Adds what is told of a node that had joined anew so often.
    fn add(&mut self, seen: &Evidence, joined: usize) -> Option<Alarm> {
        let second = seen.proves_leading().is_some_and(|generation| {
            *self.reigns.entry(generation).or_insert(seen.node) != seen.node
        });
        let back = self.steps.entry((seen.node, joined)).or_default().add(seen).is_some();
        let twice = seen.proves_vote().is_some_and(|(generation, candidate)| {
            *self.votes.entry((seen.node, joined, generation)).or_insert(candidate) != candidate
        });
        let alarm =
            Alarm { check: leadership::ID, object: None, index: seen.index, time: seen.time };
        (second || back || twice).then_some(alarm)
    }

    /// How much memory it takes. Nodes of a B-tree are at least half full.
    fn bytes(&self) -> usize {
        let steps: usize = self.steps.values().map(Steps::bytes).sum();
        let votes = size_of::<(NodeId, usize, u64, NodeId)>() * self.votes.len();
        let reigns = size_of::<(u64, NodeId)>() * self.reigns.len();
        2 * (reigns + votes) + steps
    }
}
