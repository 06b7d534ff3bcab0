//! The observer: asks every node for role and generation, and has the nodes' logs followed.
//!
//! It writes down what it was told, with its grade and the interval in which it was true; judging
//! it is the checker's part. A node that does not answer is unknown, which is not an observation.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fracas_checker::event::NodeId;
use fracas_lab::agent::Order;
use fracas_targets::Poller;
use tokio::task::JoinSet;

use crate::cluster::NodeLog;
use crate::logs::Followers;
use crate::pulse::Pulse;
use crate::watching::{Asked, Context};

/// How soon a thread that has programs ask notices that it is over.
const GLANCE: Duration = Duration::from_millis(20);

/// Watches a cluster until it is dropped.
pub struct Observer {
    tasks: JoinSet<()>,
    programs: Programs,
    logs: Followers,
    pulse: Pulse,
}

impl Observer {
    /// Begins to watch; nodes are asked by `poller`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When there can be no thread for the logs.
    pub(crate) fn start(context: Context, poller: Option<&Poller>) -> io::Result<Self> {
        let (cluster, deployment) = (Arc::clone(&context.cluster), Arc::clone(&context.deployment));
        let pulse = context.pulse.clone();
        let (mut tasks, mut logs) = (JoinSet::new(), Vec::new());
        let mut programs = Programs::default();
        for node in cluster.nodes() {
            match poller.cloned() {
                Some(poller) if poller.command(node).is_some() => {
                    programs.start(context.clone(), node, poller)?;
                }
                Some(poller) => {
                    tasks.spawn(poll(context.clone(), node, poller));
                }
                None => {}
            }
            let of_rules = |log: &NodeLog| deployment.log_rules().concerns(log.place);
            logs.extend(cluster.logs(node).into_iter().filter(of_rules).map(|log| (node, log)));
        }
        Ok(Self { tasks, programs, pulse, logs: Followers::start(context, logs)? })
    }
}

impl Observer {
    /// The signs of life of the thread that follows the logs.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Reads the rest of the logs and ends the watch. This function blocks: call it where that is
    /// allowed.
    ///
    /// # Errors When a part of the observer had ended before, which is a bug of ours: it may have
    /// missed something.
    pub fn stop(mut self) -> Result<(), String> {
        if !self.logs.lives() {
            return Err("the thread that follows the logs ended early".to_owned());
        }
        self.logs.stop()?;
        self.programs.stop()?;
        match self.tasks.try_join_next() {
            None => Ok(()),
            Some(Ok(())) => Err("a part of the observer ended early".to_owned()),
            Some(Err(error)) => Err(format!("a part of the observer failed: {error}")),
        }
    }
}

/// Threads that have programs ask nodes.
#[derive(Default)]
struct Programs {
    threads: Vec<JoinHandle<()>>,
    over: Arc<AtomicBool>,
}

impl Programs {
    /// Begins to ask a node. The thread may do what the caller may.
    fn start(&mut self, context: Context, node: NodeId, poller: Poller) -> io::Result<()> {
        let over = Arc::clone(&self.over);
        let thread = std::thread::Builder::new().name(format!("status-{node}"));
        let ask = move || poll_by_program(&context, node, &poller, &over);
        self.threads.push(thread.spawn(ask)?);
        Ok(())
    }

    /// Ends them all; it waits for the programs that run.
    fn stop(&mut self) -> Result<(), String> {
        self.over.store(true, Ordering::Relaxed);
        let ended = self.threads.drain(..).map(JoinHandle::join);
        let failed = ended.filter(Result::is_err).count();
        match failed {
            0 => Ok(()),
            _ => Err("a thread that asks nodes by a program failed".to_owned()),
        }
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        // Its failure was told where it was stopped; who is only dropped has failed before.
        let _told = self.stop();
    }
}

/// Asks one node again and again.
async fn poll(context: Context, node: NodeId, poller: Poller) {
    loop {
        let (since, before) = (context.recorder.now(), context.cluster.incarnation(node));
        let seen = poller.ask(node).await;
        context.answered(node, Asked { since, before }, seen);
        tokio::time::sleep(poller.every()).await;
    }
}

/// Has a program ask one node again and again, in a thread that may enter the node's world, until it
/// is `over`.
fn poll_by_program(context: &Context, node: NodeId, poller: &Poller, over: &AtomicBool) {
    let Some(argv) = poller.command(node) else { return };
    while !over.load(Ordering::Relaxed) {
        let (since, before) = (context.recorder.now(), context.cluster.incarnation(node));
        let order = Order::Run(node, argv.clone(), poller.timeout());
        match context.cluster.ask::<String>(&order) {
            Ok(output) => context.answered(node, Asked { since, before }, poller.heard(&output)),
            Err(error) => tracing::debug!(%node, %error, "no status"),
        }
        let next = Instant::now() + poller.every();
        while !over.load(Ordering::Relaxed) && Instant::now() < next {
            std::thread::sleep(GLANCE.min(next.saturating_duration_since(Instant::now())));
        }
    }
}
