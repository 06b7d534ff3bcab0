//! What is open at one moment of a timeline, and what may happen then.
//!
//! It can be moved forwards and backwards, a moment at a time; the frontier only moves
//! forwards, the depth-first search does both. It holds no set of configurations.

use super::configuration::Configuration;
use super::moments::{Moment, Step, Timeline};
use super::slots::{Slot, Slots};
use super::space::{About, OpClass, State, Steps};
use super::usages::Usages;

/// An open definite operation.
#[derive(Debug, Clone, Copy)]
struct Pending {
    /// The moment at which it ends.
    end: u32,
    slot: Slot,
    class: OpClass,
}

/// No class.
const NOBODY: OpClass = OpClass::MAX;

/// One moment of a timeline, with the tables that its configurations refer to.
pub(crate) struct OpenOperations<'s, const W: usize> {
    pub(crate) timeline: &'s Timeline,
    abouts: &'s [About],
    steps: &'s dyn Steps,
    pub(crate) usages: Usages,
    /// The next moment.
    place: usize,
    /// Open definite operations that may change the state, the one that ends first last.
    mutators: Vec<Pending>,
    /// Open definite operations that change nothing and of which no more is known.
    unknown: Vec<Pending>,
    /// All open definite operations that change nothing.
    observers: Slots<W>,
    /// Open operations that change nothing, by class.
    watching: Vec<Slots<W>>,
    /// The class that succeeds in a state and changes nothing, by state.
    readers: Vec<OpClass>,
    /// By slot: the class of the operation in it, and the moment at which it ends.
    holders: Vec<(OpClass, u32)>,
    /// Indeterminate operations invoked so far that something may still rest on, sorted by class.
    maybe: Vec<(OpClass, u32)>,
    /// By class: the last expansion in which it was tried.
    tried: Vec<u32>,
    /// By state: the last expansion in which something needed it.
    wanted: Vec<u32>,
    expansion: u32,
}

impl<'s, const W: usize> OpenOperations<'s, W> {
    pub(crate) fn new(timeline: &'s Timeline, abouts: &'s [About], steps: &'s dyn Steps) -> Self {
        let named = |about: &About| about.known.map(|known| known.needs.max(known.leaves));
        let states = abouts.iter().filter_map(named).flatten().max().map_or(0, |most| most + 1);
        let mut readers = vec![NOBODY; states as usize];
        for (class, about) in (0..).zip(abouts) {
            let needs = about.known.and_then(|known| known.needs);
            if let (true, Some(needs)) = (about.observes, needs) {
                readers[needs as usize] = class;
            }
        }
        Self {
            timeline,
            abouts,
            steps,
            usages: Usages::new(),
            place: 0,
            mutators: Vec::new(),
            unknown: Vec::new(),
            observers: Slots::NONE,
            watching: vec![Slots::NONE; abouts.len()],
            readers,
            holders: vec![(NOBODY, 0); timeline.open],
            maybe: Vec::new(),
            tried: vec![0; abouts.len()],
            wanted: vec![0; states as usize],
            expansion: 0,
        }
    }

    /// The next moment; none at the end.
    pub(crate) fn next(&self) -> Option<Moment> {
        self.timeline.moments.get(self.place).copied()
    }

    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// Moves to `place`, forwards or backwards.
    pub(crate) fn seek(&mut self, place: usize) {
        while self.place < place {
            self.forward();
        }
        while self.place > place {
            self.backward();
        }
    }

    /// Moves past the next moment.
    pub(crate) fn forward(&mut self) {
        let Some(moment) = self.next() else { return };
        self.place += 1;
        match moment.step {
            Step::Begin { slot, class, end } => self.open(Pending { end, slot, class }),
            Step::End { slot, class } => self.close(slot, class),
            Step::Maybe { class } => match self.invoked(class) {
                Ok(place) => self.maybe[place].1 += 1,
                Err(place) => self.maybe.insert(place, (class, 1)),
            },
            Step::Forget { class, .. } => {
                if let Ok(place) = self.invoked(class) {
                    self.maybe.remove(place);
                }
            }
        }
    }

    /// Moves back to before the last moment.
    fn backward(&mut self) {
        self.place -= 1;
        match self.timeline.moments[self.place].step {
            Step::Begin { slot, class, .. } => self.close(slot, class),
            Step::End { slot, class } => {
                let end = self.place as u32;
                self.open(Pending { end, slot, class });
            }
            Step::Maybe { class } => {
                if let Ok(place) = self.invoked(class) {
                    self.maybe[place].1 -= 1;
                    if self.maybe[place].1 == 0 {
                        self.maybe.remove(place);
                    }
                }
            }
            Step::Forget { class, count } => {
                if let Err(place) = self.invoked(class) {
                    self.maybe.insert(place, (class, count));
                }
            }
        }
    }

    fn invoked(&self, class: OpClass) -> Result<usize, usize> {
        self.maybe.binary_search_by_key(&class, |(class, _)| *class)
    }

    fn open(&mut self, pending: Pending) {
        let Pending { end, slot, class } = pending;
        self.holders[usize::from(slot)] = (class, end);
        let About { known, observes } = self.abouts[class as usize];
        if observes {
            self.observers.add(slot);
            self.watching[class as usize].add(slot);
            if known.is_none_or(|known| known.needs.is_none()) {
                self.unknown.push(pending);
            }
        } else {
            let place = self.mutators.partition_point(|other| other.end > end);
            self.mutators.insert(place, pending);
        }
    }

    fn close(&mut self, slot: Slot, class: OpClass) {
        if self.abouts[class as usize].observes {
            self.observers.remove(slot);
            self.watching[class as usize].remove(slot);
            self.unknown.retain(|other| other.slot != slot);
        } else if let Some(place) = self.mutators.iter().rposition(|other| other.slot == slot) {
            self.mutators.remove(place);
        }
    }

    fn step(&self, state: State, class: OpClass) -> Option<State> {
        match self.abouts[class as usize].known {
            Some(known) if known.needs.is_none_or(|needs| needs == state) => {
                Some(known.leaves.unwrap_or(state))
            }
            Some(_) => None,
            None => self.steps.step(state, class),
        }
    }

    /// Lets every open operation take effect that changes nothing and agrees with the state. Later
    /// it could do no more good.
    fn settle(&self, mut configuration: Configuration<W>) -> Configuration<W> {
        let state = configuration.state;
        let reader = self.readers.get(state as usize).filter(|class| **class != NOBODY);
        if let Some(class) = reader {
            configuration.done.add_all(&self.watching[*class as usize]);
        }
        for place in 0..self.unknown.len() {
            let Pending { slot, class, .. } = self.unknown[place];
            if !configuration.done.has(slot) && self.step(state, class).is_some() {
                configuration.done.add(slot);
            }
        }
        configuration
    }

    /// The configuration once the operation in `slot`, which changes nothing, has begun; for the
    /// open operations just past its beginning.
    ///
    /// Of equal operations that wait for their state, only the one that ends first is kept waiting:
    /// where it takes effect, all others that have begun can too.
    pub(crate) fn watched(
        &self,
        mut configuration: Configuration<W>,
        (slot, class): (Slot, OpClass),
    ) -> Configuration<W> {
        if self.step(configuration.state, class).is_some() {
            configuration.done.add(slot);
            return configuration;
        }
        let waiting = self.watching[class as usize].minus(&configuration.done);
        let first = waiting.iter().min_by_key(|slot| self.end(*slot));
        waiting
            .iter()
            .filter(|slot| Some(*slot) != first)
            .for_each(|slot| configuration.done.add(slot));
        configuration
    }

    pub(crate) fn observes(&self, class: OpClass) -> bool {
        self.abouts[class as usize].observes
    }

    fn end(&self, slot: Slot) -> u32 {
        self.holders[usize::from(slot)].1
    }

    /// Adds to `found` every configuration one step after `from`, in the order in which they are
    /// worth trying.
    ///
    /// Of equal definite operations the one that ends first goes first, and indeterminate ones of
    /// the same effect come after them. Nothing is lost: if a legal order has them the other way
    /// round, both were invoked by then, and exchanging them keeps it legal. (Not so for one that
    /// is invoked later: it may end before those that took effect already, which is why slots are
    /// kept and not only counts.)
    ///
    /// An indeterminate operation goes only directly before one that needs the state it leaves.
    /// Nothing is lost: of all legal orders take one that uses the fewest. If what comes next did
    /// not need that state, it would forget it, and the order would be legal without. Exchanging
    /// equal operations, and letting what changes nothing take effect earlier, uses no more.
    pub(crate) fn moves(&mut self, from: &Configuration<W>, found: &mut Vec<Configuration<W>>) {
        self.expansion += 1;
        for place in (0..self.mutators.len()).rev() {
            let Pending { slot, class, .. } = self.mutators[place];
            if from.done.has(slot) || self.tried[class as usize] == self.expansion {
                continue;
            }
            self.tried[class as usize] = self.expansion;
            if let Some(state) = self.fed(from, class) {
                let mut next = Configuration { state, hungry: false, ..*from };
                next.done.add(slot);
                next.tally = next.tally.wrapping_add(weight(class));
                found.push(self.settle(next));
            }
        }
        if !self.maybe.is_empty() {
            let any = self.want(from);
            self.uncertain_moves(from, any, found);
        }
    }

    fn uncertain_moves(
        &mut self,
        from: &Configuration<W>,
        any: bool,
        found: &mut Vec<Configuration<W>>,
    ) {
        for place in 0..self.maybe.len() {
            let (class, invoked) = self.maybe[place];
            let leaves = self.abouts[class as usize].known.and_then(|known| known.leaves);
            let wanted = any || leaves.is_none_or(|state| self.is_wanted(state));
            if !wanted || self.tried[class as usize] == self.expansion {
                continue;
            }
            let next = self.fed(from, class).filter(|state| *state != from.state);
            let Some(state) = next else { continue };
            if self.usages.count(from.used, class) < invoked {
                let used = self.usages.one_more(from.used, class);
                let mut next = self.settle(Configuration { state, used, ..*from });
                next.hungry = leaves.is_some() && next.done == from.done;
                found.push(next);
            }
        }
    }

    /// The state after `class`; none if the model refuses, or if it would forget a state for which
    /// an indeterminate operation was used.
    fn fed(&self, from: &Configuration<W>, class: OpClass) -> Option<State> {
        let forgets = self.abouts[class as usize].known.is_some_and(|known| known.needs.is_none());
        if from.hungry && forgets { None } else { self.step(from.state, class) }
    }

    fn is_wanted(&self, state: State) -> bool {
        self.wanted.get(state as usize) == Some(&self.expansion)
    }

    /// Marks every state that an open operation needs that has not taken effect in `from`, or an
    /// indeterminate one that leaves such a state. Whether any state may be needed.
    fn want(&mut self, from: &Configuration<W>) -> bool {
        let left = |pending: &&Pending| !from.done.has(pending.slot);
        if self.unknown.iter().any(|pending| left(&pending)) {
            return true;
        }
        for pending in self.mutators.iter().filter(left) {
            let Some(known) = self.abouts[pending.class as usize].known else { return true };
            mark(&mut self.wanted, known.needs, self.expansion);
        }
        for slot in self.observers.minus(&from.done).iter() {
            let known = self.abouts[self.holders[usize::from(slot)].0 as usize].known;
            mark(&mut self.wanted, known.and_then(|known| known.needs), self.expansion);
        }
        // As often as there are states, at most: every round but the last marks one more.
        loop {
            let mut more = false;
            for (class, _) in &self.maybe {
                let Some(known) = self.abouts[*class as usize].known else { return true };
                if known.leaves.is_some_and(|state| self.wanted[state as usize] == self.expansion) {
                    more |= mark(&mut self.wanted, known.needs, self.expansion);
                }
            }
            if !more {
                return false;
            }
        }
    }

    /// `configuration` without the operation in `slot`, which has taken effect and ended.
    pub(crate) fn ended(
        &self,
        mut configuration: Configuration<W>,
        (slot, class): (Slot, OpClass),
    ) -> Configuration<W> {
        configuration.done.remove(slot);
        if !self.observes(class) {
            configuration.tally = configuration.tally.wrapping_sub(weight(class));
        }
        configuration
    }

    /// Whether `first` can do whatever `second`, at the same moment, can do.
    ///
    /// The states must be equal, and of every indeterminate operation `first` must have used no more.
    /// *Definite operations that change the state*: both have as many of each class left, and when
    /// those are sorted by their ends, each of `first` ends no earlier than its counterpart. Then
    /// take any legal continuation of `second` and let the counterparts take the places of its own:
    /// all of them were invoked by now, they do the same, and none is later than it may be. Put
    /// into sets: among those that end by any given time, `first` has as many done as `second`.
    /// *Definite operations that change nothing*: whatever `first` waits for, `second` waits for by
    /// an equal operation that ends no later; it will visit that state in time for both.
    pub(crate) fn dominates(&self, first: &Configuration<W>, second: &Configuration<W>) -> bool {
        let comparable = first.state == second.state && first.tally == second.tally;
        if !comparable || (first.hungry && !second.hungry) {
            return false;
        }
        if !self.usages.within(first.used, second.used) {
            return false;
        }
        first.done == second.done
            || (self.waits_less(first, second) && self.ends_later(first, second))
    }

    fn waits_less(&self, first: &Configuration<W>, second: &Configuration<W>) -> bool {
        let waiting = self.observers.minus(&first.done);
        waiting.and(&second.done).iter().all(|slot| {
            let (class, end) = self.holders[usize::from(slot)];
            let same = self.watching[class as usize].minus(&second.done);
            same.iter().any(|slot| self.end(slot) <= end)
        })
    }

    fn ends_later(&self, first: &Configuration<W>, second: &Configuration<W>) -> bool {
        let more = first.done.minus(&second.done).minus(&self.observers);
        let less = second.done.minus(&first.done).minus(&self.observers);
        // Of one class, how many are done by those that end by some time.
        let by = |slots: &Slots<W>, class: OpClass, end: u32| {
            let among = |slot: &Slot| {
                let held = self.holders[usize::from(*slot)];
                held.0 == class && held.1 <= end
            };
            slots.iter().filter(among).count()
        };
        let equally_many = |slot: Slot| {
            let (class, _) = self.holders[usize::from(slot)];
            by(&more, class, u32::MAX) == by(&less, class, u32::MAX)
        };
        let early_enough = |slot: Slot| {
            let (class, end) = self.holders[usize::from(slot)];
            by(&more, class, end) >= by(&less, class, end)
        };
        more.len() == less.len()
            && more.iter().all(equally_many)
            && less.iter().all(|slot| equally_many(slot) && early_enough(slot))
    }

    /// The bytes of its tables.
    pub(crate) fn bytes(&self) -> usize {
        self.usages.bytes()
            + self.steps.bytes()
            + self.watching.capacity() * size_of::<Slots<W>>()
            + (self.readers.capacity() + self.tried.capacity() + self.wanted.capacity())
                * size_of::<OpClass>()
            + self.holders.capacity() * size_of::<(OpClass, u32)>()
    }
}

/// Marks a state. Whether it was not marked yet.
fn mark(wanted: &mut [u32], state: Option<State>, mark: u32) -> bool {
    let place = state.and_then(|state| wanted.get_mut(state as usize));
    place.is_some_and(|place| std::mem::replace(place, mark) != mark)
}

/// Sums of weights tell multisets of classes apart, but for chance: they sort, and decide nothing.
fn weight(class: OpClass) -> u64 {
    let mixed = (u64::from(class) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
