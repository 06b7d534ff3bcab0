//! Packets between some nodes are late, or few at a time.

use fracas_checker::fault::{Effect, Link};
use fracas_lab::agent::Facts;
use serde::{Deserialize, Serialize};

use super::hit::Meant;
use super::injector::Injector;
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::packets;
use super::state::State;
use super::trial::{Attempt, Trial};
use super::victims::{Direction, Victims};
use crate::means::{Gear, Wanted};

/// Make packets late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// What the links do to packets.
    pub link: Link,
    /// The links that are touched, seen from the nodes.
    #[serde(default)]
    pub ways: Direction,
}

impl KindOfFault for Slow {
    const ENTRY: Entry = Entry {
        word: "slow",
        about: "packets between some nodes are late, or few at a time",
        proven_by: "probes of the pair, against a pair that is left alone",
        keys: &["link", "ways"],
        between: true,
        takes: Some(Gear::Packets),
        tried_by: packets::TRIED_BY,
        trials: &[
            Trial {
                mechanism: "packets",
                attempt: Attempt::Agent(packets::late_and_lossy),
                instead: None,
            },
            Trial {
                mechanism: "netem",
                attempt: Attempt::Netem(packets::late_and_lossy),
                instead: Some("packets"),
            },
        ],
        try_out: Some(packets::try_out),
    };

    /// Slow enough to make elections likely.
    fn usual() -> Vec<Self> {
        let late = |delay_us, jitter_us| Link { delay_us, jitter_us, ..Link::default() };
        vec![
            Self { link: late(100_000, 50_000), ways: Direction::Both },
            Self { link: late(500_000, 0), ways: Direction::From },
            Self { link: Link { bits_per_s: 2_000_000, ..Link::default() }, ways: Direction::Both },
        ]
    }

    fn mechanism(facts: &Facts, _: &Wanted) -> String {
        facts.packets.clone()
    }
}

impl Does for Slow {
    fn manner(&self) -> String {
        self.link.to_string()
    }

    fn victims(&self, _: u16) -> &'static [Victims] {
        &[Victims::Leader, Victims::Follower, Victims::All]
    }

    fn proof_ms(&self) -> u64 {
        if self.link.jitter_us > 0 { 5_000 } else { 800 + 4 * self.link.delay_us / 1_000 }
    }

    fn settle(&self, meant: Meant, state: &State) -> Result<On, String> {
        meant.links(self.ways, state).map(On::Pairs)
    }

    fn effect(&self, on: &On) -> Effect {
        Effect::LinkDegraded { pairs: on.pairs().to_vec(), link: self.link }
    }

    fn injector(&self, id: u32, on: &On) -> Box<dyn Injector> {
        packets::injector(id, on, self.link)
    }
}
