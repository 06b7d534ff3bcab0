//! Faults by what they do, for tests that do not care how they are written down.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Clock, Cut, Effect, Fault, FaultKind, Loss, RestartAs, Trouble};

/// The kind that is called so.
pub(crate) fn kind(word: &str) -> FaultKind {
    FaultKind::new(word).expect("a plain word")
}

/// A fault of one effect.
pub(crate) fn fault(word: &str, manner: &str, effect: Effect) -> Fault {
    Fault { kind: kind(word), manner: manner.to_owned(), effects: vec![effect] }
}

pub(crate) fn kill(nodes: Vec<NodeId>) -> Fault {
    fault("kill", "", Effect::NodeDown { nodes, returns: RestartAs::Same, loses: None })
}

pub(crate) fn power(nodes: Vec<NodeId>) -> Fault {
    let (returns, loses) = (RestartAs::Same, Some(Loss::All));
    fault("power", &Loss::All.to_string(), Effect::NodeDown { nodes, returns, loses })
}

pub(crate) fn pause(nodes: Vec<NodeId>) -> Fault {
    fault("pause", "", Effect::NodeStopped { nodes })
}

pub(crate) fn remove(nodes: Vec<NodeId>, forget: bool) -> Fault {
    fault("membership", "", Effect::NodeRemoved { nodes, forget })
}

/// One process of these nodes stands still.
pub(crate) fn pause_process(nodes: Vec<NodeId>) -> Fault {
    let process = "agent".into();
    fault("pause", "agent alone", Effect::ProcessStopped { nodes, process })
}

/// One process of these nodes is gone.
pub(crate) fn kill_process(nodes: Vec<NodeId>) -> Fault {
    let process = "agent".into();
    fault("kill", "agent alone", Effect::ProcessDown { nodes, process })
}

pub(crate) fn cut(pairs: Vec<Cut>) -> Fault {
    fault("partition", "halves", Effect::LinkCut { pairs })
}

pub(crate) fn clock(nodes: Vec<NodeId>) -> Fault {
    let change = Clock::Drift { ppm: 100_000 };
    fault("clock", &change.to_string(), Effect::ClockWrong { nodes, change })
}

pub(crate) fn suffers(manner: &str, nodes: Vec<NodeId>, of: Trouble) -> Fault {
    fault("disk", manner, Effect::Hardship { nodes, of })
}
