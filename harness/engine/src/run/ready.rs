//! Waits until a cluster is ready, and says of one that is not what it lacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_targets::Probe;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::context::{GLANCE, RunContext};
use super::error::RunError;
use crate::cluster::{Crash, Waiting};
use crate::text::plain;

/// How long the cluster may take to be ready, where the target does not say.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// A sleep that takes so much longer than was wanted shows that the harness stood still.
const OVERSLEPT: Duration = Duration::from_millis(100);
/// So many times longer a cluster is waited for at most where the harness stands still.
const STRETCHED: u32 = 4;
/// How many of its last log lines are shown of a node that did not start.
pub(super) const LAST_LINES: usize = 6;

/// What a server is told that ended well and left processes behind.
const BACKGROUND: &str = ": it went to the background, expected a server that stays in the \
    foreground\n  help: leave the option out that makes a daemon of it (such as `--daemonize`), or \
    add the one that does not (such as `--foreground`); a script starts it with `exec`";

/// What a script ends with that finds no program of this name.
const NOT_FOUND: &str = "status 127";

/// What is told of a server that ended like this.
const HIDDEN: &str = "\n  help: a server sees of `/home`, `/root`, `/tmp`, `/var/tmp`, `/var/spool` and \
    `/run` only what it needs to start; name what else it starts or reads there under `node.reads` \
    of the target file";

/// What a cluster is waited for to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// Each node answers that it is up, where the target says how.
    Nodes,
    /// All nodes together serve clients.
    Cluster,
}

/// What a cluster lacks to be ready.
struct Missing {
    lack: String,
    /// Whose log may tell more.
    node: NodeId,
    /// How long after the start it may be missing.
    within: Duration,
}

/// For how long the harness stood still while a cluster was waited for: a task of it that slept much
/// longer than it wanted shows that. The harness was stopped then or the machine too busy, and the
/// cluster cannot be blamed for that.
pub(super) struct Patience {
    stood_still: Arc<AtomicU64>,
    sleeper: JoinHandle<()>,
}

impl Patience {
    pub(super) fn begin() -> Self {
        let stood_still = Arc::new(AtomicU64::new(0));
        let sum = Arc::clone(&stood_still);
        let sleeper = tokio::spawn(async move {
            loop {
                let began = Instant::now();
                tokio::time::sleep(GLANCE).await;
                sum.fetch_add(overslept(began.elapsed()), Ordering::Relaxed);
            }
        });
        Self { stood_still, sleeper }
    }

    pub(super) fn stood_still(&self) -> Duration {
        Duration::from_nanos(self.stood_still.load(Ordering::Relaxed))
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        self.sleeper.abort();
    }
}

/// How many nanoseconds longer than a glance a sleep took, if that is much.
fn overslept(took: Duration) -> u64 {
    let by = took.saturating_sub(GLANCE);
    if by < OVERSLEPT { 0 } else { u64::try_from(by.as_nanos()).unwrap_or(u64::MAX) }
}

/// Whether a cluster was waited for long enough. Not even a harness that stands still all the time
/// waits for ever.
pub(super) fn is_late(waited: Duration, stood_still: Duration, within: Duration) -> bool {
    waited >= within.saturating_add(stood_still).min(within.saturating_mul(STRETCHED))
}

/// What is said of a harness that stood still.
fn busy(stood_still: Duration) -> String {
    match stood_still {
        Duration::ZERO => String::new(),
        still => format!(
            " (and the harness stood still for {:.1} s beside that: if the machine is too busy, that may \
             be all that the cluster lacks)",
            still.as_secs_f64()
        ),
    }
}

impl RunContext<'_> {
    /// Waits until the cluster has a leader (where the target tells of leaders) and answers. Steps
    /// before the load are taken as soon as all nodes are ready.
    pub(super) async fn ready(&self) -> Result<(), RunError> {
        if !self.setup.is_empty() {
            self.wait_for(Goal::Nodes).await?;
            self.set_up().await?;
        }
        self.wait_for(Goal::Cluster).await
    }

    async fn wait_for(&self, goal: Goal) -> Result<(), RunError> {
        let (began, patience) = (Instant::now(), Patience::begin());
        loop {
            if self.interrupts.now().is_some() || self.is_broken() {
                return Ok(());
            }
            if let Some(crash) = self.cluster.crashed().first() {
                return Err(RunError::Target(self.died(crash)));
            }
            let waits = match self.begin_processes().await? {
                Some(missing) => Some(missing),
                None => self.missing(goal).await,
            };
            let Some(missing) = waits else { return Ok(()) };
            tokio::time::sleep(GLANCE).await; // by then the sleeper has noticed what went before
            let stood_still = patience.stood_still();
            if is_late(began.elapsed(), stood_still, missing.within) {
                return Err(RunError::Target(self.not_ready(&missing, stood_still)));
            }
        }
    }

    /// Starts the processes whose predecessors are ready by now; the first that is not, if one is not.
    /// Once all are started, each that shows when it is ready must be so.
    async fn begin_processes(&self) -> Result<Option<Missing>, RunError> {
        let mut lacks = None;
        for node in self.cluster.nodes() {
            for Waiting { place, other, probe, within } in self.cluster.waiting(node) {
                match probe.ask().await {
                    Ok(()) => self.cluster.begin(node, place)?,
                    Err(why) => {
                        let lack = unready(node, &other, (&probe, &why));
                        lacks.get_or_insert(Missing { lack, node, within });
                    }
                }
            }
        }
        let begun = |node: &NodeId| self.cluster.waiting(*node).is_empty();
        if lacks.is_some() || !self.cluster.nodes().all(|node| begun(&node)) {
            return Ok(lacks.or_else(|| Some(self.more_to_begin())));
        }
        for (node, plan) in &self.deployment.nodes {
            for (place, process) in plan.processes.iter().enumerate() {
                let (Some(name), Some(probe)) = (&process.name, &process.ready) else { continue };
                if let Err(why) = probe.ask().await {
                    let lack = unready(*node, name, (probe, &why));
                    return Ok(Some(Missing { lack, node: *node, within: plan.patience(place) }));
                }
            }
        }
        Ok(None)
    }

    /// What is said while further processes are about to be started.
    fn more_to_begin(&self) -> Missing {
        let node = self.cluster.nodes().next().unwrap_or(NodeId(1));
        Missing { lack: "not all processes were started".to_owned(), node, within: READY_WITHIN }
    }

    /// What the cluster still lacks.
    async fn missing(&self, goal: Goal) -> Option<Missing> {
        for (node, plan) in &self.deployment.nodes {
            if let Some(probe) = &plan.ready
                && let Err(why) = probe.ask().await
            {
                let lack = format!("node {node} does not answer at {}: {why}", probe.address());
                return Some(Missing { lack, node: *node, within: probe.within });
            }
        }
        if goal == Goal::Nodes {
            return None;
        }
        let within = self.deployment.cluster_ready().map_or(READY_WITHIN, |ready| ready.within);
        let node = self.cluster.nodes().next().unwrap_or(NodeId(1));
        if self.waits_for_leader() && !self.view.agrees(self.plan.quorum()) {
            let lack = "no leader that a majority follows was seen".to_owned();
            return Some(Missing { lack, node, within });
        }
        let refused = self.refused().await?;
        let late = self.caller.client().late();
        let late = late.map_or_else(String::new, |late| {
            format!(" ({late}: the server is slow, or the client program is; see `client.timeout`)")
        });
        Some(Missing { lack: format!("no node answers; {refused}{late}"), node, within })
    }

    /// What the last node says, if none answers.
    async fn refused(&self) -> Option<String> {
        let (probe, mut last) = (self.plan.workloads.probe(), None);
        for node in self.cluster.nodes() {
            match self.caller.answers(node, probe.as_ref()).await {
                Ok(()) => return None,
                Err(error) => last = Some(format!("{node} says: {error}")),
            }
        }
        last
    }

    pub(super) fn died(&self, Crash { node, process, how, background, .. }: &Crash) -> String {
        let plan = &self.deployment.nodes[node];
        let ended = plan.processes.iter().find(|known| known.name == *process);
        let program = &ended.unwrap_or(plan.first()).argv[0];
        let label = process.as_ref().map(|name| format!(" (process `{name}`)")).unwrap_or_default();
        let advice = match &**how {
            _ if *background => BACKGROUND,
            NOT_FOUND => HIDDEN,
            _ => "",
        };
        let words = self.last_words(*node);
        format!(
            "start node {node}: `{program}`{label} ended with {how} before the cluster was ready{advice}{words}"
        )
    }

    fn not_ready(&self, missing: &Missing, stood_still: Duration) -> String {
        let Missing { lack, node, within } = missing;
        let (busy, words) = (busy(stood_still), self.last_words(*node));
        format!("start the cluster: it was not ready within {within:?}: {lack}{busy}{words}")
    }

    /// Where a node's log is, and how it ends.
    fn last_words(&self, node: NodeId) -> String {
        let mut text = String::new();
        for log in self.cluster.outputs(node) {
            let lines = self.cluster.last_lines(node, &log, 0, LAST_LINES);
            if !lines.is_empty() {
                let path = self.cluster.facts().nodes[&node].dir.join(&log);
                text.push_str(&format!("\n  end of {}:", path.display()));
                lines.iter().for_each(|line| text.push_str(&format!("\n    {}", plain(line))));
            }
        }
        text
    }
}

/// What is said of a process that is not ready.
fn unready(node: NodeId, process: &str, (probe, why): (&Probe, &str)) -> String {
    format!("process `{process}` of {node} is not ready at {}: {why}", probe.address())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_the_harness_stands_still_no_cluster_is_late() {
        let late = |waited, still| {
            let of = Duration::from_secs;
            is_late(of(waited), of(still), of(10))
        };
        assert!(!late(9, 0) && late(10, 0));
        assert!(!late(17, 8) && late(18, 8));
        assert!(!late(39, 1_000) && late(40, 1_000), "four times as long is enough");
        assert_eq!(overslept(GLANCE + Duration::from_millis(5)), 0);
        assert_eq!(overslept(GLANCE + Duration::from_secs(8)), 8_000_000_000);
        assert!(busy(Duration::ZERO).is_empty());
        assert!(busy(Duration::from_secs(8)).contains("stood still for 8.0 s"));
    }
}
