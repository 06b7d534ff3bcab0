//! The wall clocks of some nodes are wrong.

use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Clock as Change, Effect, Measurement, Stage};
use fracas_lab::clock::{self, ClockPage, FAKETIME_LIMITS, Faketime};
use fracas_lab::{Lab, LabError, Mechanism, NodeProcess};
use serde::{Deserialize, Serialize};

use super::injector::{Injector, each};
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::trial::{Attempt, Trial, build, proven, scratch, start_idle};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::{ClockMeans, Gear, Wanted};

/// Nanoseconds in a millisecond.
const MILLI: i64 = 1_000_000;

/// Make wall clocks wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// In what way.
    pub change: Change,
}

impl KindOfFault for Clock {
    const ENTRY: Entry = Entry {
        word: "clock",
        about: "the wall clocks of some nodes jump, drift, flicker or stand still",
        proven_by: "clock calls made in the node",
        keys: &["change"],
        between: false,
        takes: Some(Gear::Clock),
        tried_by: &[("clock", clock::MECHANISM)],
        trials: &[
            Trial { what: "clock", attempt: Attempt::Lab(step_and_back), instead: None },
            Trial { what: "faketime", attempt: Attempt::Lab(find_faketime), instead: None },
        ],
        try_out: None,
    };

    /// By more than any lease or time-out lasts, both ways, and fast enough to matter within a run.
    fn usual() -> Vec<Self> {
        let changes = [
            Change::Step { by_ms: 60_000 },
            Change::Step { by_ms: -60_000 },
            Change::Drift { ppm: 200_000 },
            Change::Strobe { by_ms: 5_000, every_ms: 50 },
            Change::Freeze,
        ];
        changes.map(|change| Self { change }).into()
    }

    fn mechanism(_: &Lab, wanted: &Wanted) -> String {
        let means = match wanted.clock {
            ClockMeans::Redirect => clock::MECHANISM,
            ClockMeans::Faketime => "faketime",
        };
        means.to_owned()
    }

    fn lacks(means: ClockMeans) -> Option<String> {
        match means {
            ClockMeans::Redirect => fracas_lab::lacks_clocks(),
            ClockMeans::Faketime => None,
        }
    }
}

impl Does for Clock {
    fn manner(&self) -> String {
        self.change.to_string()
    }

    fn victims(&self, _: u16) -> &'static [Victims] {
        &[Victims::Leader, Victims::Follower, Victims::All]
    }

    fn proof_ms(&self) -> u64 {
        300
    }

    fn effect(&self, on: &On) -> Effect {
        Effect::ClockWrong { nodes: on.nodes().to_vec(), change: self.change }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        Box::new(Wrong { nodes: on.nodes().to_vec(), change: self.change })
    }
}

/// The clocks of these nodes are wrong in this way.
struct Wrong {
    nodes: Vec<NodeId>,
    change: Change,
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
fn wanted(change: Change) -> clock::Clock {
    match change {
        Change::Step { by_ms } => clock::Clock::Step { nanos: by_ms.saturating_mul(MILLI) },
        Change::Drift { ppm } => {
            let most = if ppm < 0 { i32::MIN } else { i32::MAX };
            clock::Clock::Drift { ppm: i32::try_from(ppm).unwrap_or(most) }
        }
        Change::Strobe { by_ms, every_ms } => clock::Clock::Strobe {
            nanos: by_ms.saturating_mul(MILLI),
            flip: Duration::from_millis(every_ms),
        },
        Change::Freeze => clock::Clock::Freeze,
    }
}

/// Whether libfaketime is installed, and what it cannot do even so.
fn find_faketime() -> Result<String, LabError> {
    let file = scratch("fracas-doctor");
    let found = Faketime::find(&file);
    // The file is there for this one look only.
    let _gone = std::fs::remove_file(&file);
    found.map(|_| format!("installed; its limits: {}", FAKETIME_LIMITS.join("; ")))
}

/// Makes a node's wall clock wrong and right again.
fn step_and_back() -> Result<String, LabError> {
    const MINUTE: i64 = 60_000_000_000;
    let (lab, page) = (build(Mechanism::Auto)?, ClockPage::new()?);
    let mut node = start_idle(&lab, Some(page.clone()))?;
    page.set(clock::Clock::Step { nanos: MINUTE })?;
    let mut measured = clock::prove([&mut node], Stage::Injected)?;
    page.heal()?;
    measured.extend(clock::prove([&mut node], Stage::Healed)?);
    let tally = page.tally()?;
    if tally.missed > 0 {
        return Err(LabError::Reported(format!("a program did not get it: {}", tally.reason)));
    }
    proven(&measured)
}
