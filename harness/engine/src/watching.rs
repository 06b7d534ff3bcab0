//! What everything needs that watches the nodes and their logs.

use std::sync::Arc;

use fracas_checker::event::{EventKind, Nanos, NodeId};
use fracas_checker::observation::Observation;
use fracas_targets::{Deployment, Sighting};

use crate::cluster::Cluster;
use crate::pulse::Pulse;
use crate::recorder::Recorder;
use crate::view::View;

/// What every watching task needs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) recorder: Recorder,
    /// Of the thread that follows the logs.
    pub(crate) pulse: Pulse,
    pub(crate) view: View,
}

/// When a node was asked, and in which of its lives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) since: Nanos,
    pub(crate) before: u32,
}

impl Context {
    /// Records what a node answered. An answer across a restart could be of either incarnation: it
    /// tells nothing certain.
    pub(crate) fn answered(&self, node: NodeId, asked: Asked, seen: Vec<Sighting>) {
        if self.cluster.incarnation(node) == asked.before {
            seen.into_iter().for_each(|seen| self.observe(node, asked.before, asked.since, seen));
        }
    }

    pub(crate) fn observe(&self, node: NodeId, incarnation: u32, since: Nanos, seen: Sighting) {
        let observation = Observation {
            node: seen.node.unwrap_or(node),
            incarnation,
            group: seen.group,
            source: seen.source,
            grade: seen.grade,
            since,
            role: seen.role,
            generation: seen.generation,
            leader: seen.leader,
            applied: seen.applied,
            voted: seen.voted,
            entry: None,
            text: seen.text,
        };
        let at = self.recorder.record(EventKind::Observe(observation.clone()));
        self.view.observe(&observation, at);
    }
}
