//! Some nodes lose their power: they are gone at once, and with them what was not yet durable.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Loss, Measurement, RestartAs, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Facts, Order};
use fracas_lab::disk::{self, Lost, Unit};
use serde::{Deserialize, Serialize};

use super::down::Down;
use super::injector::Injector;
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::victims::Victims;
use crate::cluster::{Cluster, End};
use crate::means::{ClockMeans, Gear, Wanted};

/// Kill all processes, lose what was not durable, and start them again at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power {
    /// What is lost.
    pub loss: Loss,
}

/// By what means.
const MECHANISM: &str = "sigkill, fuse";

impl KindOfFault for Power {
    const ENTRY: Entry = Entry {
        word: "power",
        about: "some nodes are killed and lose what was not yet durable on their disks",
        proven_by: "the processes, and counts of bytes, pages and entries lost",
        keys: &["loss"],
        between: false,
        takes: Some(Gear::Disk),
        tried_by: &[("disk", MECHANISM)],
        trials: &[],
        try_out: None,
    };

    fn usual() -> Vec<Self> {
        Loss::ALL.map(|loss| Self { loss }).into()
    }

    fn mechanism(_: &Facts, wanted: &Wanted) -> String {
        format!("{MECHANISM}; {}", wanted.disk_age.told())
    }

    fn lacks(_: ClockMeans) -> Option<String> {
        fracas_lab::lacks_disks()
    }
}

impl Does for Power {
    fn manner(&self) -> String {
        self.loss.to_string()
    }

    fn victims(&self, nodes: u16) -> &'static [Victims] {
        Victims::of_servers(nodes)
    }

    fn proof_ms(&self) -> u64 {
        120
    }

    fn effect(&self, on: &On) -> Effect {
        let (returns, loses) = (RestartAs::Same, Some(self.loss));
        Effect::NodeDown { nodes: on.nodes().to_vec(), returns, loses }
    }

    fn injector(&self, id: u32, on: &On) -> Box<dyn Injector> {
        let torn = |unit| disk::Loss::Torn { seed: id.into(), unit };
        let loss = match self.loss {
            Loss::All => disk::Loss::All,
            Loss::Pages => torn(Unit::Page),
            Loss::Sectors => torn(Unit::Sector),
        };
        let (nodes, lost, down) = (on.nodes().to_vec(), Vec::new(), Down::default());
        Box::new(Dark { nodes, loss, lost, down })
    }
}

/// These nodes are without power for a while.
struct Dark {
    nodes: Vec<NodeId>,
    loss: disk::Loss,
    /// What each disk lost.
    lost: Vec<(NodeId, Lost)>,
    down: Down,
}

impl Injector for Dark {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        let mut problems = self.down.end(cluster, &self.nodes, End::Killed);
        // Only now: what a process wrote through memory reaches the disk when it is reaped.
        for node in &self.nodes {
            match cluster.ask::<Vec<Lost>>(&Order::Lose(*node, self.loss)) {
                Ok(lost) => self.lost.extend(lost.into_iter().map(|lost| (*node, lost))),
                Err(error) => problems.push(format!("failed to let {node} forget: {error}")),
            }
        }
        problems
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let mut measured = cluster.measure_end(&self.nodes, stage, End::Killed)?;
        if stage == Stage::Injected {
            measured.extend(self.lost.iter().map(|(node, lost)| {
                // From a server that has synced all it must, a power failure takes nothing. It has
                // failed all the same: the processes are gone, and the disk was told to forget.
                let holds = lost.problems.is_empty();
                Measurement { holds, ..disk::proofs::loss(*node, lost) }
            }));
        }
        Ok(measured)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        self.down.start(cluster, &self.nodes, RestartAs::Same)
    }
}
