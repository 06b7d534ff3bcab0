//! What can be reached from some configurations before an operation ends.
//!
//! Both searches take this step, the frontier from all its configurations at once and the
//! depth-first search from one. It alone asks whether the budget still holds.

use super::configuration::Configuration;
use super::frontier::Frontier;
use super::open_operations::OpenOperations;
use super::question::GaveUp;
use super::slots::Slot;
use super::space::OpClass;
use super::usages::Usages;
use crate::budget::Budget;

/// How many configurations are expanded, and found, between two looks at the budget. A single one
/// may have as many neighbours as there are open operations, and each may be a state of its own.
const STRIDE: u32 = 256;

/// The open operations of a moment, with what it takes to look for configurations in it.
pub(crate) struct Reach<'s, const W: usize> {
    pub(crate) open: OpenOperations<'s, W>,
    budget: Budget<'s>,
    /// Bytes held elsewhere.
    pub(crate) elsewhere: usize,
    until_look: u32,
    /// How many configurations were expanded.
    pub(crate) expanded: u64,
    seen: Frontier<W>,
    moves: Vec<Configuration<W>>,
}

/// When to stop although more could be reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// This many were reached.
    pub(crate) reached: usize,
    /// This many were tried.
    pub(crate) tried: usize,
}

impl Limit {
    pub(crate) const NONE: Self = Self { reached: usize::MAX, tried: usize::MAX };
}

impl<'s, const W: usize> Reach<'s, W> {
    pub(crate) fn new(open: OpenOperations<'s, W>, budget: Budget<'s>, elsewhere: usize) -> Self {
        let (seen, moves) = (Frontier::new(), Vec::new());
        Self { open, budget, elsewhere, until_look: 0, expanded: 0, seen, moves }
    }

    /// Fills `reached` with every configuration that can be reached from some of `from` and in
    /// which the operation in `ending` has taken effect; it is taken out of them. The open stands
    /// before its end. Those that take the fewest operations come first. Whether that was all.
    pub(crate) fn past(
        &mut self,
        ending: (Slot, OpClass),
        from: impl Iterator<Item = Configuration<W>>,
        limit: Limit,
        reached: &mut Frontier<W>,
    ) -> Result<bool, GaveUp> {
        let all = self.search(ending.0, from, limit, reached);
        // Only now: while they are compared, what has ended must not look as if it were waiting.
        reached.change(|configuration| self.open.ended(configuration, ending));
        all
    }

    fn search(
        &mut self,
        slot: Slot,
        from: impl Iterator<Item = Configuration<W>>,
        limit: Limit,
        reached: &mut Frontier<W>,
    ) -> Result<bool, GaveUp> {
        self.seen.clear();
        reached.clear();
        for configuration in from {
            let into = if configuration.done.has(slot) { &mut *reached } else { &mut self.seen };
            into.insert(configuration, &self.open);
        }
        let mut place = 0;
        while place < self.seen.added() {
            if reached.len() >= limit.reached || self.seen.added() >= limit.tried {
                return Ok(false);
            }
            if let Some(from) = self.seen.get(place) {
                self.look(reached.bytes())?;
                self.expand(&from, slot, reached);
            }
            place += 1;
        }
        Ok(true)
    }

    fn expand(&mut self, from: &Configuration<W>, slot: Slot, reached: &mut Frontier<W>) {
        self.expanded += 1;
        self.moves.clear();
        self.open.moves(from, &mut self.moves);
        self.until_look = self.until_look.saturating_sub(self.moves.len() as u32);
        for next in &self.moves {
            let into = if next.done.has(slot) { &mut *reached } else { &mut self.seen };
            into.insert(*next, &self.open);
        }
    }

    /// Asks, every now and then, whether the budget still holds.
    pub(crate) fn look(&mut self, more: usize) -> Result<(), GaveUp> {
        if self.until_look > 0 {
            self.until_look -= 1;
            return Ok(());
        }
        self.until_look = STRIDE;
        if self.elsewhere + self.bytes() + more > self.budget.bytes {
            return Err(GaveUp::Bytes);
        }
        if self.budget.expired() { Err(GaveUp::Time) } else { Ok(()) }
    }

    /// Frees the tables that grow.
    pub(crate) fn release(&mut self) {
        self.open.usages = Usages::new();
        (self.seen, self.moves) = (Frontier::new(), Vec::new());
    }

    /// The bytes of its tables.
    pub(crate) fn bytes(&self) -> usize {
        let moves = self.moves.capacity() * size_of::<Configuration<W>>();
        self.open.bytes() + self.seen.bytes() + moves
    }
}
