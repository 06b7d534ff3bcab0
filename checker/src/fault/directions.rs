//! The directions that a fault touches, in words. What it does to them stands elsewhere.

use std::collections::BTreeMap;

use crate::identity::NodeId;

/// An ordered pair of nodes: from the first to the second.
pub type Cut = (NodeId, NodeId);

/// Every pair of nodes that is touched, those touched in both directions once: `n1⇄n3`, `n2→n4`.
#[must_use]
pub fn directions(pairs: &[Cut]) -> Vec<String> {
    let mut ways: BTreeMap<Cut, bool> = BTreeMap::new();
    for &(from, to) in pairs {
        match ways.get_mut(&(to, from)) {
            Some(both) => *both = true,
            None => {
                ways.insert((from, to), false);
            }
        }
    }
    let arrow = |both| if both { "⇄" } else { "→" };
    ways.into_iter().map(|((from, to), both)| format!("{from}{}{to}", arrow(both))).collect()
}
