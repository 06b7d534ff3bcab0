//! What a call says of a register, and numbers for the values it names.
//!
//! The same as [`Register::effect`] says, without building states: a history of a million calls is
//! looked at in a tenth of a second. A test holds the two against each other.

use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::op::{Op, Outcome, Value};

/// What is known of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact<'a> {
    /// It saw what the register held.
    Sees(Option<&'a Value>),
    /// It set the register, or may have.
    Writes(&'a Value),
    /// It found `old` and left `new`, another value; or may have.
    Changes {
        /// What it found; none is “absent”.
        old: Option<&'a Value>,
        /// What it left.
        new: &'a Value,
    },
    /// It saw that the register did not hold this.
    Differs(&'a Value),
    /// It was answered what no register answers.
    Impossible,
    /// It says nothing: it may never have taken effect, or changes nothing if it did.
    Nothing,
}

impl<'a> Fact<'a> {
    pub(super) fn of(call: &Call<'a>) -> Self {
        match (call.op, call.outcome) {
            (Op::Write { value, .. }, Some(Outcome::Write) | None)
            | (Op::Swap { value, .. }, None) => Self::Writes(value),
            (Op::Swap { value: new, .. }, Some(Outcome::Swap { value: old })) => {
                Self::changes(old.as_ref(), new)
            }
            (Op::Cas { old, new, .. }, Some(Outcome::Cas) | None) if old != new => {
                Self::changes(Some(old), new)
            }
            _ if call.end.is_none() => Self::Nothing,
            (Op::Read { .. }, Some(Outcome::Read { value })) => Self::Sees(value.as_ref()),
            (Op::Cas { old, .. }, Some(Outcome::Cas) | None) => Self::Sees(Some(old)),
            (Op::Cas { old, .. }, Some(Outcome::CasFound { value }))
                if value.as_ref() != Some(old) =>
            {
                Self::Sees(value.as_ref())
            }
            (Op::Cas { old, .. }, Some(Outcome::CasDiffers)) => Self::Differs(old),
            _ => Self::Impossible,
        }
    }

    /// It found `old` and left `new`: a look, if they are the same.
    fn changes(old: Option<&'a Value>, new: &'a Value) -> Self {
        if old == Some(new) { Self::Sees(old) } else { Self::Changes { old, new } }
    }

    /// The value it leaves behind, if it changes the register.
    pub(super) fn leaves(self) -> Option<&'a Value> {
        match self {
            Self::Writes(value) | Self::Changes { new: value, .. } => Some(value),
            _ => None,
        }
    }

    /// The value that must have been there; the inner none is “absent”.
    pub(super) fn needs(self) -> Option<Option<&'a Value>> {
        match self {
            Self::Sees(value) => Some(value),
            Self::Changes { old, .. } => Some(old),
            _ => None,
        }
    }
}

/// Numbers for values, in the order in which they are first met, from 1.
///
/// Whole numbers near the first one are found by place, all other values by hash: workloads count
/// their values up.
pub(super) struct Ids<'a> {
    /// The number of `base + place`; 0 where it has none yet.
    near: Vec<u32>,
    base: Option<i64>,
    far: Map<&'a Value, u32>,
    last: u32,
}

/// How many numbers are found by place, as a multiple of the calls. What is never touched costs no
/// memory.
const SPREAD: usize = 4;

impl<'a> Ids<'a> {
    pub(super) fn new(calls: usize) -> Self {
        let near = vec![0; SPREAD * calls + 1];
        Self { near, base: None, far: Map::default(), last: 0 }
    }

    /// The number of `value`, and whether it was met for the first time.
    pub(super) fn of(&mut self, value: &'a Value) -> (u32, bool) {
        let known = match self.place(value) {
            Some(place) => &mut self.near[place],
            None => self.far.entry(value).or_insert(0),
        };
        let fresh = *known == 0;
        if fresh {
            self.last += 1;
            *known = self.last;
        }
        (*known, fresh)
    }

    /// The number of `value`; 0 if it was never met.
    pub(super) fn known(&self, value: &Value) -> u32 {
        match self.base.and_then(|base| self.near_to(base, value)) {
            Some(place) => self.near[place],
            None => self.far.get(value).copied().unwrap_or(0),
        }
    }

    /// Skips a number.
    pub(super) fn skip(&mut self) {
        self.last += 1;
    }

    /// The place of a whole number that is near.
    fn place(&mut self, value: &Value) -> Option<usize> {
        let Value::Int(number) = value else { return None };
        let half = (self.near.len() / 2) as i64;
        let base = *self.base.get_or_insert(number.saturating_sub(half));
        self.near_to(base, value)
    }

    fn near_to(&self, base: i64, value: &Value) -> Option<usize> {
        let Value::Int(number) = value else { return None };
        let place = usize::try_from(number.checked_sub(base)?).ok()?;
        (place < self.near.len()).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Model, Register};

    #[track_caller]
    fn check(op: &Op, outcome: Option<&Outcome>) {
        let end = outcome.map(|_| 1);
        let call = Call { id: 0, op, outcome, start: 0, end };
        let fact = Fact::of(&call);
        let effect = Register::effect(op, outcome);
        let leaves = effect.as_ref().and_then(|effect| effect.leaves.clone());
        let needs = effect.as_ref().and_then(|effect| effect.needs.clone());
        let own_needs = fact.needs().map(|value| Register(value.cloned()));
        let own_leaves = fact.leaves().map(|value| Register(Some(value.clone())));
        match fact {
            Fact::Differs(_) => assert_eq!(outcome, Some(&Outcome::CasDiffers)),
            Fact::Impossible => {
                for state in [Register::default(), Register(Some(1.into()))] {
                    assert!(state.step(op, outcome).is_err(), "{op} {outcome:?}");
                }
            }
            Fact::Nothing => assert!(leaves.is_none() || leaves == needs, "{op} {outcome:?}"),
            _ => {
                assert_eq!(own_needs, needs, "{op} {outcome:?}");
                let changed = leaves.filter(|leaves| needs.as_ref() != Some(leaves));
                assert_eq!(own_leaves, changed, "{op} {outcome:?}");
            }
        }
    }

    #[test]
    fn facts_are_the_effects_of_the_model() {
        let key = || "k".into();
        let values = [Value::Int(1), Value::Int(2), Value::text("x")];
        let seen = || values.iter().cloned().map(Some).chain([None]);
        let mut outcomes = vec![Outcome::Write, Outcome::Cas, Outcome::CasDiffers];
        outcomes.extend(seen().map(|value| Outcome::Read { value }));
        outcomes.extend(seen().map(|value| Outcome::CasFound { value }));
        outcomes.extend(seen().map(|value| Outcome::Swap { value }));
        let mut ops = vec![Op::Read { key: key() }, Op::Dequeue { key: key() }];
        for value in &values {
            ops.push(Op::Write { key: key(), value: value.clone() });
            ops.push(Op::Swap { key: key(), value: value.clone() });
            let cas = |new: &Value| Op::Cas { key: key(), old: value.clone(), new: new.clone() };
            ops.extend(values.iter().map(cas));
        }
        for op in &ops {
            check(op, None);
            outcomes.iter().for_each(|outcome| check(op, Some(outcome)));
        }
    }

    #[test]
    fn values_are_numbered_as_they_come() {
        let values = [5, 6, 5, i64::MAX, i64::MIN, 4, i64::MIN].map(Value::Int);
        let text = Value::text("5");
        let mut ids = Ids::new(3);
        let mut numbers: Vec<u32> = values.iter().map(|value| ids.of(value).0).collect();
        numbers.push(ids.of(&text).0);
        assert_eq!(numbers, [1, 2, 1, 3, 4, 5, 4, 6]);
        let known: Vec<u32> = values.iter().map(|value| ids.known(value)).collect();
        assert_eq!(known, numbers[..values.len()]);
        assert_eq!((ids.known(&text), ids.known(&Value::Int(7))), (6, 0));
    }
}
