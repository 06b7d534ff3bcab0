//! The wall clocks of some nodes are wrong.

use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Clock, Measurement, Stage};

use super::injector::{Injector, each};
use crate::cluster::Cluster;
use fracas_lab::{LabError, NodeProcess, clock};

/// Nanoseconds in a millisecond.
const MILLI: i64 = 1_000_000;

/// The clocks of these nodes are wrong in this way.
pub(super) struct Wrong {
    pub(super) nodes: Vec<NodeId>,
    pub(super) change: Clock,
}

impl Injector for Wrong {
    fn mechanism(&self, cluster: &Cluster) -> String {
        cluster.equipment().clock_means().to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        let wanted = Some(wanted(self.change));
        each(&self.nodes, "change the clock of", |node| cluster.equipment().set_clock(node, wanted))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        let measure = |process: &mut NodeProcess| cluster.equipment().measure_clock(process, stage);
        let each = self.nodes.iter().map(|node| cluster.running(*node, measure));
        each.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.nodes, "set right the clock of", |node| {
            cluster.equipment().set_clock(node, None)
        })
    }
}

/// The change as the lab names it.
fn wanted(change: Clock) -> clock::Clock {
    match change {
        Clock::Step { by_ms } => clock::Clock::Step { nanos: by_ms.saturating_mul(MILLI) },
        Clock::Drift { ppm } => {
            let most = if ppm < 0 { i32::MIN } else { i32::MAX };
            clock::Clock::Drift { ppm: i32::try_from(ppm).unwrap_or(most) }
        }
        Clock::Strobe { by_ms, every_ms } => clock::Clock::Strobe {
            nanos: by_ms.saturating_mul(MILLI),
            flip: Duration::from_millis(every_ms),
        },
        Clock::Freeze => clock::Clock::Freeze,
    }
}
