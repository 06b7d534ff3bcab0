//! Workloads whose objects give numbers, whatever is promised of these: ids, timestamps.
//!
//! A number that nobody received is no trouble to anybody. So clients never wait for an answer, on no
//! node.

use fracas_checker::event::{Key, Op, OpKind};

use crate::look::{self, Look};
use crate::workload::Least;
use crate::{Lane, Load, Workload, names, readers};

/// The most numbers per second on each node where clients are to be as fast as possible.
const FAST: f64 = 200.0;

/// A workload that asks generators, as a row of a table.
pub(crate) struct Generators {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) checks: &'static [&'static str],
    pub(crate) prefix: &'static str,
}

impl Workload for Generators {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Generate]
    }

    fn checks(&self) -> &'static [&'static str] {
        self.checks
    }

    fn prefix(&self) -> &'static str {
        self.prefix
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Generate, 20)])
    }

    fn probe(&self) -> Option<Op> {
        Some(Op::Generate { key: names::ready(self.prefix) })
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let nodes = load.nodes.len().max(1) as f64;
        let rate = load.rate.map_or(FAST, |rate| FAST.min(rate / nodes));
        readers::of(&names::all(self.prefix, load), |key| Op::Generate { key }, (load, rate))
    }

    /// Nothing: a number that was given stays so, whatever is given next.
    fn looks(&self, _: &[Key]) -> Vec<Look> {
        Vec::new()
    }

    fn finals(&self, keys: &[Key]) -> Vec<Look> {
        look::each(keys, |key| Op::Generate { key })
    }
}
