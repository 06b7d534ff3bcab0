//! Lists to which a few elements were appended more than once, decided element by element.
//!
//! All reads of a list show its elements in one order, so the first time that a repeated element
//! stands in it is the same append for everybody, and so is the second. Once it is chosen which
//! append each is, every element has a name of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::conflict::Conflict;
use super::fast::{FastDecision, decision};
use super::lists::{Lists, micros};
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::objects::repeated::{self, Choices, Chosen, Names};
use crate::op::{Key, Op, Outcome, Value};
use crate::transaction::{Micro, ReadValue};

/// The most times that repeated elements stand in lists: more are no few repetitions.
const TIMES: usize = 512;

/// Decides `calls`, of which some list is ambiguous; ambiguous where this cannot tell either.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    let Some(repeated) = Repeated::of(calls) else { return Finding::Ambiguous };
    repeated::decide(&repeated, calls.len())
}

/// An append: its transaction, and its place there.
type Append = (usize, usize);

/// An element of a list.
type Element<'a> = (&'a Key, &'a Value);

struct Repeated<'a> {
    calls: &'a [Call<'a>],
    keys: Vec<&'a Key>,
    /// The appends of every element that repeats, and the number of the choice for the first time
    /// that it stands in the list; the others follow.
    elements: BTreeMap<Element<'a>, (Vec<Append>, usize)>,
    /// By choice: the list that it is about.
    about: Vec<&'a Key>,
    ways: Vec<usize>,
    names: Names,
}

impl<'a> Repeated<'a> {
    fn of(calls: &'a [Call<'a>]) -> Option<Self> {
        let lists = Lists::of(calls)?.ok()?;
        let mut appends: BTreeMap<Element<'a>, Vec<Append>> = BTreeMap::new();
        for (txn, call) in calls.iter().enumerate() {
            for (place, micro) in micros(call)?.0.iter().enumerate() {
                if let Micro::Append { key, value } = micro {
                    appends.entry((key, value)).or_default().push((txn, place));
                }
            }
        }
        let names = Names::beside(appends.keys().map(|(_, value)| *value));
        appends.retain(|_, all| all.len() > 1);
        let (about, ways) = (Vec::new(), Vec::new());
        let elements = BTreeMap::new();
        let mut repeated = Self { calls, keys: lists.keys, elements, about, ways, names };
        for (element, mut all) in appends {
            all.sort_by_key(|(txn, place)| (calls[*txn].start, *txn, *place));
            let number = repeated.keys.iter().position(|key| *key == element.0)?;
            let count = |found: &[Value]| found.iter().filter(|value| *value == element.1).count();
            let found = lists.list[number].found.iter().map(|(_, found)| count(found));
            let times = found.max().unwrap_or_default();
            let first = repeated.ways.len();
            repeated.about.extend(std::iter::repeat_n(element.0, times));
            repeated.ways.extend(std::iter::repeat_n(all.len(), times));
            repeated.elements.insert(element, (all, first));
        }
        (repeated.ways.len() <= TIMES && !repeated.elements.is_empty()).then_some(repeated)
    }

    /// The append that stands in the list the time number `time`, if `ways` are chosen: the likely
    /// one is that of the same number.
    fn append(&self, element: Element<'_>, time: usize, ways: &[usize]) -> Option<Value> {
        let (all, first) = self.elements.get(&element)?;
        let append = all.get((time + ways.get(first + time)?) % all.len())?;
        Some(self.name(*append))
    }

    fn name(&self, (txn, place): Append) -> Value {
        // No transaction has that many steps that two of them get the same name.
        self.names.of(txn << 24 | place)
    }

    /// What the transaction `txn` did, with a name for every element that repeats.
    fn renamed(&self, txn: usize, ways: &[usize]) -> Option<Vec<Micro>> {
        let (ops, _) = micros(&self.calls[txn])?;
        let mut own: Vec<(&Key, &Value, Value)> = Vec::new();
        let mut all = Vec::with_capacity(ops.len());
        for (place, micro) in ops.iter().enumerate() {
            all.push(match micro {
                Micro::Append { key, value } => {
                    let repeats = self.elements.contains_key(&(key, value));
                    let name = if repeats { self.name((txn, place)) } else { value.clone() };
                    own.push((key, value, name.clone()));
                    Micro::Append { key: key.clone(), value: name }
                }
                Micro::Read { key, seen: ReadValue::List(values) } => {
                    let own: Vec<(&Value, &Value)> = own
                        .iter()
                        .filter(|(other, ..)| *other == key)
                        .map(|(_, value, name)| (*value, name))
                        .collect();
                    let seen = ReadValue::List(self.seen(key, values, (&own, ways)).into());
                    Micro::Read { key: key.clone(), seen }
                }
                other => other.clone(),
            });
        }
        Some(all)
    }

    /// The names of the elements of a list: what stands at its end are those that the reader
    /// appended itself.
    fn seen(
        &self,
        key: &Key,
        values: &[Value],
        (own, ways): (&[(&Value, &Value)], &[usize]),
    ) -> Vec<Value> {
        let (found, rest) = values.split_at(values.len().saturating_sub(own.len()));
        let mut times: BTreeMap<&Value, usize> = BTreeMap::new();
        let mut names: Vec<Value> = Vec::with_capacity(values.len());
        for value in found {
            let time = times.entry(value).or_default();
            let chosen = self.append((key, value), *time, ways);
            *time += 1;
            names.push(chosen.unwrap_or_else(|| value.clone()));
        }
        for (value, (appended, own)) in rest.iter().zip(own) {
            names.push(if value == *appended { (*own).clone() } else { value.clone() });
        }
        names
    }

    /// The choices that a conflict rests on: those for the lists that it is about.
    fn rests_on(&self, conflict: &Conflict) -> BTreeSet<usize> {
        let lists = match conflict {
            Conflict::Internal { list, .. }
            | Conflict::Phantom { list, .. }
            | Conflict::Incompatible { list, .. } => vec![*list],
            Conflict::Clash(clash) => clash.elements.clone(),
        };
        let of_them = |key: &Key| lists.iter().any(|list| self.keys.get(*list) == Some(&key));
        let open = |choice: &usize| self.ways[*choice] > 1 && of_them(self.about[*choice]);
        (0..self.ways.len()).filter(open).collect()
    }
}

impl Choices for Repeated<'_> {
    fn ways(&self) -> &[usize] {
        &self.ways
    }

    fn choose(&self, ways: &[usize]) -> Chosen {
        let renamed = |txn: usize| {
            let ops = self.renamed(txn, ways).unwrap_or_default();
            let ops: std::sync::Arc<[Micro]> = ops.into();
            (Op::Txn { ops: ops.clone() }, Outcome::Txn { ops })
        };
        let renamed: Vec<(Op, Outcome)> = (0..self.calls.len()).map(renamed).collect();
        let calls: Vec<Call<'_>> = self
            .calls
            .iter()
            .zip(&renamed)
            .map(|(call, (op, outcome))| Call {
                id: call.id,
                op,
                outcome: call.outcome.and(Some(outcome)),
                start: call.start,
                end: call.end,
            })
            .collect();
        match decision(&calls) {
            FastDecision::Legal => Chosen::Legal,
            FastDecision::Ambiguous => Chosen::Ambiguous,
            FastDecision::Refuted(conflict) => Chosen::Refuted(self.rests_on(&conflict)),
        }
    }
}
