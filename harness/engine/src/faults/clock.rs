//! The wall clocks of some nodes are wrong.

use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Clock as Change, Effect, Measurement, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Agent, Equip, Facts, Measure, Order};
use fracas_lab::clock::{self, Means, Tally};
use serde::{Deserialize, Serialize};

use super::injector::{Injector, each};
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::trial::{Attempt, IDLE, Round, Trial, start_idle};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::{Gear, Wanted};

/// Nanoseconds in a millisecond.
const MILLI: i64 = 1_000_000;

/// Make wall clocks wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// What the clocks do.
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
            Trial { mechanism: "clock", attempt: Attempt::Agent(step_and_back), instead: None },
            Trial {
                mechanism: "faketime",
                attempt: Attempt::Lab(clock::try_faketime),
                instead: None,
            },
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

    fn mechanism(_: &Facts, wanted: &Wanted) -> String {
        wanted.clock.name().to_owned()
    }

    fn lacks(means: Means) -> Option<String> {
        match means {
            Means::Redirect => fracas_lab::lacks_clocks(),
            Means::Faketime => None,
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
        cluster.wanted().clock.name().to_owned()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        let change = Some(wanted(self.change));
        each(&self.nodes, "change the clock of", |node| {
            cluster.ask::<()>(&Order::Clock(node, change))
        })
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure(self.nodes.iter().copied().map(Measure::Clock), stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        each(&self.nodes, "set right the clock of", |node| {
            cluster.ask::<()>(&Order::Clock(node, None))
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

/// Makes a node's wall clock wrong and right again.
fn step_and_back(agent: &dyn Agent) -> Result<String, LabError> {
    const MINUTE: i64 = 60_000_000_000;
    agent.ask::<()>(&Order::Equip(IDLE, Equip::Clock(Means::Redirect)))?;
    start_idle(agent)?;
    let measured = Round {
        inject: Order::Clock(IDLE, Some(clock::Clock::Step { nanos: MINUTE })),
        measure: Measure::Clock(IDLE),
        heal: Order::Clock(IDLE, None),
    };
    let told = measured.proven(agent)?;
    let tally: Tally = agent.ask(&Order::Tally(IDLE))?;
    if tally.missed > 0 {
        return Err(LabError::Reported(format!("a program did not get it: {}", tally.reason)));
    }
    Ok(told)
}
