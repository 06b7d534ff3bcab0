//! The observer: asks every node for role and generation, and has the nodes' logs followed.
//!
//! It writes down what it was told, with its grade and the interval in which it was true; judging
//! it is the checker's part. A node that does not answer is unknown, which is not an observation.

use std::io;
use std::sync::Arc;

use fracas_checker::event::NodeId;
use fracas_targets::{Deployment, Poller};
use tokio::task::JoinSet;

use crate::cluster::{Cluster, NodeLog};
use crate::logs::Followers;
use crate::pulse::Pulse;
use crate::recorder::Recorder;
use crate::view::View;
use crate::watching::Context;

/// Watches a cluster until it is dropped.
pub struct Observer {
    tasks: JoinSet<()>,
    logs: Followers,
    pulse: Pulse,
}

impl Observer {
    /// Begins to watch. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When there can be no thread for the logs.
    pub fn start(
        cluster: &Arc<Cluster>,
        deployment: &Arc<Deployment>,
        recorder: &Recorder,
        view: &View,
    ) -> io::Result<Self> {
        let pulse = Pulse::default();
        let context = Context {
            cluster: Arc::clone(cluster),
            deployment: Arc::clone(deployment),
            recorder: recorder.clone(),
            pulse: pulse.clone(),
            view: view.clone(),
        };
        let (mut tasks, mut logs) = (JoinSet::new(), Vec::new());
        for node in cluster.nodes() {
            if let Some(poller) = deployment.poller() {
                tasks.spawn(poll(context.clone(), node, poller));
            }
            let of_rules = |log: &NodeLog| deployment.log_rules().concerns(log.place);
            logs.extend(cluster.logs(node).into_iter().filter(of_rules).map(|log| (node, log)));
        }
        Ok(Self { tasks, pulse, logs: Followers::start(context, logs)? })
    }
}

impl Observer {
    /// The signs of life of the thread that follows the logs.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Ends the watch, once what the logs hold has been read. It waits: call it where that is allowed.
    ///
    /// # Errors
    /// When a part of it had ended before, which is a bug of ours: it may have missed something.
    pub fn stop(mut self) -> Result<(), String> {
        if !self.logs.lives() {
            return Err("the thread that follows the logs ended early".to_owned());
        }
        self.logs.stop()?;
        match self.tasks.try_join_next() {
            None => Ok(()),
            Some(Ok(())) => Err("a part of the observer ended early".to_owned()),
            Some(Err(error)) => Err(format!("a part of the observer failed: {error}")),
        }
    }
}

/// Asks one node again and again.
async fn poll(context: Context, node: NodeId, poller: Poller) {
    loop {
        let (since, before) = (context.recorder.now(), context.cluster.incarnation(node));
        if let Some(seen) = poller.ask(node).await {
            // An answer across a restart could be of either incarnation: it tells nothing certain.
            if context.cluster.incarnation(node) == before {
                context.observe(node, before, since, seen);
            }
        }
        tokio::time::sleep(poller.every()).await;
    }
}
