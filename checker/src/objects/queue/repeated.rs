//! Queues in which a few elements were put in more than once, decided element by element.
//!
//! Whoever took such an element took one of those that were put in before; once it is chosen which,
//! each has a name of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::minimise::element;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::repeated::{self, Choices, Chosen, Names};
use crate::op::{Op, Outcome, Value};

/// The most dequeues of elements that repeat: more are no few repetitions.
const TAKEN: usize = 512;

/// Decides `calls`, by what `decide` says once every element has a name of its own; ambiguous where
/// this cannot tell.
pub(crate) fn decide(calls: &[Call<'_>], decide: fn(&[Call<'_>]) -> Finding) -> Finding {
    let Some(repeated) = Repeated::of(calls, decide) else { return Finding::Ambiguous };
    repeated::decide(&repeated, calls.len())
}

struct Repeated<'a> {
    calls: &'a [Call<'a>],
    decide: fn(&[Call<'_>]) -> Finding,
    /// The places of the enqueues of elements that repeat.
    enqueues: BTreeSet<usize>,
    taken: Vec<Taken<'a>>,
    ways: Vec<usize>,
    names: Names,
}

/// A dequeue of an element that repeats, and the enqueues that may have put it in.
struct Taken<'a> {
    place: usize,
    value: &'a Value,
    enqueues: Vec<usize>,
}

impl<'a> Repeated<'a> {
    fn of(calls: &'a [Call<'a>], decide: fn(&[Call<'_>]) -> Finding) -> Option<Self> {
        let mut by_value: BTreeMap<&Value, [Vec<usize>; 2]> = BTreeMap::new();
        for (place, call) in calls.iter().enumerate() {
            if let Some(value) = element(call) {
                let dequeue = usize::from(matches!(call.op, Op::Dequeue { .. }));
                by_value.entry(value).or_default()[dequeue].push(place);
            }
        }
        by_value.retain(|_, [enqueues, _]| enqueues.len() > 1);
        let names = Names::beside(calls.iter().filter_map(element));
        let (enqueues, taken, ways) = (BTreeSet::new(), Vec::new(), Vec::new());
        let mut repeated = Self { calls, decide, enqueues, taken, ways, names };
        for (value, [mut enqueues, mut dequeues]) in by_value {
            enqueues.sort_by_key(|place| calls[*place].start);
            dequeues.sort_by_key(|place| calls[*place].start);
            for (number, place) in dequeues.into_iter().enumerate() {
                repeated.take(place, value, (number, &enqueues));
            }
            repeated.enqueues.extend(enqueues);
        }
        let few = (1..=TAKEN).contains(&repeated.enqueues.len()) && repeated.taken.len() <= TAKEN;
        few.then_some(repeated)
    }

    /// Files a dequeue; the likely enqueue is the one of its own number.
    fn take(&mut self, place: usize, value: &'a Value, (number, all): (usize, &[usize])) {
        let end = self.calls[place].end;
        let began = |enqueue: &usize| end.is_none_or(|end| self.calls[*enqueue].start <= end);
        let likely = all.get(number).into_iter().chain(all);
        let mut enqueues: Vec<usize> = Vec::new();
        for enqueue in likely.copied().filter(began) {
            if !enqueues.contains(&enqueue) {
                enqueues.push(enqueue);
            }
        }
        self.ways.push(enqueues.len().max(1));
        self.taken.push(Taken { place, value, enqueues });
    }

    /// The choices for the elements that the calls at `places` are about.
    fn rests_on(&self, places: &[usize]) -> BTreeSet<usize> {
        let values: BTreeSet<&Value> =
            places.iter().filter_map(|place| element(&self.calls[*place])).collect();
        let all = places.is_empty();
        let open = |place: &usize| {
            self.ways[*place] > 1 && (all || values.contains(self.taken[*place].value))
        };
        (0..self.taken.len()).filter(open).collect()
    }
}

impl Choices for Repeated<'_> {
    fn ways(&self) -> &[usize] {
        &self.ways
    }

    fn choose(&self, ways: &[usize]) -> Chosen {
        let name = |place: usize| {
            let Op::Enqueue { key, .. } = self.calls[place].op else { return None };
            Some((place, Op::Enqueue { key: key.clone(), value: self.names.of(place) }))
        };
        let enqueues: Vec<(usize, Op)> = self.enqueues.iter().copied().filter_map(name).collect();
        let taken = |(taken, way): (&Taken<'_>, &usize)| {
            let enqueue = taken.enqueues.get(*way);
            let value = enqueue.map_or_else(|| self.names.unused(), |place| self.names.of(*place));
            (taken.place, Outcome::Dequeue { value: Some(value) })
        };
        let taken: Vec<(usize, Outcome)> = self.taken.iter().zip(ways).map(taken).collect();
        let mut calls = self.calls.to_vec();
        enqueues.iter().for_each(|(place, op)| calls[*place].op = op);
        taken.iter().for_each(|(place, outcome)| calls[*place].outcome = Some(outcome));
        match (self.decide)(&calls) {
            Finding::Legal => Chosen::Legal,
            Finding::Ambiguous => Chosen::Ambiguous,
            Finding::Refuted(by) => Chosen::Refuted(self.rests_on(&by.calls)),
        }
    }
}
