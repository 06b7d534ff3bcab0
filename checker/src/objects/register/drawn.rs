//! Random histories of one register, for the tests of this crate's inside. Tests from outside draw
//! their own.

use crate::linearizability::call::Call;
use crate::op::{Op, Outcome, Value};

/// A small generator of numbers, the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// One operation and its interval.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    op: Op,
    outcome: Outcome,
    start: u64,
    end: Option<u64>,
}

/// A legal execution of `count` operations, each with an interval around its instant; every write
/// with a value of its own, or one of `values`.
pub(crate) fn execution(dice: &mut Dice, count: usize, values: Option<u64>) -> Vec<Drawn> {
    let (mut state, mut now, mut drawn) = (None, 6, Vec::new());
    for own in 0..count as i64 {
        now += dice.below(4);
        let new = Value::Int(values.map_or(own, |values| dice.below(values) as i64));
        let other = Value::Int(dice.below(values.unwrap_or(own.unsigned_abs() + 1)) as i64);
        let key = "k".into();
        let (op, outcome, after) = match (dice.below(7), state.clone()) {
            (0 | 1, held) => (Op::Read { key }, Outcome::Read { value: held.clone() }, held),
            (2, Some(old)) => (Op::Cas { key, old, new: new.clone() }, Outcome::Cas, Some(new)),
            (3, held) if held.as_ref() != Some(&other) => {
                let outcome = Outcome::CasFound { value: held.clone() };
                (Op::Cas { key, old: other, new }, outcome, held)
            }
            (4, held) if held.as_ref() != Some(&other) => {
                (Op::Cas { key, old: other, new }, Outcome::CasDiffers, held)
            }
            (5, held) => {
                (Op::Swap { key, value: new.clone() }, Outcome::Swap { value: held }, Some(new))
            }
            _ => (Op::Write { key, value: new.clone() }, Outcome::Write, Some(new)),
        };
        state = after;
        let start = now - dice.below(7);
        let end = (dice.below(5) > 0).then(|| now + dice.below(7));
        drawn.push(Drawn { op, outcome, start, end });
    }
    drawn
}

/// The same with one answer replaced by another.
pub(crate) fn spoilt(dice: &mut Dice, mut drawn: Vec<Drawn>) -> Vec<Drawn> {
    let (place, value) = (dice.below(drawn.len() as u64), dice.below(drawn.len() as u64) as i64);
    let operation = &mut drawn[place as usize];
    match (&mut operation.op, &mut operation.outcome) {
        (
            _,
            Outcome::Read { value: seen }
            | Outcome::CasFound { value: seen }
            | Outcome::Swap { value: seen },
        ) => *seen = Some(Value::Int(value)),
        (Op::Cas { old, .. }, _) => *old = Value::Int(value),
        _ => {}
    }
    drawn
}

impl Drawn {
    fn call(&self) -> Call<'_> {
        let outcome = self.end.map(|_| &self.outcome);
        Call { id: 0, op: &self.op, outcome, start: self.start, end: self.end }
    }
}

/// The calls, in the order of invocation.
pub(crate) fn calls(drawn: &[Drawn]) -> Vec<Call<'_>> {
    let told = |operation: &&Drawn| operation.end.is_some() || !operation.op.kind().only_looks();
    let mut calls: Vec<Call<'_>> = drawn.iter().filter(told).map(Drawn::call).collect();
    calls.sort_by_key(|call| call.start);
    calls.iter_mut().zip(0..).for_each(|(call, id)| call.id = id);
    calls
}
