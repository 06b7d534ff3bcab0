//! What a partition says of one key: its records in the order of the log, each of which does something
//! to the key. The order of the log decides, so every client comes to the same.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The key that it is about.
    pub(super) key: String,
    /// Whose record it is: no two have the same.
    pub(super) id: String,
    /// What it does.
    pub(super) action: Action,
}

/// What a record does to its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    /// Nothing: it marks a place.
    Look,
    Set(Value),
    Append(String),
    Put(Value),
    Take,
    Add(i64),
    Remove(i64),
}

/// What a key is after the records so far.
#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    /// A register or a text.
    pub(super) value: Value,
    pub(super) set: BTreeSet<i64>,
    queue: VecDeque<Value>,
    /// What the last record took out of the queue.
    pub(super) taken: Option<Value>,
}

impl State {
    /// After these records of one key.
    pub(super) fn after<'a>(all: impl Iterator<Item = &'a Action>) -> Self {
        let mut state = Self::default();
        all.for_each(|action| state.apply(action));
        state
    }

    fn apply(&mut self, action: &Action) {
        self.taken = None;
        match action {
            Action::Look => {}
            Action::Set(value) => self.value = value.clone(),
            Action::Append(text) => {
                self.value = (self.value.as_str().unwrap_or_default().to_owned() + text).into();
            }
            Action::Put(value) => self.queue.push_back(value.clone()),
            Action::Take => self.taken = self.queue.pop_front(),
            Action::Add(element) => drop(self.set.insert(*element)),
            Action::Remove(element) => drop(self.set.remove(element)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn after(all: &[Action]) -> State {
        State::after(all.iter())
    }

    #[test]
    fn the_order_of_the_log_decides() {
        let (first, second) = (json!(1), json!(2));
        let puts = [Action::Put(first.clone()), Action::Put(second.clone())];
        let taken = |takes: usize| {
            let all = puts.iter().cloned().chain(std::iter::repeat_n(Action::Take, takes));
            after(&Vec::from_iter(all)).taken
        };
        assert_eq!(
            (taken(0), taken(1), taken(2), taken(3)),
            (None, Some(first), Some(second), None)
        );
        assert_eq!(after(&[Action::Take, Action::Put(json!(3)), Action::Look]).taken, None);
        let text = after(&[Action::Append("a".into()), Action::Append("b".into())]).value;
        assert_eq!(text, json!("ab"));
        assert_eq!(after(&[Action::Set(json!(1)), Action::Set(json!(2))]).value, json!(2));
        assert_eq!(after(&[]).value, Value::Null);
        let set =
            after(&[Action::Add(1), Action::Add(2), Action::Remove(1), Action::Remove(3)]).set;
        assert_eq!(Vec::from_iter(set), [2]);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for action in [Action::Look, Action::Take, Action::Set(json!("x")), Action::Remove(-4)] {
            let entry = Entry { key: "k".into(), id: "1-2".into(), action };
            let text = serde_json::to_vec(&entry).unwrap();
            assert_eq!(serde_json::from_slice::<Entry>(&text).unwrap(), entry);
        }
    }
}
