//! The generator of histories: what it draws is valid, legal, of the shape that was asked for, and
//! the same every time; what it plants is wrong.

use crate::generator;

use std::collections::BTreeMap;

use fracas_checker::formats::jsonl;
use fracas_checker::history::ObjectIndex;
use fracas_checker::linearizability::call::Call;
use fracas_checker::linearizability::search_linearizable;
use fracas_checker::models::{Model, Refusal as Refused};
use fracas_checker::{Budget, Completion, History, Op, Outcome, Value};
use generator::{Kind, Refusal, Shape};

/// All kinds of objects at once, as plain as can be: what the drawn histories must be legal by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Plain {
    value: Option<Value>,
    number: i64,
    list: Vec<Value>,
    holder: Option<u64>,
}

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Plain {
    /// The state after `op`, and what it answers; none if it has to wait or is refused.
    fn after(&self, op: &Op, hint: Option<&Outcome>) -> Option<(Self, Outcome)> {
        let mut next = self.clone();
        let outcome = match op {
            Op::Read { .. } if self.number != 0 => count(self.number),
            Op::Read { .. } if self.value.is_none() && hint == Some(&count(0)) => count(0),
            Op::Read { .. } => Outcome::Read { value: self.value.clone() },
            Op::Write { value, .. } => {
                next.value = Some(value.clone());
                Outcome::Write
            }
            Op::Cas { old, new, .. } if self.value.as_ref() == Some(old) => {
                next.value = Some(new.clone());
                Outcome::Cas
            }
            Op::Cas { .. } if hint == Some(&Outcome::CasDiffers) => Outcome::CasDiffers,
            Op::Cas { .. } => Outcome::CasFound { value: self.value.clone() },
            Op::Increment { by, .. } => {
                next.number += by;
                Outcome::Increment
            }
            Op::Acquire { holder, .. } if self.holder.is_none() => {
                next.holder = Some(*holder);
                next.number += 1;
                let fenced = matches!(hint, Some(Outcome::Acquire { token: Some(_) }));
                Outcome::Acquire { token: fenced.then_some(next.number as u64) }
            }
            Op::Release { holder, .. } if self.holder == Some(*holder) => {
                next.holder = None;
                Outcome::Release
            }
            Op::GuardedWrite { token, .. } if *token >= self.number as u64 => Outcome::GuardedWrite,
            Op::ReadVersion { .. } => {
                Outcome::ReadVersion { generation: self.number as u64, value: self.value.clone() }
            }
            Op::Update { expected, value, .. } if *expected == self.number as u64 => {
                (next.number, next.value) = (self.number + 1, Some(value.clone()));
                Outcome::Update { generation: next.number as u64 }
            }
            _ => return next.collection(op, hint).map(|outcome| (next, outcome)),
        };
        Some((next, outcome))
    }

    fn collection(&mut self, op: &Op, hint: Option<&Outcome>) -> Option<Outcome> {
        let list = &mut self.list;
        Some(match op {
            Op::Add { value, .. } => {
                if !list.contains(value) {
                    list.push(value.clone());
                    list.sort();
                }
                Outcome::Add
            }
            Op::Remove { value, .. } => {
                list.retain(|element| element != value);
                Outcome::Remove
            }
            Op::Contains { value, .. } => Outcome::Contains { present: list.contains(value) },
            Op::ReadAll { .. } => Outcome::ReadAll { values: list.as_slice().into() },
            Op::Enqueue { value, .. } => {
                list.push(value.clone());
                Outcome::Enqueue
            }
            // As a queue with an order; the one without is tested as far as it takes the first.
            Op::Dequeue { .. } => {
                Outcome::Dequeue { value: (!list.is_empty()).then(|| list.remove(0)) }
            }
            Op::Generate { .. } => {
                let Some(Outcome::Generate { value }) = hint else { return None };
                if list.contains(value) {
                    return None;
                }
                list.push(value.clone());
                list.sort();
                Outcome::Generate { value: value.clone() }
            }
            _ => return None,
        })
    }
}

fn count(number: i64) -> Outcome {
    Outcome::Read { value: Some(Value::Int(number)) }
}

impl Model for Plain {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refused> {
        match self.after(op, outcome) {
            Some((next, answer)) if outcome.is_none_or(|told| *told == answer) => Ok(next),
            _ => Err(Refused(String::new())),
        }
    }
}

/// Everything but the queue without an order, which [`Plain`] does not know.
fn kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| *kind != Kind::MultisetQueue)
}

/// The calls on every object.
fn calls(history: &History) -> Vec<Vec<Call<'_>>> {
    let operations = history.operations();
    let calls = |object: &ObjectIndex| {
        object.places.iter().filter_map(|place| Call::of(&operations[*place as usize])).collect()
    };
    history.objects().iter().map(calls).collect()
}

/// Whether every object of `history` has a legal order; none if that would take too long.
fn is_legal(history: &History) -> Option<bool> {
    let budget = Budget::new(16 << 20, &|| false);
    let judged = |calls: Vec<Call<'_>>| search_linearizable::<Plain>(&calls, &budget);
    calls(history).into_iter().map(judged).try_fold(true, |all, answer| Some(all && answer?))
}

fn shapes(kind: Kind) -> impl Iterator<Item = Shape> {
    let small = Shape::new(kind, 60, 3);
    let values = if matches!(kind, Kind::Ids | Kind::Configuration) { None } else { Some(3) };
    [
        small,
        Shape { clients: 4, indeterminate: 60, ..small },
        Shape { keys: 3, operations: 100, ..small },
        Shape { values, refusal: Refusal::Differs, ..small },
        Shape { values, refusal: Refusal::Failed, indeterminate: 40, ..small },
    ]
    .into_iter()
    .flat_map(|shape| (1..=4).map(move |seed| Shape { seed, ..shape }))
}

#[test]
fn what_is_drawn_is_legal() {
    for shape in kinds().flat_map(shapes) {
        assert_eq!(is_legal(&shape.history(&[])), Some(true), "{shape:?}");
    }
}

#[test]
fn what_is_planted_is_not() {
    let mut planted = BTreeMap::<Kind, usize>::new();
    for shape in kinds().flat_map(shapes) {
        let shape = Shape { planted: true, operations: 2 * shape.operations, ..shape };
        let (wrong, legal) = (shape.draw().planted, is_legal(&shape.history(&[])));
        assert!(legal.is_none_or(|legal| legal == wrong.is_none()), "{shape:?}");
        *planted.entry(shape.kind).or_default() += usize::from(legal == Some(false));
    }
    assert!(planted.len() == kinds().count() && planted.values().all(|it| *it >= 4), "{planted:?}");
}

#[test]
fn the_same_shape_gives_the_same_history() {
    for kind in Kind::ALL {
        let shape = Shape { indeterminate: 50, keys: 2, ..Shape::new(kind, 200, 5) };
        assert_eq!(shape.draw().events, shape.draw().events, "{kind:?}");
        let other = Shape { seed: 2, ..shape };
        assert_ne!(shape.draw().events, other.draw().events, "{kind:?}");
    }
}

#[test]
fn the_shape_is_kept() {
    for kind in Kind::ALL {
        let shape = Shape { indeterminate: 100, keys: 3, ..Shape::new(kind, 3_000, 12) };
        let history = shape.history(&[]);
        assert_eq!(history.operations().len(), shape.operations);
        assert_eq!(calls(&history).len(), shape.keys);
        let unknown = history.operations().iter().filter(|operation| {
            matches!(operation.completed, Some((_, _, Completion::Info { .. })))
        });
        let changing = history.operations().iter().filter(|it| !it.op.kind().only_looks()).count();
        let share = unknown.count() * 100 / changing;
        assert!((7..=13).contains(&share), "{kind:?}: {share} %");
    }
}

/// How many operations are open when another begins, on average.
fn open(history: &History) -> usize {
    let (mut open, mut sum) = (0, 0);
    for event in history.events() {
        match event.kind {
            fracas_checker::EventKind::Invoke { .. } => {
                sum += open;
                open += 1;
            }
            _ => open -= 1,
        }
    }
    sum / history.operations().len()
}

#[test]
fn about_as_many_operations_are_open_as_there_are_clients() {
    for clients in [1, 5, 20, 50] {
        let open = open(&Shape::new(Kind::Register, 5_000, clients).history(&[])) + 1;
        assert!((clients * 9 / 10..=clients).contains(&open), "{open} of {clients}");
    }
}

#[test]
fn values_are_written_once_or_are_few() {
    for (values, expect) in [(None, 500..1_000), (Some(5), 5..6)] {
        let history = Shape { values, ..Shape::new(Kind::Register, 1_000, 5) }.history(&[]);
        let mut written: Vec<_> =
            history.operations().iter().filter_map(|it| it.writes()).collect();
        let all = written.len();
        written.sort();
        written.dedup();
        assert!(values.is_some() || written.len() == all);
        assert!(written.len() > 400 || expect.contains(&written.len()), "{}", written.len());
    }
}

#[test]
fn what_is_written_is_read_back() {
    let shape = Shape { indeterminate: 50, ..Shape::new(Kind::CasRegister, 500, 5) };
    let mut file = Vec::new();
    shape.write(&["register/linearizable"], &mut file).expect("memory takes everything");
    let (history, torn) = jsonl::read(file.as_slice()).expect("our own lines");
    assert!(!torn);
    assert_eq!(history, shape.history(&["register/linearizable"]));
}
