//! The general decision: just-in-time linearization over a frontier of configurations.
//!
//! Walks the invocations and completions in the order of time. An operation takes effect at the
//! latest when it completes; what else must have happened before is tried only then (Lowe,
//! “Testing for linearizability”, 2016). What the frontier does not grow by: dominated uses of
//! indeterminate operations, permutations of equal operations, reads, and indeterminate operations
//! that nothing rests on any more. Finding the words for a refutation is not done here.

use std::collections::BTreeMap;

use super::call::Call;
use super::frontier::{Configuration, Frontier, Slots, Usages};
use super::moments::{Moment, moments};
use super::space::{Deed, Space, State};
use crate::budget::Budget;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::models::Model;

/// The most definite operations on one object that may be open at once: the bits of [`Slots`].
pub(crate) const OPEN_LIMIT: usize = Slots::BITS as usize;

/// How many times its width a narrow pass may try before it keeps what it has.
const DEPTH: usize = 16;

/// How many configurations are tried between two looks at the budget.
const STRIDE: u32 = 512;

/// When the counts of usage are worth rebuilding.
const COMPACT_FROM: usize = 1 << 16;

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A legal order exists.
    Legal,
    /// No legal order exists, and this is the earliest completion that shows it.
    Refuted { at: Nanos },
    /// The search gave up; everything that completed before `at` was verified.
    GaveUp { at: Nanos, completed: usize, why: GaveUp },
}

/// Why a search gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// The budget of bytes is used up.
    Bytes,
    /// The time is up.
    Time,
    /// More than [`OPEN_LIMIT`] operations were open at once.
    Open,
    /// No search was asked for, and the near-linear check cannot tell.
    Ambiguous,
}

impl Found {
    /// Whether a legal order exists; none if the search gave up.
    pub(crate) fn answer(self) -> Option<bool> {
        match self {
            Self::Legal => Some(true),
            Self::Refuted { .. } => Some(false),
            Self::GaveUp { .. } => None,
        }
    }
}

/// How many configurations the first passes keep. A narrow pass that comes to the end has found a
/// legal order; one that does not has shown nothing, and a wider one follows. The last keeps all.
const WIDTHS: [usize; 4] = [32, 512, 8_192, usize::MAX];

/// Decides whether `calls` have a legal order, within `budget`.
pub(crate) fn search<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    budget: &Budget<'_>,
) -> Found {
    let mut verified = (0, 0);
    for width in WIDTHS {
        match pass::<M>(calls, budget, width) {
            (Found::GaveUp { at, completed, why }, _) => {
                // What a narrow pass came through was legal, even where a wide one came less far.
                let (completed, at) = verified.max((completed, at));
                return Found::GaveUp { at, completed, why };
            }
            (Found::Refuted { at }, Pass { narrowed: true, completed }) => {
                verified = verified.max((completed, at));
            }
            (found, _) => return found,
        }
    }
    Found::GaveUp { at: verified.1, completed: verified.0, why: GaveUp::Bytes }
}

/// What is known after one pass.
struct Pass {
    /// Whether configurations were left out, so that “none is left” shows nothing.
    narrowed: bool,
    /// How many completions it came through.
    completed: usize,
}

/// Walks through `calls` once, keeping at most `width` configurations.
fn pass<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    budget: &Budget<'_>,
    width: usize,
) -> (Found, Pass) {
    let mut space = Space::<M>::new();
    let deeds: Vec<Deed> = calls.iter().map(|call| space.deed(call)).collect();
    let moments = moments(calls, &deeds, &space);
    let mut search = Search::new(calls, &deeds, space, (*budget, width));
    let mut completed = 0;
    for moment in moments {
        let found = match search.moment(moment) {
            Err(why) => Some(Found::GaveUp { at: moment.time(), completed, why }),
            Ok(()) => search.frontier.is_empty().then_some(Found::Refuted { at: moment.time() }),
        };
        if let Some(found) = found {
            return (found, Pass { narrowed: search.narrowed, completed });
        }
        completed += usize::from(matches!(moment, Moment::Complete { .. }));
    }
    (Found::Legal, Pass { narrowed: search.narrowed, completed })
}

struct Search<'a, M: Model> {
    calls: &'a [Call<'a, M::Op, M::Outcome>],
    deeds: &'a [Deed],
    space: Space<'a, M>,
    budget: Budget<'a>,
    /// How many configurations are kept.
    width: usize,
    /// Whether some were not.
    narrowed: bool,
    /// Configurations tried until the next look at the budget.
    until_look: u32,
    frontier: Frontier,
    usages: Usages,
    /// The call in each slot.
    slots: Vec<Option<usize>>,
    /// Open definite operations that change the state, per deed: the earliest completion first.
    open: BTreeMap<Deed, Vec<usize>>,
    /// Slots of open operations that change nothing.
    observers: Vec<usize>,
    /// Which of [`Self::observers`] agree with a state.
    agreeing: Map<State, Slots>,
    /// Indeterminate operations invoked so far that something may still rest on.
    indeterminate: BTreeMap<Deed, u32>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(
        calls: &'a [Call<'a, M::Op, M::Outcome>],
        deeds: &'a [Deed],
        space: Space<'a, M>,
        (budget, width): (Budget<'a>, usize),
    ) -> Self {
        let (mut frontier, usages) = (Frontier::default(), Usages::new());
        frontier.insert(Configuration { state: 0, done: 0, used: 0 }, &usages);
        Self {
            calls,
            deeds,
            space,
            budget,
            width,
            narrowed: false,
            until_look: 0,
            frontier,
            usages,
            slots: vec![None; OPEN_LIMIT],
            open: BTreeMap::new(),
            observers: Vec::new(),
            agreeing: Map::default(),
            indeterminate: BTreeMap::new(),
        }
    }

    fn moment(&mut self, moment: Moment) -> Result<(), GaveUp> {
        match moment {
            Moment::Invoke { call, .. } if self.calls[call].end.is_none() => {
                *self.indeterminate.entry(self.deeds[call]).or_default() += 1;
                Ok(())
            }
            Moment::Invoke { call, .. } => self.invoke(call),
            Moment::Complete { call, .. } => self.complete(call),
            Moment::Forget { deed, .. } => {
                self.indeterminate.remove(&deed);
                self.compact(Some(deed));
                Ok(())
            }
        }
    }

    /// Gives an operation a slot. If it changes nothing it takes effect at once where it can:
    /// later it could do no more good.
    fn invoke(&mut self, call: usize) -> Result<(), GaveUp> {
        let slot = self.slots.iter().position(Option::is_none).ok_or(GaveUp::Open)?;
        self.slots[slot] = Some(call);
        let deed = self.deeds[call];
        if !self.space.observes(deed) {
            let open = self.open.entry(deed).or_default();
            let end = |slot: usize| self.slots[slot].map(|call| (self.calls[call].end, call));
            let place = open.partition_point(|other| end(*other) < end(slot));
            open.insert(place, slot);
            return Ok(());
        }
        self.observers.push(slot);
        self.agreeing.clear();
        let mut next = Frontier::default();
        for mut configuration in self.frontier.iter() {
            if self.space.step(configuration.state, deed).is_some() {
                configuration.done |= bit(slot);
            }
            next.insert(configuration, &self.usages);
        }
        self.frontier = next;
        self.look(&Frontier::default(), &Frontier::default())
    }

    /// Keeps what is left of the frontier once `call` has taken effect, and frees its slot.
    fn complete(&mut self, call: usize) -> Result<(), GaveUp> {
        let Some(slot) = self.slots.iter().position(|open| *open == Some(call)) else {
            return Ok(());
        };
        self.frontier = self.with_done(slot)?;
        if self.frontier.len() > self.width {
            self.frontier = self.frontier.narrowed(self.width, &self.usages);
            self.narrowed = true;
        }
        self.slots[slot] = None;
        if let Some(open) = self.open.get_mut(&self.deeds[call]) {
            open.retain(|other| *other != slot);
        }
        self.observers.retain(|other| *other != slot);
        self.agreeing.clear();
        if self.usages.bytes() > COMPACT_FROM.max(8 * self.frontier.bytes()) {
            self.compact(None);
        }
        Ok(())
    }

    /// Every configuration that can be reached in which `slot` has taken effect; its bit is cleared.
    fn with_done(&mut self, slot: usize) -> Result<Frontier, GaveUp> {
        let (mut reached, mut seen) = (Frontier::default(), Frontier::default());
        let mut layer = Vec::new();
        for configuration in self.frontier.iter() {
            if configuration.done & bit(slot) != 0 {
                reached.insert(without(configuration, slot), &self.usages);
            } else {
                seen.insert(configuration, &self.usages);
                layer.push(configuration);
            }
        }
        // Layer by layer, so that what used less is there first and dominates.
        while !layer.is_empty() {
            let tried = seen.len() / DEPTH >= self.width && !reached.is_empty();
            if tried || reached.len() >= self.width {
                self.narrowed = true;
                break;
            }
            let mut later = Vec::new();
            for configuration in layer {
                self.look(&reached, &seen)?;
                for next in self.moves(configuration) {
                    if next.done & bit(slot) != 0 {
                        reached.insert(without(next, slot), &self.usages);
                    } else if seen.insert(next, &self.usages) {
                        later.push(next);
                    }
                }
            }
            layer = later;
        }
        Ok(reached)
    }

    /// Every configuration one step after `from`.
    ///
    /// Of equal definite operations the one that completes first goes first. Nothing is lost: if a
    /// legal order has them the other way round, both were invoked by then, and exchanging them
    /// keeps it legal. (Not so for one that is invoked later: it may complete before those that
    /// took effect already, which is why slots are kept and not only counts.)
    fn moves(&mut self, from: Configuration) -> Vec<Configuration> {
        let mut found = Vec::new();
        for (deed, slots) in &self.open {
            let first = slots.iter().find(|slot| from.done & bit(**slot) == 0);
            if let Some(slot) = first
                && let Some(state) = self.space.step(from.state, *deed)
            {
                found.push(Configuration { state, done: from.done | bit(*slot), used: from.used });
            }
        }
        for (deed, invoked) in &self.indeterminate {
            if self.usages.count(from.used, *deed) < *invoked
                && let Some(state) = self.space.step(from.state, *deed)
                && state != from.state
            {
                let used = self.usages.one_more(from.used, *deed);
                found.push(Configuration { state, done: from.done, used });
            }
        }
        for next in &mut found {
            next.done |= self.agreeing_with(next.state);
        }
        found
    }

    /// The open operations that change nothing and agree with `state`.
    fn agreeing_with(&mut self, state: State) -> Slots {
        if let Some(known) = self.agreeing.get(&state) {
            return *known;
        }
        let mut agreeing = 0;
        for slot in &self.observers {
            if let Some(call) = self.slots[*slot]
                && self.space.step(state, self.deeds[call]).is_some()
            {
                agreeing |= bit(*slot);
            }
        }
        self.agreeing.insert(state, agreeing);
        agreeing
    }

    fn compact(&mut self, gone: Option<Deed>) {
        (self.frontier, self.usages) = self.frontier.compacted(&self.usages, gone);
    }

    /// Asks, every now and then, whether the budget still holds.
    fn look(&mut self, reached: &Frontier, seen: &Frontier) -> Result<(), GaveUp> {
        if self.until_look > 0 {
            self.until_look -= 1;
            return Ok(());
        }
        self.until_look = STRIDE;
        let tables = [&self.frontier, reached, seen].map(Frontier::bytes).iter().sum::<usize>();
        if tables + self.usages.bytes() + self.space.bytes() > self.budget.bytes {
            return Err(GaveUp::Bytes);
        }
        if self.budget.expired() { Err(GaveUp::Time) } else { Ok(()) }
    }
}

fn bit(slot: usize) -> Slots {
    1 << slot
}

fn without(configuration: Configuration, slot: usize) -> Configuration {
    Configuration { done: configuration.done & !bit(slot), ..configuration }
}
