//! Two sides that take turns, acquires and releases, put in order while they go on.
//!
//! A call takes effect as late as possible: when it completes, and if it is not its turn, one of the
//! other side goes before it. Of several, that which completes first goes, and an indeterminate one
//! only where there is no other.
//!
//! *Why nothing is lost.* Take a legal order that begins as far as this one went, and let X be the
//! call that has to take effect now. If the order takes some pairs of the two sides before X, they
//! may as well follow X, in the other order: the state in between is the other one, the state at
//! the end is the same, and all of them are open still. That leaves X, or one call of the other side
//! and X. Which one it is does not matter to the state; exchanging it with the one that completes
//! first leaves the other open for longer, and an indeterminate one need not go at all.
//!
//! *Debts.* Which one completes first shows only later, so it stays a debt: at this instant one of
//! the other side took effect. The next of that side to complete pays the first debt at whose
//! instant it was open, and then has had its turn. So the debts are paid by those that complete
//! first, and those that are never paid so are paid by indeterminate calls, of which any will do.
//!
//! There must be a call of its own for each debt that was invoked by then. When a debt is made that
//! is a matter of counting, as everything that is open was invoked by now. When a call fails it
//! turns out that it paid none, and what is left is looked at again: every debt needs as many calls
//! that were invoked by its instant as there are debts up to it (Hall).
//!
//! *Certainly held.* If it is held and nothing is left that could give it back, it was held at every
//! instant since the last acquire took effect: another acquire at one of them would have needed a
//! release, and those that had been invoked by then were spent by then.
//!
//! # Forgetting
//!
//! Nothing is kept of what completed. A debt that nothing open can pay is paid by a call that nobody
//! saw the end of. Of such calls a number is kept, and of those that began after a debt, when they
//! did. So what stays is what is open, and what happened since the oldest of it was invoked.

use std::collections::{BTreeSet, VecDeque};

use crate::event::Nanos;
use crate::linearizability::monitor::open::Open;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Stop};

/// The calls of one side that may take effect, or had to already.
#[derive(Debug, Clone, Default)]
struct Side {
    open: Open,
    /// How many nobody saw the end of, that were invoked before every debt …
    spare: usize,
    /// … and of those that were not, when.
    unseen: BTreeSet<(Nanos, u64)>,
    /// When one of them took effect, nobody knows which.
    debts: VecDeque<Nanos>,
}

impl Side {
    /// Whether one more of them can take effect.
    fn is_spare(&self) -> bool {
        self.open.len() + self.spare + self.unseen.len() > self.debts.len()
    }

    /// One of them took effect by `now`.
    fn owe(&mut self, now: Nanos) -> Result<(), Stop> {
        if !self.is_spare() {
            return Err(Stop::Refuted);
        }
        self.debts.push_back(now);
        Ok(())
    }

    /// Whether one that was invoked at `start` and completes has taken effect already.
    fn pays(&mut self, start: Nanos) -> bool {
        let place = self.debts.partition_point(|debt| *debt < start);
        self.debts.remove(place).is_some()
    }

    /// Whether there is a call for every debt.
    fn is_solvent(&self) -> bool {
        let by = |time: Nanos| {
            let open = self.open.starts().take_while(|start| *start <= time).count();
            open + self.spare + self.unseen.range(..=(time, u64::MAX)).count()
        };
        self.debts.iter().zip(1..).all(|(debt, rank)| by(*debt) >= rank)
    }

    /// Forgets what cannot matter any more.
    fn forget(&mut self) {
        loop {
            let first = self.debts.front().copied().unwrap_or(Nanos::MAX);
            while self.unseen.first().is_some_and(|(start, _)| *start <= first) {
                self.unseen.pop_first();
                self.spare += 1;
            }
            if self.spare == 0 || self.debts.is_empty() || self.open.oldest() <= first {
                return;
            }
            self.spare -= 1;
            self.debts.pop_front();
        }
    }

    fn is_idle(&self) -> bool {
        self.open.len() + self.spare + self.unseen.len() + self.debts.len() == 0
    }

    /// When the first of them was invoked that may still take effect.
    fn first(&self) -> Nanos {
        let unseen = self.unseen.first().map_or(Nanos::MAX, |(start, _)| *start);
        if self.spare > 0 { 0 } else { self.open.oldest().min(unseen) }
    }

    fn bytes(&self) -> usize {
        let unseen = 2 * size_of::<(Nanos, u64)>() * self.unseen.len();
        self.open.bytes() + unseen + size_of::<Nanos>() * self.debts.capacity()
    }
}

/// The order so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alternation {
    held: bool,
    /// When an acquire took effect last.
    since: Nanos,
    acquires: Side,
    releases: Side,
}

impl Alternation {
    fn side(&mut self, acquires: bool) -> &mut Side {
        if acquires { &mut self.acquires } else { &mut self.releases }
    }

    pub(crate) fn invoke(&mut self, acquires: bool, invocation: Invocation<'_>) {
        self.side(acquires).open.begin(invocation);
    }

    /// A call ended; it is refuted if there is no legal order any more.
    pub(crate) fn complete(&mut self, acquires: bool, ended: &Ended<'_>) -> Result<(), Stop> {
        let start = ended.invocation.start;
        let own = self.side(acquires);
        own.open.end(ended.invocation);
        match ended.how {
            Ending::Unknown => drop(own.unseen.insert((start, ended.invocation.id))),
            Ending::Failed if own.is_solvent() => {}
            Ending::Failed => return Err(Stop::Refuted),
            Ending::Ok(_) if own.pays(start) => {}
            Ending::Ok(_) => {
                if self.held == acquires {
                    self.side(!acquires).owe(ended.end)?;
                }
                self.held = acquires;
                self.since = if acquires { ended.end } else { self.since };
            }
        }
        self.acquires.forget();
        self.releases.forget();
        Ok(())
    }

    /// Since when it has certainly been held without a break; none if it may be free.
    pub(crate) fn held_since(&self) -> Option<Nanos> {
        (self.held && !self.releases.is_spare()).then_some(self.since)
    }

    /// Within which times it has certainly been held: after the one and before the other.
    pub(crate) fn held_within(&self) -> Option<(Nanos, Nanos)> {
        let until = if self.releases.is_spare() { self.releases.first() } else { Nanos::MAX };
        (self.held && self.since < until).then_some((self.since, until))
    }

    /// Whether it is free, and nothing is open or may still land: as it was in the beginning.
    pub(crate) fn is_idle(&self) -> bool {
        !self.held && self.acquires.is_idle() && self.releases.is_idle()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.acquires.bytes() + self.releases.bytes()
    }
}
