//! Some nodes are ended politely and started with another program, as in a rolling upgrade; or again
//! with the first one, as when an upgrade is taken back.
//!
//! It is no part of the usual mix: no program becomes another one by itself.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, RestartAs, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Facts, Measure};
use serde::{Deserialize, Serialize};

use super::down::Down;
use super::injector::Injector;
use super::kind::{Around, Does, Entry, Given, KindOfFault, Missing};
use super::on::On;
use super::restart::MECHANISM;
use super::victims::Victims;
use crate::cluster::{Cluster, End};
use crate::means::Wanted;

/// End servers by their own signal, and start them with another program at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// Whether they go back to the program that was started first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
}

impl Upgrade {
    fn returns(self) -> RestartAs {
        if self.back { RestartAs::FirstBinary } else { RestartAs::NextBinary }
    }
}

impl KindOfFault for Upgrade {
    const ENTRY: Entry = Entry {
        word: "upgrade",
        about: "some nodes are ended by their own signal, and started with the program of \
                `--binary-next`, or again with the first one",
        proven_by: "how the servers ended, and the file that their processes execute",
        keys: &["back"],
        between: false,
        takes: None,
        tried_by: &[("stop", MECHANISM)],
        trials: &[],
        try_out: None,
    };

    const UNNAMED: bool = false;

    fn usual() -> Vec<Self> {
        vec![Self { back: false }, Self { back: true }]
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }
}

impl Does for Upgrade {
    fn manner(&self) -> String {
        self.returns().to_string()
    }

    fn fits(&self, around: &Around<'_>) -> bool {
        around.again.contains(&RestartAs::NextBinary)
    }

    fn victims(&self, nodes: u16) -> &'static [Victims] {
        Victims::of_servers(nodes)
    }

    fn proof_ms(&self) -> u64 {
        500
    }

    fn missing(&self, given: Given<'_>) -> Option<Missing> {
        let missing = ("the binary that nodes come back with", "--binary-next");
        (!given.again.contains(&RestartAs::NextBinary)).then_some(missing)
    }

    fn effect(&self, on: &On) -> Effect {
        Effect::NodeDown { nodes: on.nodes().to_vec(), returns: self.returns(), loses: None }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        let (nodes, again) = (on.nodes().to_vec(), self.returns());
        Box::new(Replaced { nodes, again, down: Down::default() })
    }
}

/// These nodes are gone for a while, and run another program afterwards.
struct Replaced {
    nodes: Vec<NodeId>,
    /// With which program they are started again.
    again: RestartAs,
    down: Down,
}

impl Injector for Replaced {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.end(cluster, &self.nodes, End::Stopped)
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let mut measured = cluster.measure_end(&self.nodes, stage, End::Stopped)?;
        if stage == Stage::Healed {
            let binary = cluster.binary(self.again);
            let programs = self.nodes.iter().map(|node| Measure::Program(*node, binary.clone()));
            measured.extend(cluster.measure(programs, stage)?);
        }
        Ok(measured)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.start(cluster, &self.nodes, self.again)
    }
}
