//! A queue that promises no order: a dequeue may take any element.
//!
//! A dequeue of which nobody saw the answer took one element, if there was one, and nobody knows
//! which: it can be any that was there *then*. So the state keeps the elements in layers, and under
//! each the number of such losses that had happened by then. The counterexample to a mere count of
//! losses: enqueue 1, lose one, enqueue 2, dequeue 1. A count would let the loss have been 2.
//!
//! What is legal: of the elements in the first layers there must always be left at least as many
//! as were lost by then (Hall's condition for nested choices). Which of several equal elements was
//! dequeued is not told; it counts as the latest of them, because what stays in an earlier layer
//! can make up for more losses.

use std::collections::BTreeMap;
use std::fmt;

use super::model::{Model, Refusal, tree_bytes};
use crate::op::{Op, Outcome, Value};
use crate::words;

/// The elements, with the losses among them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Bag {
    /// The oldest first. Every layer but the last has losses, and none but the last is empty.
    layers: Vec<Layer>,
}

/// Elements that came between two losses, by value, and the losses that came next.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Layer {
    elements: BTreeMap<Value, usize>,
    losses: usize,
}

impl Layer {
    fn len(&self) -> usize {
        self.elements.values().sum()
    }

    fn add(&mut self, value: &Value) {
        *self.elements.entry(value.clone()).or_default() += 1;
    }

    fn take(&mut self, value: &Value) {
        match self.elements.get_mut(value) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.elements.remove(value)),
        }
    }
}

impl Bag {
    fn losses(&self) -> usize {
        self.layers.iter().map(|layer| layer.losses).sum()
    }

    /// Whether nothing can be in it.
    fn is_empty(&self) -> bool {
        self.layers.iter().map(Layer::len).sum::<usize>() == self.losses()
    }

    fn with(mut self, value: &Value) -> Self {
        match self.layers.last_mut() {
            Some(layer) if layer.losses == 0 => layer.add(value),
            _ => {
                let mut layer = Layer::default();
                layer.add(value);
                self.layers.push(layer);
            }
        }
        self
    }

    /// After one unknown element was taken, if there was one.
    fn with_loss(mut self) -> Self {
        if !self.is_empty()
            && let Some(layer) = self.layers.last_mut()
        {
            layer.losses += 1;
        }
        self.settled()
    }

    /// After `value` was taken; none if it cannot have been there.
    fn without(mut self, value: &Value) -> Option<Self> {
        let from = self.layers.iter().rposition(|layer| layer.elements.contains_key(value))?;
        self.layers[from].take(value);
        let (mut left, mut lost) = (0, 0);
        for layer in &self.layers {
            (left, lost) = (left + layer.len(), lost + layer.losses);
            if left < lost {
                return None;
            }
        }
        Some(self.settled())
    }

    /// Forgets the elements that are lost for certain, and joins layers that need not be apart.
    fn settled(self) -> Self {
        let (mut left, mut lost, mut layers) = (0, 0, Vec::<Layer>::new());
        for layer in self.layers {
            (left, lost) = (left + layer.len(), lost + layer.losses);
            if left == lost {
                (left, lost) = (0, 0);
                layers.clear();
            } else if let (true, Some(before)) = (layer.elements.is_empty(), layers.last_mut()) {
                before.losses += layer.losses;
            } else {
                layers.push(layer);
            }
        }
        Self { layers }
    }
}

impl fmt::Display for Bag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut elements: Vec<&Value> = Vec::new();
        for layer in &self.layers {
            for (value, count) in &layer.elements {
                elements.extend(std::iter::repeat_n(value, *count));
            }
        }
        elements.sort_unstable();
        match (self.losses(), elements.is_empty()) {
            (_, true) => f.write_str("is empty"),
            (0, _) => write!(f, "holds {}", words::list(elements)),
            (lost, _) => write!(f, "holds {} less {lost} unknown", words::list(elements)),
        }
    }
}

impl Model for Bag {
    type Op = Op;
    type Outcome = Outcome;

    fn step(&self, op: &Op, outcome: Option<&Outcome>) -> Result<Self, Refusal> {
        match (op, outcome) {
            (Op::Enqueue { value, .. }, Some(Outcome::Enqueue) | None) => {
                Ok(self.clone().with(value))
            }
            (Op::Dequeue { .. }, None) => Ok(self.clone().with_loss()),
            (Op::Dequeue { .. }, Some(Outcome::Dequeue { value: Some(value) })) => self
                .clone()
                .without(value)
                .ok_or_else(|| Refusal(format!("here {value} is not in the queue"))),
            (Op::Dequeue { .. }, Some(Outcome::Dequeue { value: None })) if self.is_empty() => {
                Ok(self.clone())
            }
            (Op::Dequeue { .. }, Some(Outcome::Dequeue { value: None })) => {
                Err(Refusal(format!("here the queue {self}")))
            }
            _ => Err(Refusal(format!("a queue does not answer `{op}` so"))),
        }
    }

    fn bytes(&self) -> usize {
        let elements = |layer: &Layer| tree_bytes::<(Value, usize)>(layer.elements.len());
        let layers = self.layers.capacity() * size_of::<Layer>();
        size_of_val(self) + layers + self.layers.iter().map(elements).sum::<usize>()
    }

    fn observes(_: &Op, outcome: Option<&Outcome>) -> bool {
        matches!(outcome, Some(Outcome::Dequeue { value: None }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::outcome_of::outcome_of;
    use super::*;

    fn enqueue(value: i64) -> (Op, Option<Outcome>) {
        (Op::Enqueue { key: "q".into(), value: value.into() }, Some(Outcome::Enqueue))
    }

    fn dequeue(value: Option<i64>) -> (Op, Option<Outcome>) {
        let value = value.map(Value::Int);
        (Op::Dequeue { key: "q".into() }, Some(Outcome::Dequeue { value }))
    }

    fn unseen() -> (Op, Option<Outcome>) {
        (Op::Dequeue { key: "q".into() }, None)
    }

    fn run(steps: &[(Op, Option<Outcome>)]) -> Result<Bag, Refusal> {
        let step =
            |state: Bag, (op, outcome): &(Op, Option<Outcome>)| state.step(op, outcome.as_ref());
        steps.iter().try_fold(Bag::default(), step)
    }

    #[track_caller]
    fn check(steps: &[(Op, Option<Outcome>)], expect: &str) {
        assert_eq!(outcome_of::<Bag>(steps.iter().cloned()), expect);
    }

    #[test]
    fn a_bag_answers_in_any_order() {
        check(&[], "is empty");
        check(&[enqueue(2), enqueue(1), enqueue(2)], "holds 1, 2 and 2");
        check(
            &[enqueue(1), enqueue(2), dequeue(Some(2)), dequeue(Some(1)), dequeue(None)],
            "is empty",
        );
        check(&[unseen(), enqueue(1), enqueue(2), unseen()], "holds 1 and 2 less 1 unknown");
        check(&[enqueue(1), enqueue(2), unseen(), dequeue(Some(1)), dequeue(None)], "is empty");
    }

    #[test]
    fn a_bag_refuses_with_its_reason() {
        check(&[dequeue(Some(1))], "here 1 is not in the queue");
        check(&[enqueue(1), dequeue(None)], "here the queue holds 1");
        let late = [enqueue(1), unseen(), enqueue(2), dequeue(Some(1))];
        check(&late, "here 1 is not in the queue");
        let wrong = (enqueue(1).0, Some(Outcome::Add));
        check(&[wrong], "a queue does not answer `enqueue 1 to q` so");
    }

    /// Every content that is possible after `steps`, choosing each loss when it happens.
    fn possible(steps: &[(Op, Option<Outcome>)]) -> BTreeSet<Vec<Value>> {
        let mut states = BTreeSet::from([Vec::new()]);
        for (op, outcome) in steps {
            let mut next = BTreeSet::new();
            for state in states {
                next.extend(after(&state, op, outcome.as_ref()));
            }
            states = next;
        }
        states
    }

    fn after(state: &[Value], op: &Op, outcome: Option<&Outcome>) -> Vec<Vec<Value>> {
        let without = |place: usize| [&state[..place], &state[place + 1..]].concat();
        match (op, outcome) {
            (Op::Enqueue { value, .. }, _) => {
                let mut next = [state, std::slice::from_ref(value)].concat();
                next.sort();
                vec![next]
            }
            (_, Some(Outcome::Dequeue { value: Some(value) })) => {
                state.iter().position(|element| element == value).map(without).into_iter().collect()
            }
            (_, Some(_)) if !state.is_empty() => Vec::new(),
            (_, None) if !state.is_empty() => (0..state.len()).map(without).collect(),
            _ => vec![state.to_vec()],
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn losses_chosen_late_are_as_legal_as_losses_chosen_at_once(
            drawn in prop::collection::vec((0..6_u8, 0..3_i64), 0..12),
        ) {
            let step = |(kind, value)| match kind {
                0..=2 => enqueue(value),
                3 => unseen(),
                4 => dequeue(None),
                _ => dequeue(Some(value)),
            };
            let steps: Vec<_> = drawn.into_iter().map(step).collect();
            prop_assert_eq!(run(&steps).is_ok(), !possible(&steps).is_empty(), "{:?}", steps);
        }
    }
}
