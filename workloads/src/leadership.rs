//! A light load that keeps the cluster electing and acknowledging while the observer watches.
//!
//! What it is judged by comes mostly from the observer: who claims to lead, and in which
//! generation. Its writes add the strongest evidence, where a target stamps its answers with node
//! and generation.

use fracas_checker::event::{Key, NodeId, Op, OpKind};

use crate::look::{self, Look};
use crate::workload::{Least, Part};
use crate::{Draw, Lane, Load, Stream, Workload, readers};

/// Writes per second and node; fewer where the user asks for less in all.
const RATE: f64 = 4.0;
/// Reads per second and node.
const READS: f64 = 2.0;

const PREFIX: &str = "leader-";

/// The workload `leadership`.
pub(crate) struct Leadership;

impl Workload for Leadership {
    fn name(&self) -> &'static str {
        "leadership"
    }

    fn about(&self) -> &'static str {
        "a light load of writes on every node while role and generation are watched"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Write]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["leader/one-per-generation"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    /// What is written are registers, if anybody judges them.
    fn kinds(&self) -> &'static [&'static str] {
        &["register/linearizable"]
    }

    fn least(&self) -> Least {
        let ok = &[(OpKind::Write, 10)];
        Least { ok, handovers: 0, elections: 1 }
    }

    fn part(&self) -> Part {
        Part::Light
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Read { key: "leader-ready".into() })
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::Read { key })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let rate = Some(load.light_rate(RATE, load.nodes.len()));
        let lane = |node| Lane {
            node,
            rate,
            seeks_leader: false,
            overlaps: false,
            stream: Box::new(Heartbeat { key: name(node) }),
        };
        let keys: Vec<Key> = load.nodes.iter().copied().map(name).collect();
        let readers = readers::lanes(load, &keys, load.light_rate(READS, load.nodes.len()));
        load.nodes.iter().copied().map(lane).chain(readers).collect()
    }
}

/// The name of a node's register.
fn name(node: NodeId) -> Key {
    format!("{PREFIX}{node}").into()
}

/// One register per node, written over and over.
struct Heartbeat {
    key: Key,
}

impl Stream for Heartbeat {
    fn next(&mut self, draw: &mut Draw) -> Op {
        Op::Write { key: self.key.clone(), value: draw.fresh_value() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_written_through() {
        let nodes = vec![NodeId(1), NodeId(2)];
        let load = Load {
            nodes: nodes.clone(),
            clients: 9,
            rate: None,
            keys: 3,
            serves: [OpKind::Write].into(),
        };
        let lanes = Leadership.lanes(&load);
        assert_eq!(lanes.iter().map(|lane| lane.node).collect::<Vec<_>>(), nodes);
    }
}
