//! Ids: generators are asked for one after the other, on every node.
//!
//! An id that nobody received is no trouble to anybody. So clients never wait for an answer, on no
//! node.

use fracas_checker::event::{Key, Op, OpKind};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Lane, Size, Workload, names, readers};

const PREFIX: &str = "ids-";
/// The most ids per second on each node where clients are to be as fast as possible.
const FAST: f64 = 200.0;

/// The workload `ids`.
pub(crate) struct Ids;

impl Workload for Ids {
    fn name(&self) -> &'static str {
        "ids"
    }

    fn about(&self) -> &'static str {
        "ids are generated on every node, without ever waiting for an answer"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Generate]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["unique-ids/unique"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Generate, 20)])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Generate { key: "ids-ready".into() })
    }

    fn lanes(&self, size: &Size) -> Vec<Lane> {
        let nodes = size.nodes.len().max(1) as f64;
        let rate = size.rate.map_or(FAST, |rate| FAST.min(rate / nodes));
        readers::of(&names::all(PREFIX, size), |key| Op::Generate { key }, (size, rate))
    }

    /// Nothing: an id that was given once stays so, whatever is given next.
    fn looks(&self, _: &[Key]) -> Vec<Look> {
        Vec::new()
    }

    fn finals(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::Generate { key })
    }
}
