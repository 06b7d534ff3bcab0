//! States and operations as small numbers, with every step of the model remembered.
//!
//! The model is asked once per pair of state and effect, however often a search takes that step,
//! and never where the effect alone tells what happens.

use std::cell::RefCell;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::call::Call;
use crate::event::Nanos;
use crate::hashing::{Hashed, Map};
use crate::models::{Effect, Model};

/// A state of the model, by number. 0 is the state before the first operation.
pub(crate) type State = u32;

/// What an operation does, by number: two calls with the same number are interchangeable.
pub(crate) type OpClass = u32;

/// A call as a search sees it: when, and what it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    pub(crate) start: Nanos,
    /// None: it is indeterminate.
    pub(crate) end: Option<Nanos>,
    pub(crate) class: OpClass,
}

/// What is known of a class without a state: the numbers of the states it needs and leaves.
///
/// It says everything there is to say (see [`Effect`]), so classes that are known to do the same are
/// one class: a write whose answer was lost and one that was answered, a read of 3 and a failed
/// compare-and-set that found 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Known {
    pub(crate) needs: Option<State>,
    /// None: it changes nothing.
    pub(crate) leaves: Option<State>,
}

/// What can be said of a class without a state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub(crate) known: Option<Known>,
    /// It never changes the state.
    pub(crate) observes: bool,
}

impl About {
    /// Whether nothing is known of the state it leaves.
    pub(crate) fn may_leave_any(&self) -> bool {
        self.known.is_none() && !self.observes
    }
}

/// What a search may ask of a model, whatever its types.
pub(crate) trait Steps {
    /// The state after `class` in `state`; none if the model refuses.
    fn step(&self, state: State, class: OpClass) -> Option<State>;

    /// The bytes that its tables hold.
    fn bytes(&self) -> usize;
}

/// All states and classes seen so far.
pub(crate) struct Space<'a, M: Model> {
    states: Vec<M>,
    numbers: HashTable<State>,
    state_bytes: usize,
    asked: Vec<(&'a M::Op, Option<&'a M::Outcome>)>,
    abouts: Vec<About>,
    classes: Map<(&'a M::Op, Option<&'a M::Outcome>), OpClass>,
    by_effect: Map<Known, OpClass>,
    steps: Map<(State, OpClass), Option<State>>,
}

impl<'a, M: Model> Space<'a, M> {
    pub(crate) fn new() -> Self {
        let mut space = Self {
            states: Vec::new(),
            numbers: HashTable::new(),
            state_bytes: 0,
            asked: Vec::new(),
            abouts: Vec::new(),
            classes: Map::default(),
            by_effect: Map::default(),
            steps: Map::default(),
        };
        space.state(M::default());
        space
    }

    fn state(&mut self, state: M) -> State {
        let (hasher, states) = (Hashed::default(), &mut self.states);
        let hash = hasher.hash_one(&state);
        let same = |number: &State| states[*number as usize] == state;
        if let Some(number) = self.numbers.find(hash, same) {
            return *number;
        }
        let number = states.len() as State;
        self.state_bytes += state.bytes();
        states.push(state);
        let again = |number: &State| hasher.hash_one(&states[*number as usize]);
        self.numbers.insert_unique(hash, number, again);
        number
    }

    /// `call` as numbers.
    pub(crate) fn task(&mut self, call: &Call<'a, M::Op, M::Outcome>) -> Task {
        Task { start: call.start, end: call.end, class: self.class(call) }
    }

    /// The number of what `call` does.
    fn class(&mut self, call: &Call<'a, M::Op, M::Outcome>) -> OpClass {
        let (op, outcome) = (call.op, call.outcome);
        if let Some(class) = self.classes.get(&(op, outcome)) {
            return *class;
        }
        let known = M::effect(op, outcome).map(|effect| self.known(effect));
        let fresh = self.asked.len() as OpClass;
        let class = known.map_or(fresh, |known| *self.by_effect.entry(known).or_insert(fresh));
        if class == fresh {
            let observes = match known {
                Some(known) => known.leaves.is_none(),
                None => M::observes(op, outcome),
            };
            self.asked.push((op, outcome));
            self.abouts.push(About { known, observes });
        }
        self.classes.insert((op, outcome), class);
        class
    }

    fn known(&mut self, effect: Effect<M>) -> Known {
        let needs = effect.needs.map(|state| self.state(state));
        let leaves = effect.leaves.map(|state| self.state(state));
        Known { needs, leaves: leaves.filter(|leaves| Some(*leaves) != needs) }
    }

    /// What can be said of every class, by number.
    pub(crate) fn abouts(&self) -> &[About] {
        &self.abouts
    }

    /// How many states were seen.
    pub(crate) fn states(&self) -> usize {
        self.states.len()
    }
}

impl<M: Model> Steps for RefCell<Space<'_, M>> {
    fn step(&self, state: State, class: OpClass) -> Option<State> {
        self.borrow_mut().step(state, class)
    }

    fn bytes(&self) -> usize {
        self.borrow().bytes()
    }
}

impl<M: Model> Space<'_, M> {
    fn step(&mut self, state: State, class: OpClass) -> Option<State> {
        if let Some(next) = self.steps.get(&(state, class)) {
            return *next;
        }
        let (op, outcome) = self.asked[class as usize];
        let next = self.states[state as usize].step(op, outcome).ok();
        let next = next.map(|next| self.state(next));
        self.steps.insert((state, class), next);
        next
    }

    fn bytes(&self) -> usize {
        let per_class = size_of::<(&M::Op, Option<&M::Outcome>)>();
        let tables = self.steps.allocation_size()
            + self.numbers.allocation_size()
            + self.classes.allocation_size()
            + self.by_effect.allocation_size();
        let spare = (self.states.capacity() - self.states.len()) * size_of::<M>();
        tables
            + self.state_bytes
            + spare
            + self.asked.capacity() * per_class
            + self.abouts.capacity() * size_of::<About>()
    }
}
