//! Packets between some nodes are lost, doubled or overtake each other.

use fracas_checker::fault::{Effect, Link};
use fracas_lab::agent::Facts;
use serde::{Deserialize, Serialize};

use super::hit::Meant;
use super::injector::Injector;
use super::kind::{Does, Entry, KindOfFault};
use super::on::On;
use super::packets;
use super::state::State;
use super::victims::{Direction, Victims};
use crate::means::{Gear, Wanted};

/// Lose packets, double them, let them overtake each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// What the links do to packets.
    pub link: Link,
    /// The links that are touched, seen from the nodes.
    #[serde(default)]
    pub ways: Direction,
}

impl KindOfFault for Loss {
    const ENTRY: Entry = Entry {
        word: "loss",
        about: "packets between some nodes are lost, doubled or out of order",
        proven_by: "probes of the pair, against a pair that is left alone",
        keys: &["link", "ways"],
        between: true,
        takes: Some(Gear::Packets),
        tried_by: packets::TRIED_BY,
        trials: &[],
        try_out: Some(packets::try_out),
    };

    /// Lossy enough to make TCP wait.
    fn usual() -> Vec<Self> {
        let links = [
            Link { loss_ppm: 200_000, ..Link::default() },
            Link { duplicate_ppm: 200_000, ..Link::default() },
            Link { delay_us: 20_000, reorder_ppm: 250_000, ..Link::default() },
        ];
        links.map(|link| Self { link, ways: Direction::Both }).into()
    }

    fn mechanism(facts: &Facts, _: &Wanted) -> String {
        facts.packets.clone()
    }
}

impl Does for Loss {
    fn manner(&self) -> String {
        self.link.to_string()
    }

    fn victims(&self, _: u16) -> &'static [Victims] {
        &[Victims::Leader, Victims::Follower, Victims::All]
    }

    fn proof_ms(&self) -> u64 {
        700
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
