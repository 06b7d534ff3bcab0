//! Transactions on registers in which a few values were written more than once, decided look by
//! look.
//!
//! Whoever found such a value found it as one transaction had left it: of all that wrote it and
//! began before the look ended, not one that another had certainly replaced before the look began.
//! Mostly one is left. Once the others are chosen each version has a name of its own, and
//! [`super::order`] decides.

use std::collections::BTreeSet;

use super::order;
use super::refuters::{projected, unwritten};
use super::versions::{Own, Registers};
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::repeated::{self, Choices, Chosen, Names};
use crate::op::{Key, Value};

/// The most looks at repeated values: more are no few repetitions.
const LOOKS: usize = 4_096;

/// How many calls of a plain register one transaction counts for: its order takes that much longer.
const WEIGHT: usize = 16;

/// Decides `calls`, in which some version has no known writer; ambiguous where this cannot tell
/// either.
pub(super) fn decide(calls: &[Call<'_>], registers: &Registers<'_>) -> Finding {
    let Some(repeated) = Repeated::of(calls, registers) else { return Finding::Ambiguous };
    repeated::decide(&repeated, WEIGHT * calls.len())
}

/// A transaction that found a repeated value.
struct Look<'a> {
    key: &'a Key,
    /// Its place among those that used the register.
    step: usize,
    value: &'a Value,
    /// The names of the versions that it may have found, the last one first.
    versions: Vec<usize>,
}

struct Repeated<'a> {
    calls: &'a [Call<'a>],
    registers: &'a Registers<'a>,
    /// Who left a repeated value, and its place among those that used the register.
    writers: Vec<(&'a Key, usize)>,
    /// Their names, and one that no version has.
    names: Vec<Value>,
    unused: Value,
    looks: Vec<Look<'a>>,
    ways: Vec<usize>,
}

impl<'a> Repeated<'a> {
    /// None if nothing repeats that anybody found, or too much.
    fn of(calls: &'a [Call<'a>], registers: &'a Registers<'a>) -> Option<Self> {
        let values = registers.values().flatten();
        let values = values.flat_map(|(_, own)| own.wrote.into_iter().chain(own.found.flatten()));
        let names = Names::beside(values);
        let (writers, looks, ways) = (Vec::new(), Vec::new(), Vec::new());
        let unused = names.unused();
        let mut all = Self { calls, registers, writers, names: Vec::new(), unused, looks, ways };
        for (key, steps) in registers {
            all.register(key, steps);
        }
        all.names = (0..all.writers.len()).map(|number| names.of(number)).collect();
        (!all.looks.is_empty() && all.looks.len() <= LOOKS).then_some(all)
    }

    /// Finds out who looked at repeated values of one register.
    fn register(&mut self, key: &'a Key, steps: &[(usize, Own<'a>)]) {
        let mut places: Map<&Value, Vec<usize>> = Map::default();
        for (step, (_, own)) in steps.iter().enumerate() {
            own.wrote.iter().for_each(|value| places.entry(*value).or_default().push(step));
        }
        places.retain(|_, steps| steps.len() > 1);
        let done = Done::of(self.calls, steps);
        let mut numbers: Map<usize, usize> = Map::default();
        for (step, (_, own)) in steps.iter().enumerate() {
            if own.wrote.is_some_and(|value| places.contains_key(value)) {
                numbers.insert(step, self.writers.len());
                self.writers.push((key, step));
            }
        }
        for (step, (txn, own)) in steps.iter().enumerate() {
            let Some(value) = own.found.flatten() else { continue };
            let Some(left) = places.get(value) else { continue };
            let look = &self.calls[*txn];
            let seen = |other: &&usize| {
                let writer = &self.calls[steps[**other].0];
                let began = look.end.is_none_or(|end| writer.start <= end);
                **other != step && began && !done.replaced(writer, look)
            };
            let mut seen: Vec<usize> = left.iter().filter(seen).copied().collect();
            let start = |step: &usize| self.calls[steps[*step].0].start;
            seen.sort_by_key(|other| std::cmp::Reverse((start(other), *other)));
            let versions: Vec<usize> = seen.iter().map(|step| numbers[step]).collect();
            self.ways.push(versions.len().max(1));
            self.looks.push(Look { key, step, value, versions });
        }
    }

    /// The registers with a name for every version whose value repeats.
    fn renamed(&self, ways: &[usize]) -> Registers<'_> {
        let mut registers: Registers<'_> = self.registers.clone();
        for ((key, step), name) in self.writers.iter().zip(&self.names) {
            if let Some((_, own)) = registers.get_mut(key).and_then(|steps| steps.get_mut(*step)) {
                own.wrote = Some(name);
            }
        }
        for (look, way) in self.looks.iter().zip(ways) {
            let name = look.versions.get(*way).map_or(&self.unused, |number| &self.names[*number]);
            let steps = registers.get_mut(look.key);
            if let Some((_, own)) = steps.and_then(|steps| steps.get_mut(look.step)) {
                own.found = Some(Some(name));
            }
        }
        registers
    }

    /// The choices for looks that `rests` accepts.
    fn open(&self, rests: impl Fn(&Look<'_>) -> bool) -> BTreeSet<usize> {
        let open = |look: &usize| self.ways[*look] > 1 && rests(&self.looks[*look]);
        (0..self.looks.len()).filter(open).collect()
    }

    /// The choices that a refutation of one register rests on: those for the values that its
    /// transactions name, or all of that register if it names none.
    fn rests_on(&self, key: &Key, txns: &[usize]) -> BTreeSet<usize> {
        let steps = self.registers.get(key).into_iter().flatten();
        let of_them = steps.filter(|(txn, _)| txns.contains(txn));
        let named: BTreeSet<&Value> =
            of_them.flat_map(|(_, own)| own.wrote.into_iter().chain(own.found.flatten())).collect();
        let rests = |look: &Look<'_>| named.contains(look.value) || txns.is_empty();
        self.open(|look| look.key == key && rests(look))
    }
}

impl Choices for Repeated<'_> {
    fn ways(&self) -> &[usize] {
        &self.ways
    }

    fn choose(&self, ways: &[usize]) -> Chosen {
        let registers = self.renamed(ways);
        let keys: BTreeSet<&Key> = self.looks.iter().map(|look| look.key).collect();
        for key in keys {
            let Some(steps) = registers.get(key) else { continue };
            // Nobody can have left it, whatever is chosen.
            if unwritten(key, steps).is_some() {
                return Chosen::Refuted(BTreeSet::new());
            }
            if let Finding::Refuted(by) = projected(self.calls, steps) {
                return Chosen::Refuted(self.rests_on(key, &by.calls));
            }
        }
        match order::decide(self.calls, &registers) {
            Finding::Legal => Chosen::Legal,
            Finding::Ambiguous => Chosen::Ambiguous,
            Finding::Refuted(_) => Chosen::Refuted(self.open(|_| true)),
        }
    }
}

/// The acknowledged writes of one register: each begin, with the first end of those that begin no
/// earlier.
struct Done(Vec<(Nanos, Nanos)>);

impl Done {
    fn of(calls: &[Call<'_>], steps: &[(usize, Own<'_>)]) -> Self {
        let wrote = steps.iter().filter(|(_, own)| own.wrote.is_some());
        let span = |(txn, _): &(usize, Own<'_>)| Some((calls[*txn].start, calls[*txn].end?));
        let mut all: Vec<(Nanos, Nanos)> = wrote.filter_map(span).collect();
        all.sort_unstable();
        let mut least = Nanos::MAX;
        for (_, end) in all.iter_mut().rev() {
            least = least.min(*end);
            *end = least;
        }
        Self(all)
    }

    /// Whether what `writer` left was certainly replaced before `look` began.
    fn replaced(&self, writer: &Call<'_>, look: &Call<'_>) -> bool {
        let Some(end) = writer.end else { return false };
        let later = self.0.partition_point(|(start, _)| *start <= end);
        self.0.get(later).is_some_and(|(_, first)| *first < look.start)
    }
}
