//! Registers in which a few values were written more than once, decided value by value.
//!
//! Whoever saw such a value saw one of its writes: of all that began before the look ended, not one
//! that something else certainly replaced before the look began. Mostly one is left. Once the
//! others are chosen, each write has a value of its own, and the sweep decides.

use std::collections::BTreeSet;

use super::facts::Fact;
use super::fast;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::repeated::{self, Choices, Chosen, Names};
use crate::op::{Op, Outcome, Value};

/// The most looks at repeated values: more are no few repetitions.
const LOOKS: usize = 4_096;

/// Decides `calls`, of which the sweep cannot tell; ambiguous where this cannot either.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    let Some(repeated) = Repeated::of(calls) else { return Finding::Ambiguous };
    repeated::decide(&repeated, calls.len())
}

/// Calls with repeated values.
struct Repeated<'a> {
    calls: &'a [Call<'a>],
    /// The places of the writes of every repeated value.
    writers: Map<&'a Value, Vec<usize>>,
    /// Who looked at a repeated value, and which writes it may have seen.
    looks: Vec<Look<'a>>,
    ways: Vec<usize>,
    names: Names,
}

struct Look<'a> {
    place: usize,
    value: &'a Value,
    writers: Vec<usize>,
}

impl<'a> Repeated<'a> {
    /// None if too much repeats, or if a refusal rests on what repeats.
    fn of(calls: &'a [Call<'a>]) -> Option<Self> {
        let mut writers: Map<&Value, Vec<usize>> = Map::default();
        for (place, call) in calls.iter().enumerate() {
            if let Some(value) = Fact::of(call).leaves() {
                writers.entry(value).or_default().push(place);
            }
        }
        writers.retain(|_, places| places.len() > 1);
        let differs = |call: &Call<'_>| matches!(Fact::of(call), Fact::Differs(value) if writers.contains_key(value));
        if calls.iter().any(differs) {
            return None;
        }
        let names = Names::beside(calls.iter().flat_map(named));
        let mut repeated = Self { calls, writers, looks: Vec::new(), ways: Vec::new(), names };
        repeated.look()?;
        (!repeated.looks.is_empty()).then_some(repeated)
    }

    /// Finds out who looked at what.
    fn look(&mut self) -> Option<()> {
        let mut order: Vec<usize> = (0..self.calls.len()).collect();
        order.sort_by_key(|place| self.calls[*place].start);
        let mut ended: Vec<usize> =
            (0..self.calls.len()).filter(|place| self.calls[*place].end.is_some()).collect();
        ended.sort_by_key(|place| self.calls[*place].end);
        let (mut between, mut ended) = (Between::default(), ended.into_iter().peekable());
        for place in order {
            let call = &self.calls[place];
            while let Some(before) =
                ended.next_if(|place| self.calls[*place].end < Some(call.start))
            {
                between.add(&self.calls[before]);
            }
            let Some(Some(value)) = Fact::of(call).needs() else { continue };
            let Some(all) = self.writers.get(value) else { continue };
            let writers = self.seen(place, all, between.other_than(value));
            self.ways.push(writers.len().max(1));
            self.looks.push(Look { place, value, writers });
            if self.looks.len() > LOOKS {
                return None;
            }
        }
        Some(())
    }

    /// Which of the writes of a value the call at `place` may have seen, the last one first;
    /// something that began at `other` has taken another value by the time at which it began.
    fn seen(&self, place: usize, all: &[usize], other: Option<Nanos>) -> Vec<usize> {
        let look = &self.calls[place];
        let ended_before =
            |writer: &usize, time| self.calls[*writer].end.is_some_and(|end| end < time);
        let replaced = |writer: &usize| {
            let by = |next: &&usize| {
                **next != *writer
                    && ended_before(next, look.start)
                    && ended_before(writer, self.calls[**next].start)
            };
            other.is_some_and(|time| ended_before(writer, time)) || all.iter().any(|next| by(&next))
        };
        let began = |writer: &&usize| look.end.is_none_or(|end| self.calls[**writer].start <= end);
        let mut seen: Vec<usize> = all
            .iter()
            .filter(|writer| **writer != place)
            .filter(began)
            .filter(|writer| !replaced(writer))
            .copied()
            .collect();
        seen.sort_by_key(|writer| std::cmp::Reverse((self.calls[*writer].start, *writer)));
        seen
    }

    /// What the call at `place` did, if it names a repeated value: with values of their own.
    fn renamed(&self, place: usize, seen: Option<&Value>) -> (Op, Outcome) {
        let call = &self.calls[place];
        let left = |value: &Value| match self.writers.contains_key(value) {
            true => self.names.of(place),
            false => value.clone(),
        };
        let mut op = call.op.clone();
        let mut outcome = call.outcome.cloned().unwrap_or(Outcome::Cas);
        match &mut op {
            Op::Write { value, .. } => *value = left(value),
            // It left what it found.
            Op::Swap { value, .. } if outcome == (Outcome::Swap { value: Some(value.clone()) }) => {
                *value = seen.unwrap_or(value).clone();
            }
            Op::Swap { value, .. } => *value = left(value),
            Op::Cas { old, new, .. } => match (&outcome, seen) {
                // It saw what it did not ask for.
                (Outcome::CasFound { .. }, _) => {}
                (_, seen) => {
                    *new = if old == new { seen.unwrap_or(new).clone() } else { left(new) };
                    *old = seen.unwrap_or(old).clone();
                }
            },
            _ => {}
        }
        if let (
            Outcome::Read { value } | Outcome::CasFound { value } | Outcome::Swap { value },
            Some(seen),
        ) = (&mut outcome, seen)
        {
            *value = Some(seen.clone());
        }
        (op, outcome)
    }

    /// The choices that rest on the values that the calls at `places` name.
    fn rests_on(&self, places: &[usize]) -> BTreeSet<usize> {
        let named = places.iter().flat_map(|place| named(&self.calls[*place]));
        let values: BTreeSet<&Value> = named.collect();
        let open = |look: &usize| self.ways[*look] > 1 && values.contains(self.looks[*look].value);
        (0..self.looks.len()).filter(open).collect()
    }
}

impl Choices for Repeated<'_> {
    fn ways(&self) -> &[usize] {
        &self.ways
    }

    fn choose(&self, ways: &[usize]) -> Chosen {
        let seen = |(look, way): (&Look<'_>, &usize)| {
            let writer = look.writers.get(*way);
            (look.place, writer.map_or_else(|| self.names.unused(), |place| self.names.of(*place)))
        };
        let seen: Map<usize, Value> = self.looks.iter().zip(ways).map(seen).collect();
        let writers = self.writers.values().flatten().copied();
        let places: BTreeSet<usize> = writers.chain(seen.keys().copied()).collect();
        let renamed: Vec<(usize, (Op, Outcome))> = places
            .into_iter()
            .map(|place| (place, self.renamed(place, seen.get(&place))))
            .collect();
        let mut calls = self.calls.to_vec();
        for (place, (op, outcome)) in &renamed {
            let call = &mut calls[*place];
            (call.op, call.outcome) = (op, call.outcome.and(Some(outcome)));
        }
        match fast::swept_alone(&calls) {
            Finding::Legal => Chosen::Legal,
            Finding::Ambiguous => Chosen::Ambiguous,
            // A refusal, or what nobody names the calls of, may rest on everything.
            Finding::Refuted(by)
                if by.calls.is_empty() || by.class == crate::catalogue::SPURIOUS_REFUSAL =>
            {
                Chosen::Refuted((0..self.ways.len()).filter(|look| self.ways[*look] > 1).collect())
            }
            Finding::Refuted(by) => Chosen::Refuted(self.rests_on(&by.calls)),
        }
    }
}

/// The values that a call names.
fn named<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a Value> {
    let fact = Fact::of(call);
    [fact.leaves(), fact.needs().flatten()].into_iter().flatten()
}

/// Of the calls that ended so far, when the last one began that takes a value or saw one, and when
/// the last one did that is about another value than that one.
#[derive(Default)]
struct Between<'a> {
    last: Option<(Nanos, Option<&'a Value>)>,
    other: Option<(Nanos, Option<&'a Value>)>,
}

impl<'a> Between<'a> {
    fn add(&mut self, call: &Call<'a>) {
        let fact = Fact::of(call);
        let value = match (fact.leaves(), fact.needs()) {
            (Some(value), None) => Some(value),
            (None, Some(value)) => value,
            // A change is about two values: it says of neither that it was there all the time.
            _ => return,
        };
        let new = Some((call.start, value));
        match self.last {
            Some((_, same)) if same == value => self.last = self.last.max(new),
            Some((last, _)) if last < call.start => (self.last, self.other) = (new, self.last),
            Some(_) => self.other = self.other.max(new),
            None => self.last = new,
        }
    }

    fn other_than(&self, value: &Value) -> Option<Nanos> {
        let differs = |write: &(Nanos, Option<&Value>)| write.1 != Some(value);
        self.last.filter(differs).or(self.other.filter(differs)).map(|(began, _)| began)
    }
}
