//! The blocks of one register, or of one guarded resource under one token, while they grow, and
//! which of them can be forgotten.
//!
//! A *block* is a contiguous part of every legal order: a write with the operations that saw its
//! value, continued by compare-and-sets. Of each block only two times count: `f`, the first
//! completion of a member, and `s`, the last invocation of one. Block A must come before block B if
//! `f(A) < s(B)`; there is a legal order unless two blocks would each have to come before the other
//! (the proof stands at the offline sweep of registers). What happens inside a block is not the
//! business of this file.
//!
//! Completions come in the order of time, and that makes it easy. A block begins with the first
//! completion of a member, so its `f` is settled for good and no `s` is later: a new block crosses
//! none. Only when `s` of a block B grows to that of a member that has just completed can B cross
//! another block A: if `f(A) < s(B)` and `f(B) < s(A)`. Such an A is one of two:
//!
//! - *forward* (`f < s`): forward blocks that do not cross do not overlap, so that of those with
//!   `f(A) < s(B)` the last has the largest `s`, and it alone is looked at;
//! - or its `f` lies inside B, between `f(B)` and `s(B)`. Up to the former `s(B)` these were looked
//!   at when `s(B)` or theirs grew. One that does not cross B has `s(A) ≤ f(B) < f(A)`: it
//!   completed an operation that was open at `f(B)`, so there are never more of them than clients.
//!
//! Two blocks become one when a swap is answered that was seen before: only then is known what it
//! replaced. The one block has the smaller `f` and the larger `s` of the two, so all blocks with
//! their `f` inside it are looked at, and the last forward one before its `s`.
//!
//! # Forgetting
//!
//! Let O be the invocation of the oldest operation that is still open (the end of time if none is):
//! whatever completes from now on was invoked at O or later. Let H be, of the blocks with
//! `f(H) < O`, the one with the largest `s`. Then every other block B with `f(B) < s(H)` can be
//! forgotten:
//!
//! - *Nothing can join B any more.* B must come before H. A later completion of a member of B was
//!   invoked after `f(H)`, so H would have to come before B as well: an anomaly. Whoever sees the
//!   value of B from now on is refuted without B being known.
//! - *Nothing can cross B any more*, for its `s` is settled. A block C that stays has either
//!   `f(C) ≥ s(H)`, or it is H. If `f(B) < O` then `s(B) ≤ s(H) ≤ f(C)` by the choice of H. Else
//!   `f(H) < O ≤ f(B) < s(H)`, and because B and H do not cross `s(B) ≤ f(H) < s(H) ≤ f(C)`. Either
//!   way C never has to come before B. Nor has H: `f(B) < s(H)`, and they do not cross. Blocks that
//!   begin later have a later `f` than any `s` of now. If C is joined with H, then `s(B)` is at most
//!   either `f`.
//! - *Nothing that is joined with B is missed.* A swap that found the value of B is a member of it,
//!   and completes now. One whose value is that of B is a member that is still open, so that
//!   `s(B) ≥ O > f(H)`: B would have crossed H.
//!
//! Counterexample to forgetting earlier, as soon as `f(B) < s(H)`: write 1, and while a slow read
//! is open write 2; the read may still answer 1.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Nanos;

/// A time, one later than the clock says, so that 0 is before all time.
pub(super) type Tick = u64;

/// One later than the clock says.
pub(super) fn tick(time: Nanos) -> Tick {
    time.saturating_add(1)
}

/// A block: its `f`, and the index of the completion that it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Id {
    pub(super) f: Tick,
    pub(super) index: u64,
}

impl Id {
    /// Before every block with this `f`, after every one with an earlier `f`.
    fn at(f: Tick) -> Self {
        Self { f, index: 0 }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Block<H> {
    s: Tick,
    /// The first value of its chain that is not forgotten.
    pub(super) head: H,
}

/// The blocks that are not forgotten.
#[derive(Debug, Clone)]
pub(super) struct Blocks<H> {
    all: BTreeMap<Id, Block<H>>,
    /// Those with `f < s`.
    forward: BTreeSet<Id>,
}

impl<H: Default> Default for Blocks<H> {
    /// The initial state is a block that ended before time began.
    fn default() -> Self {
        let initial = (Id::default(), Block::default());
        Self { all: BTreeMap::from([initial]), forward: BTreeSet::new() }
    }
}

impl<H> Blocks<H> {
    /// A block begins with `head`, which was invoked at `start`. It crosses none.
    pub(super) fn begin(&mut self, id: Id, start: Tick, head: H) {
        self.all.insert(id, Block { s: start, head });
    }

    /// A member of `id` that was invoked at `start` is known now; whether the block crosses another.
    #[must_use]
    pub(super) fn extend(&mut self, id: Id, start: Tick) -> bool {
        let Some(block) = self.all.get_mut(&id) else { return false };
        let before = block.s;
        if start <= before {
            return false;
        }
        block.s = start;
        if id.f < start {
            self.forward.insert(id);
        }
        self.crosses(id, before.max(id.f)..start)
    }

    /// What were two blocks is known to be one now, in which what `first` begins with stands first;
    /// the block, and whether it crosses another.
    #[must_use]
    pub(super) fn join(&mut self, first: Id, second: Id) -> (Id, bool) {
        let taken = [first, second].map(|id| {
            self.forward.remove(&id);
            self.all.remove(&id)
        });
        let (id, [Some(block), Some(other)]) = (first.min(second), taken) else {
            return (first, false);
        };
        let s = block.s.max(other.s);
        self.all.insert(id, Block { s, head: block.head });
        if id.f < s {
            self.forward.insert(id);
        }
        (id, self.crosses(id, id.f..s))
    }

    /// Since when something of the block `id` was invoked last.
    pub(super) fn last_invoked(&self, id: Id) -> Tick {
        self.all.get(&id).map_or(0, |block| block.s)
    }

    /// Whether the block `id` crosses a forward one, or one that begins `inside` it.
    fn crosses(&self, id: Id, inside: std::ops::Range<Tick>) -> bool {
        let s = self.last_invoked(id);
        let crosses = |other: &Id| *other != id && self.all[other].s > id.f;
        let mut earlier = self.forward.range(..Id::at(s)).rev().filter(|other| **other != id);
        earlier.next().is_some_and(crosses)
            || (!inside.is_empty()
                && self
                    .all
                    .range(Id::at(inside.start)..Id::at(inside.end))
                    .any(|(other, _)| crosses(other)))
    }

    /// Forgets every block that cannot matter any more, where nothing that is still open was
    /// invoked before `oldest`; their heads.
    pub(super) fn forget(&mut self, oldest: Tick) -> Vec<H> {
        let ended = self.all.range(..Id::at(oldest));
        let Some((&newest, block)) = ended.max_by_key(|(_, block)| block.s) else {
            return Vec::new();
        };
        let over = self.all.range(..Id::at(block.s)).map(|(id, _)| *id);
        let over: Vec<Id> = over.filter(|id| *id != newest).collect();
        let forgotten = over.iter().filter_map(|id| {
            self.forward.remove(id);
            self.all.remove(id)
        });
        forgotten.map(|block| block.head).collect()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Block<H>> {
        self.all.values_mut()
    }

    /// How much memory they take. Nodes of a B-tree are at least half full.
    pub(super) fn bytes(&self) -> usize {
        let each = size_of::<(Id, Block<H>)>() * self.all.len();
        2 * (each + size_of::<Id>() * self.forward.len())
    }
}
