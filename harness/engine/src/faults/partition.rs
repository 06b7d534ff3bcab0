//! Packets between some nodes are dropped.

use fracas_checker::fault::{Cut, Effect, Measurement, Stage};
use fracas_lab::agent::{Agent, Facts, Measure, Order};
use fracas_lab::{LabError, Mechanism};
use serde::{Deserialize, Serialize};

use super::chance::random;
use super::hit::Meant;
use super::injector::{Injector, refused};
use super::kind::{Around, Does, Entry, KindOfFault};
use super::on::On;
use super::shapes::{self, Shape};
use super::state::State;
use super::trial::{Attempt, DIRECTION, Round, Trial};
use super::victims::Victims;
use crate::cluster::Cluster;
use crate::means::Wanted;

/// Drop packets between nodes; the shape says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// How the cut is drawn.
    pub shape: Shape,
}

impl KindOfFault for Partition {
    const ENTRY: Entry = Entry {
        word: "partition",
        about: "packets between some nodes are dropped",
        proven_by: "a probe and a drop counter per direction",
        keys: &["shape"],
        between: true,
        takes: None,
        tried_by: &[("nft-bridge", "nft-bridge"), ("iptables", "iptables")],
        trials: &[
            Trial {
                mechanism: "nft-bridge",
                attempt: Attempt::Cutting(Mechanism::Nft, cut_and_heal),
                instead: Some("iptables"),
            },
            Trial {
                mechanism: "iptables",
                attempt: Attempt::Cutting(Mechanism::Iptables, cut_and_heal),
                instead: Some("nft-bridge"),
            },
        ],
        try_out: Some(try_out),
    };

    fn usual() -> Vec<Self> {
        Shape::ALL.map(|shape| Self { shape }).into()
    }

    fn choices() -> Vec<(String, &'static str)> {
        Shape::ALL.map(|shape| (format!("partition/{shape}"), shape.about())).into()
    }

    fn mechanism(facts: &Facts, _: &Wanted) -> String {
        facts.partition.clone()
    }
}

impl Does for Partition {
    fn manner(&self) -> String {
        self.shape.to_string()
    }

    fn planned(&self, _: Victims) -> String {
        format!(": {}", self.shape)
    }

    fn fits(&self, around: &Around<'_>) -> bool {
        shapes::smallest(self.shape) <= usize::from(around.nodes)
            && (around.leaders || self.shape != Shape::IsolateLeader)
    }

    fn victims(&self, _: u16) -> &'static [Victims] {
        match self.shape {
            Shape::IsolateOne => &[Victims::Follower],
            Shape::OneWay | Shape::Majority => &[Victims::Leader, Victims::Follower],
            _ => &[Victims::One],
        }
    }

    fn means(&self, victims: Victims) -> Victims {
        match self.shape {
            Shape::IsolateLeader => Victims::Leader,
            Shape::Majority if victims == Victims::One => Victims::Leader,
            Shape::Halves | Shape::MajoritiesRing | Shape::Scatter | Shape::Bridge => Victims::All,
            _ => victims,
        }
    }

    fn contradiction(&self, victims: Victims) -> Option<&'static str> {
        let several = [Victims::Followers, Victims::Minority, Victims::Majority, Victims::All];
        if several.contains(&victims) {
            return Some(
                "the shape of a partition says how many it cuts off: `whom` names one node",
            );
        }
        let other = matches!(
            victims,
            Victims::Follower | Victims::FollowerInTurn | Victims::LeastCut | Victims::Nth(_)
        );
        (other && self.shape == Shape::IsolateLeader)
            .then_some("`isolate-leader` isolates the leader: any other node takes `isolate-one`")
    }

    fn proof_ms(&self) -> u64 {
        120
    }

    fn settle(&self, meant: Meant, state: &State) -> Result<On, String> {
        let told = meant.told(state)?;
        shapes::cut(self.shape, (told, state), &mut random(meant.draw)).map(On::Cut)
    }

    fn effect(&self, on: &On) -> Effect {
        Effect::LinkCut { pairs: on.pairs().to_vec() }
    }

    fn injector(&self, id: u32, on: &On) -> Box<dyn Injector> {
        Box::new(Cutter { id, cut: on.pairs().to_vec() })
    }
}

/// Some directions are cut.
struct Cutter {
    id: u32,
    cut: Vec<Cut>,
}

impl Injector for Cutter {
    fn mechanism(&self, cluster: &Cluster) -> String {
        cluster.facts().partition.clone()
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("cut", cluster.cut(self.id, self.cut.clone()))
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        cluster.measure([Measure::Cut(self.cut.clone())], stage)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        refused("heal", cluster.heal(self.id))
    }
}

/// Cuts one direction of a lab for a moment.
fn try_out(agent: &dyn Agent, direction: Cut) -> Result<(), LabError> {
    agent.ask::<()>(&Order::Cut(vec![direction]))?;
    agent.ask(&Order::Cut(Vec::new()))
}

/// Cuts one direction and heals it.
fn cut_and_heal(agent: &dyn Agent) -> Result<String, LabError> {
    let (inject, heal) = (Order::Cut(vec![DIRECTION]), Order::Cut(Vec::new()));
    Round { inject, measure: Measure::Cut(vec![DIRECTION]), heal }.proven(agent)
}
