//! Queues: first in, first out. What was handed out is gone, whether or not the answer arrived.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::object::{Answer, Never, Object, Outcome, Place};
use crate::bugs::Bug;
use crate::identity::Index;

/// A queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    waiting: VecDeque<i64>,
    /// [`Bug::QueueRedeliversAfterTimeout`]: what was handed out and not confirmed, by where.
    out: BTreeMap<Index, i64>,
}

/// What can be done to a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Puts an element at the end.
    Enqueue {
        /// The element.
        value: i64,
    },
    /// Takes the element at the front, if there is one.
    Dequeue,
    /// A planted bug's: the answers to these dequeues were sent.
    Confirm {
        /// Where the dequeues stand.
        taken: Vec<Index>,
    },
    /// A planted bug's: puts what a dequeue took back at the front, unless it was confirmed.
    Return {
        /// Where the dequeue stands.
        taken: Index,
    },
}

impl Queue {
    /// The dequeues that were not confirmed; none without the planted bug.
    pub fn unconfirmed(&self) -> impl Iterator<Item = Index> {
        self.out.keys().copied()
    }
}

impl Object for Queue {
    type Change = Change;
    type Query = Never;

    fn change(&mut self, change: &Change, place: &Place) -> Outcome {
        match change {
            Change::Enqueue { value } => self.waiting.push_back(*value),
            Change::Dequeue => {
                let value = self.waiting.pop_front();
                if place.bug == Some(Bug::QueueRedeliversAfterTimeout) {
                    self.out.extend(value.map(|value| (place.index, value)));
                }
                return Ok(Answer::Value { value });
            }
            Change::Confirm { taken } => self.out.retain(|index, _| !taken.contains(index)),
            Change::Return { taken } => {
                self.out.remove(taken).into_iter().for_each(|value| self.waiting.push_front(value));
            }
        }
        Ok(Answer::Done {})
    }

    fn look(&self, query: &Never) -> Answer {
        match *query {}
    }
}
