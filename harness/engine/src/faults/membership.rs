//! A node is removed from the cluster by the cluster's own means, and added again.
//!
//! It is no part of the usual mix: no cluster changes its members by itself, and how it does so is
//! the target's to say. While a node is removed its server may be silent, and may end; it may not
//! lead.

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Effect, Measurement, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::Facts;
use serde::{Deserialize, Serialize};

use super::hit::Meant;
use super::injector::Injector;
use super::kind::{Around, Does, Entry, KindOfFault};
use super::on::On;
use super::state::State;
use super::victims::Victims;
use crate::cluster::{Cluster, End};
use crate::means::Wanted;

/// Remove a node, and add it again at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {}

/// The word of the kind.
const WORD: &str = "membership";

/// By what means.
const MECHANISM: &str = "the target's own";

/// A cluster of fewer nodes cannot do without one.
const FEWEST: u16 = 3;

impl KindOfFault for Membership {
    const ENTRY: Entry = Entry {
        word: WORD,
        about: "a node is removed from the cluster by the cluster's own means, and added again",
        proven_by: "the answers of other nodes, and their lists of members",
        keys: &[],
        between: false,
        takes: None,
        tried_by: &[("stop", super::restart::MECHANISM)],
        trials: &[],
        try_out: None,
    };

    const UNNAMED: bool = false;
    const OF_MEMBERS: bool = true;

    fn usual() -> Vec<Self> {
        vec![Self {}]
    }

    fn mechanism(_: &Facts, _: &Wanted) -> String {
        MECHANISM.to_owned()
    }
}

impl Does for Membership {
    fn manner(&self) -> String {
        String::new()
    }

    fn fits(&self, around: &Around<'_>) -> bool {
        around.nodes >= FEWEST
    }

    fn victims(&self, _: u16) -> &'static [Victims] {
        &[Victims::Leader, Victims::Follower]
    }

    fn contradiction(&self, victims: Victims) -> Option<&'static str> {
        let several = [Victims::Followers, Victims::Minority, Victims::Majority, Victims::All];
        several.contains(&victims).then_some("one node is removed at a time: `whom` names one node")
    }

    fn proof_ms(&self) -> u64 {
        2_000
    }

    fn settle(&self, meant: Meant, state: &State) -> Result<On, String> {
        if state.faults.iter().any(|(kind, _)| *kind == WORD) {
            return Err("another node is removed already".to_owned());
        }
        let nodes = meant.nodes(state)?;
        let others = state.nodes.len() - 1;
        let up =
            state.nodes.iter().filter(|node| !nodes.contains(node) && !state.down.contains(node));
        if 2 * up.count() <= others {
            return Err("without the node no majority of the members is up".to_owned());
        }
        Ok(On::Nodes(nodes))
    }

    fn effect(&self, on: &On) -> Effect {
        // Whether it forgets is the target's to say: see `Injector::effects`.
        Effect::NodeRemoved { nodes: on.nodes().to_vec(), forget: false }
    }

    fn injector(&self, _: u32, on: &On) -> Box<dyn Injector> {
        Box::new(Removed { nodes: on.nodes().to_vec(), out: Vec::new() })
    }
}

/// These nodes are no members for a while.
struct Removed {
    nodes: Vec<NodeId>,
    /// Those that were removed, and have not joined again.
    out: Vec<NodeId>,
}

impl Removed {
    /// Has those join that are out; what fails is told.
    fn join(&mut self, cluster: &Cluster) -> Vec<String> {
        let mut problems = Vec::new();
        self.out.retain(|node| match joined(cluster, *node) {
            Ok(()) => false,
            Err(why) => {
                problems.push(format!("failed to add {node}: {why}"));
                true
            }
        });
        problems
    }
}

fn joined(cluster: &Cluster, node: NodeId) -> Result<(), String> {
    cluster.end_removed(node).map_err(|error| error.to_string())?;
    cluster.add_member(node)?;
    cluster.join(node).map_err(|error| error.to_string())
}

impl Injector for Removed {
    fn mechanism(&self, _: &Cluster) -> String {
        MECHANISM.to_owned()
    }

    fn effects(&self, cluster: &Cluster, _: Vec<Effect>) -> Vec<Effect> {
        vec![Effect::NodeRemoved { nodes: self.nodes.clone(), forget: cluster.joins_empty() }]
    }

    fn inject(&mut self, cluster: &Cluster) -> Vec<String> {
        let mut problems = Vec::new();
        for node in &self.nodes {
            match cluster.remove_member(*node) {
                Ok(()) => self.out.push(*node),
                Err(why) => problems.push(format!("failed to remove {node}: {why}")),
            }
        }
        problems
    }

    fn measure(&mut self, cluster: &Cluster, stage: Stage) -> Result<Vec<Measurement>, LabError> {
        if stage == Stage::Healed {
            // What could not be added while other faults were in its way is attempted once more.
            self.join(cluster);
        }
        let removed = stage != Stage::Healed;
        let mut measured = Vec::new();
        for node in &self.nodes {
            let out = self.out.contains(node);
            measured.push(Measurement {
                what: format!("what the cluster answered of {node}"),
                result: if out { "it is removed" } else { "it is not removed" }.to_owned(),
                holds: out == removed,
            });
            let unknown = |why| Measurement {
                what: format!("whether {node} is a member"),
                result: why,
                holds: false,
            };
            let members = cluster.measure_member(*node, stage);
            measured.extend(members.unwrap_or_else(|why| vec![unknown(why)]));
        }
        if !removed && self.out.is_empty() {
            measured.extend(cluster.measure_end(&self.nodes, stage, End::Stopped)?);
        }
        Ok(measured)
    }

    fn heal(&mut self, cluster: &Cluster) -> Vec<String> {
        self.join(cluster)
    }
}
