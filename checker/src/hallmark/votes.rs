//! How votes came to be given twice, as the history shows it.
//!
//! It takes each pair of contradicting votes for itself, and asks what the voter told in between. It
//! names no fault: a fault that happened between two votes need not be why the first was forgotten.

use std::collections::BTreeMap;

use crate::event::NodeId;
use crate::leadership::evidence::Evidence;

/// What the voter of a double vote had forgotten when it voted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Forgot {
    /// Nothing: it was not restarted in between, or a vote of another node shows that it takes no
    /// restart.
    Nothing,
    /// Its vote, as far as is known.
    Vote,
    /// Its generation, too: it was in a lower one in between.
    Generation,
    /// Everything: it began anew.
    Everything,
}

impl Forgot {
    /// What is characteristic of it; none where the vote is all that is known to be forgotten.
    pub(super) fn words(self) -> Option<&'static str> {
        match self {
            Self::Nothing | Self::Vote => None,
            Self::Generation => Some("with the voter's last generation forgotten"),
            Self::Everything => Some("with every generation forgotten"),
        }
    }
}

/// Two votes of one node in one generation for different candidates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Twice<'a> {
    pub(super) first: &'a Evidence,
    pub(super) second: &'a Evidence,
    pub(super) forgot: Forgot,
}

/// All votes that nodes were proven to give, in order, by voter and generation.
#[derive(Debug, Default)]
pub(super) struct Votes<'a> {
    given: BTreeMap<(NodeId, u64), Vec<&'a Evidence>>,
    /// What nodes told of their generation.
    told: BTreeMap<NodeId, Vec<&'a Evidence>>,
    /// Whether some node voted twice in one of its lives.
    while_running: bool,
}

impl<'a> Votes<'a> {
    pub(super) fn of(evidence: &'a [Evidence]) -> Self {
        let mut votes = Self::default();
        for piece in
            evidence.iter().filter(|piece| piece.grade.proves() && piece.incarnation.is_some())
        {
            votes.told.entry(piece.node).or_default().push(piece);
            if let Some((generation, _)) = piece.proves_vote() {
                votes.given.entry((piece.node, generation)).or_default().push(piece);
            }
        }
        let twice_in_one_life = |all: &Vec<&Evidence>| {
            all.iter().enumerate().any(|(place, piece)| {
                let before = all[..place].iter();
                before.rev().any(|other| {
                    other.voted != piece.voted && other.incarnation == piece.incarnation
                })
            })
        };
        votes.while_running = votes.given.values().any(twice_in_one_life);
        votes
    }

    /// Whether the history shows any vote.
    pub(super) fn are_visible(&self) -> bool {
        !self.given.is_empty()
    }

    /// The double vote in `generation` whose voter, one of those that `counts` accepts, had
    /// forgotten most.
    pub(super) fn twice(
        &self,
        generation: u64,
        counts: impl Fn(NodeId) -> bool,
    ) -> Option<Twice<'a>> {
        let all = self.given.iter().filter(|((voter, of), _)| *of == generation && counts(*voter));
        let twice = all.filter_map(|(_, votes)| {
            let first = votes.first()?;
            let second = votes.iter().find(|vote| vote.voted != first.voted)?;
            Some(Twice { first, second, forgot: self.forgot(first, second) })
        });
        twice.max_by_key(|twice| (twice.forgot, std::cmp::Reverse(twice.first.node)))
    }

    fn forgot(&self, first: &Evidence, second: &Evidence) -> Forgot {
        if self.while_running {
            return Forgot::Nothing;
        }
        let told = self.told.get(&first.node).into_iter().flatten();
        let between = told.filter(|piece| first.time < piece.since && piece.time < second.since);
        match (between.filter_map(|piece| piece.generation).min(), first.generation) {
            (Some(0), _) => Forgot::Everything,
            (Some(least), Some(voted)) if least < voted => Forgot::Generation,
            _ => Forgot::Vote,
        }
    }
}
