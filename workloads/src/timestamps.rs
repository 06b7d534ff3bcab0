//! Timestamps: an oracle is asked for one after the other, on every node.
//!
//! What is asked on one node after another node has answered must be greater, so every node asks the
//! same few oracles. As a timestamp that nobody received is no trouble to anybody, clients never wait
//! for an answer.

use fracas_checker::event::{Key, Op, OpKind};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Lane, Size, Workload, names, readers};

const PREFIX: &str = "timestamps-";
/// The most timestamps per second on each node where clients are to be as fast as possible.
const FAST: f64 = 200.0;

/// The workload `timestamps`.
pub(crate) struct Timestamps;

impl Workload for Timestamps {
    fn name(&self) -> &'static str {
        "timestamps"
    }

    fn about(&self) -> &'static str {
        "timestamps are asked for on every node, each to be greater than all that were given before"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Generate]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["timestamps/increasing"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Generate, 20)])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Generate { key: "timestamps-ready".into() })
    }

    fn lanes(&self, size: &Size) -> Vec<Lane> {
        let nodes = size.nodes.len().max(1) as f64;
        let rate = size.rate.map_or(FAST, |rate| FAST.min(rate / nodes));
        readers::of(&names::all(PREFIX, size), |key| Op::Generate { key }, (size, rate))
    }

    /// Nothing: a timestamp that was given stays the greatest until the next one is.
    fn looks(&self, _: &[Key]) -> Vec<Look> {
        Vec::new()
    }

    fn finals(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::Generate { key })
    }
}
