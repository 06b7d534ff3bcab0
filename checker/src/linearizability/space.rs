//! States and operations as small numbers, with every step of the model remembered.
//!
//! The model is asked once per pair of state and effect, however often a search takes that step.

use super::call::Call;
use crate::hashing::Map;
use crate::models::{Effect, Model};

/// A state of the model, by number. 0 is the state before the first operation.
pub(crate) type State = u32;

/// An operation with its answer, by number: two calls with the same number are interchangeable.
pub(crate) type Deed = u32;

/// What is known of a deed without a state: the numbers of the states it needs and leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) needs: Option<State>,
    pub(crate) leaves: Option<State>,
}

/// What was asked and answered, and what is known of it.
struct Asked<'a, M: Model> {
    op: &'a M::Op,
    outcome: Option<&'a M::Outcome>,
    known: Option<Known>,
    observes: bool,
}

/// All states and deeds seen so far.
pub(crate) struct Space<'a, M: Model> {
    states: Vec<M>,
    numbers: Map<M, State>,
    deeds: Vec<Asked<'a, M>>,
    deed_numbers: Map<(&'a M::Op, Option<&'a M::Outcome>), Deed>,
    steps: Map<(State, Deed), Option<State>>,
}

impl<'a, M: Model> Space<'a, M> {
    pub(crate) fn new() -> Self {
        let mut space = Self {
            states: Vec::new(),
            numbers: Map::default(),
            deeds: Vec::new(),
            deed_numbers: Map::default(),
            steps: Map::default(),
        };
        space.state(M::default());
        space
    }

    fn state(&mut self, state: M) -> State {
        let states = &mut self.states;
        *self.numbers.entry(state).or_insert_with_key(|state| {
            states.push(state.clone());
            states.len() as State - 1
        })
    }

    /// The number of what `call` does.
    pub(crate) fn deed(&mut self, call: &Call<'a, M::Op, M::Outcome>) -> Deed {
        if let Some(deed) = self.deed_numbers.get(&(call.op, call.outcome)) {
            return *deed;
        }
        let known = M::effect(call.op, call.outcome).map(|effect: Effect<M>| Known {
            needs: effect.needs.map(|state| self.state(state)),
            leaves: effect.leaves.map(|state| self.state(state)),
        });
        let deed = self.deeds.len() as Deed;
        let (op, outcome) = (call.op, call.outcome);
        self.deeds.push(Asked { op, outcome, known, observes: M::observes(op, outcome) });
        self.deed_numbers.insert((call.op, call.outcome), deed);
        deed
    }

    /// What is known of `deed` in every state, if anything is.
    pub(crate) fn known(&self, deed: Deed) -> Option<Known> {
        self.deeds[deed as usize].known
    }

    /// Whether `deed` never changes the state.
    pub(crate) fn observes(&self, deed: Deed) -> bool {
        self.deeds[deed as usize].observes
    }

    /// The state after `deed` in `state`; none if the model refuses.
    pub(crate) fn step(&mut self, state: State, deed: Deed) -> Option<State> {
        if let Some(next) = self.steps.get(&(state, deed)) {
            return *next;
        }
        let Asked { op, outcome, .. } = self.deeds[deed as usize];
        let next = self.states[state as usize].step(op, outcome).ok();
        let next = next.map(|next| self.state(next));
        self.steps.insert((state, deed), next);
        next
    }

    /// The bytes that the tables hold, a little rounded up.
    pub(crate) fn bytes(&self) -> usize {
        let per_state = 2 * size_of::<M>() + size_of::<State>();
        let per_step = size_of::<((State, Deed), Option<State>)>() + 1;
        self.numbers.capacity() * per_state + self.steps.capacity() * per_step
    }
}
