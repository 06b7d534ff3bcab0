//! Who leads which generation: a map that is written once per generation.
//!
//! It states in three lines what the leadership check decides by sorting, so that the two can be
//! held against each other.

use std::collections::BTreeMap;
use std::fmt;

use super::model::{Model, Refusal, tree_bytes};
use crate::event::NodeId;
use crate::op::{Op, Outcome};

/// The leader of every generation that has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Leaders(pub BTreeMap<u64, NodeId>);

impl fmt::Display for Leaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reigns: Vec<_> = self.0.iter().map(|(g, node)| format!("{g}: {node}")).collect();
        write!(f, "leaders {{{}}}", reigns.join(", "))
    }
}

impl Model for Leaders {
    type Op = Op;
    type Outcome = Outcome;

    /// A claim is legal unless another node leads that generation.
    fn step(&self, op: &Op, _: Option<&Outcome>) -> Result<Self, Refusal> {
        let Op::Claim { generation, node } = op else {
            return Err(Refusal(format!("`{op}` is not a claim")));
        };
        let mut next = self.clone();
        match next.0.insert(*generation, *node) {
            Some(other) if other != *node => {
                Err(Refusal(format!("generation {generation} is led by {other}")))
            }
            _ => Ok(next),
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(self) + tree_bytes::<(u64, NodeId)>(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome_of::outcome_of;
    use super::*;

    #[track_caller]
    fn check(claims: &[(u64, u16)], expect: &str) {
        let claim = |&(generation, node): &(u64, u16)| {
            (Op::Claim { generation, node: NodeId(node) }, Some(Outcome::Claim))
        };
        assert_eq!(outcome_of::<Leaders>(claims.iter().map(claim)), expect);
    }

    #[test]
    fn a_generation_has_one_leader() {
        check(&[], "leaders {}");
        check(&[(1, 1), (1, 1), (2, 3)], "leaders {1: n1, 2: n3}");
        check(&[(2, 3), (1, 1)], "leaders {1: n1, 2: n3}");
        check(&[(1, 1), (1, 2)], "generation 1 is led by n1");
    }
}
