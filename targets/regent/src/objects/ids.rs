//! Generators of ids: no number is given twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object::{Answer, Never, Object, Outcome, Place};
use crate::identity::NodeId;

/// How many ids are in a block of a planted bug: more than a leader gives in a run.
pub const BLOCK: i64 = 100_000;

/// A generator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ids {
    given: i64,
    /// [`Bug::IdBlockForgottenAtRestart`](crate::bugs::Bug): where the block of each node begins.
    blocks: BTreeMap<NodeId, i64>,
}

/// What can be done to a generator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Gives an id.
    Next,
    /// A planted bug's: gives a node a block of ids, from the first on, which is the answer.
    Reserve {
        /// Which node.
        node: NodeId,
    },
}

impl Ids {
    /// Where the block of a node begins, if it has one.
    #[must_use]
    pub fn block(&self, node: &str) -> Option<i64> {
        self.blocks.get(node).copied()
    }
}

impl Object for Ids {
    type Change = Change;
    type Query = Never;

    fn change(&mut self, change: &Change, _: &Place) -> Outcome {
        let first = self.given + 1;
        match change {
            Change::Next => self.given += 1,
            Change::Reserve { node } => {
                self.given += BLOCK;
                self.blocks.insert(node.clone(), first);
            }
        }
        Ok(Answer::Value { value: Some(first) })
    }

    fn look(&self, query: &Never) -> Answer {
        match *query {}
    }
}
