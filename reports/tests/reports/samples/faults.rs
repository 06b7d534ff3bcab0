//! Faults by what they do.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Cut, Effect, Fault, FaultKind, Loss, RestartAs};

/// The kinds of faults that fracas has.
pub(crate) const KINDS: [&str; 9] =
    ["partition", "pause", "kill", "power", "clock", "slow", "loss", "disk", "starve"];

/// The kind that is called so.
pub(crate) fn kind(word: &str) -> FaultKind {
    FaultKind::new(word).expect("a plain word")
}

/// A fault of one effect.
pub(crate) fn fault(word: &str, manner: &str, effect: Effect) -> Fault {
    Fault { kind: kind(word), manner: manner.to_owned(), effects: vec![effect] }
}

pub(crate) fn cut(manner: &str, pairs: Vec<Cut>) -> Fault {
    fault("partition", manner, Effect::LinkCut { pairs })
}

pub(crate) fn pause(nodes: Vec<NodeId>) -> Fault {
    fault("pause", "", Effect::NodeStopped { nodes })
}

pub(crate) fn down(word: &str, nodes: Vec<NodeId>, loses: Option<Loss>) -> Fault {
    let manner = loses.map(|loss| loss.to_string()).unwrap_or_default();
    fault(word, &manner, Effect::NodeDown { nodes, returns: RestartAs::Same, loses })
}
