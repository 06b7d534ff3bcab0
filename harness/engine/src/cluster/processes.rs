//! Nodes of several processes: those that wait until another one is ready are started here, and one
//! that is killed alone is started again.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fracas_checker::event::{EventKind, NodeChange, NodeId};
use fracas_checker::fault::RestartAs;
use fracas_lab::LabError;
use fracas_lab::agent::Order;
use fracas_targets::{Probe, ProcessPlan};
use tokio::runtime::Handle;

use super::{Cluster, State, Waiting, program_of};
use crate::start_error::StartError;

/// How long is waited between two looks whether a process is ready.
const GLANCE: Duration = Duration::from_millis(20);

impl Cluster {
    /// The processes of a running node that are not started yet though the one that each waits for is.
    #[must_use]
    pub fn waiting(&self, node: NodeId) -> Vec<Waiting> {
        let server = self.server(node);
        if server.state != State::Running {
            return Vec::new();
        }
        let plan = self.deployments.node(server.started, node);
        let due = |(place, process): (usize, &ProcessPlan)| {
            let after = process.after.filter(|after| server.begun.contains(after))?;
            let other = plan.processes.get(after)?;
            let (name, probe) = (other.name.clone()?, other.ready.clone()?);
            let is_due = !server.begun.contains(&place);
            is_due.then(|| Waiting { place, other: name, probe, within: plan.patience(after) })
        };
        plan.processes.iter().enumerate().filter_map(due).collect()
    }

    /// Starts a process of a running node that was waiting.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn begin(&self, node: NodeId, place: usize) -> Result<(), StartError> {
        let mut server = self.server(node);
        let plan = self.deployments.node(server.started, node);
        if server.state == State::Running && server.begun.insert(place) {
            let program = program_of(&plan.processes[place]);
            self.ask::<()>(&Order::Begin(node, Box::new(program)))?;
        }
        Ok(())
    }

    /// Starts nodes again, all their processes in order. A process whose predecessor is not ready in
    /// time is started all the same, and that is told: what keeps a server from being ready may be
    /// another fault. What fails is returned, a sentence each.
    pub fn start_again(&self, nodes: &[NodeId], again: RestartAs) -> Vec<String> {
        let mut problems = Vec::new();
        for node in nodes {
            let started = self.start(*node, again);
            problems.extend(started.err().map(|error| format!("failed to start {node}: {error}")));
        }
        problems.extend(self.begin_rest(nodes));
        problems
    }

    /// Starts the processes of nodes that have been started again, as they become ready.
    pub(super) fn begin_rest(&self, nodes: &[NodeId]) -> Vec<String> {
        let (mut problems, began) = (Vec::new(), Instant::now());
        loop {
            let open: Vec<(NodeId, Waiting)> = nodes
                .iter()
                .flat_map(|node| {
                    self.waiting(*node).into_iter().map(move |waiting| (*node, waiting))
                })
                .collect();
            if open.is_empty() {
                return problems;
            }
            for (node, waiting) in open {
                let late = began.elapsed() >= waiting.within;
                match answers(&waiting.probe) {
                    Err(_) if !late => continue,
                    Err(why) => self.tell_unready(node, &waiting, &why),
                    Ok(()) => {}
                }
                let begun = self.begin(node, waiting.place);
                problems
                    .extend(begun.err().map(|error| format!("failed to start {node}: {error}")));
            }
            thread::sleep(GLANCE);
        }
    }

    fn tell_unready(
        &self,
        node: NodeId,
        Waiting { place, other, within, .. }: &Waiting,
        why: &str,
    ) {
        let plan = &self.deployments.first.nodes[&node];
        let name = plan.processes[*place].name.as_deref().unwrap_or_default();
        let text = format!(
            "{name} of {node} was started though {other}, which it waits for, was not ready within \
             {within:?}: {why}"
        );
        tracing::warn!("{}", crate::text::plain(&text));
        self.recorder.record(EventKind::note(text));
    }

    /// Kills one process of a node, and no other.
    ///
    /// # Errors
    /// When the node is not running, or the process is not.
    pub fn kill_process(&self, node: NodeId, name: &str) -> Result<(), LabError> {
        let server = self.server(node);
        if server.state != State::Running {
            return Err(LabError::Asked(format!("kill {name} of {node}: the node is not running")));
        }
        self.ask::<()>(&Order::KillProcess(node, name.to_owned()))?;
        let process = name.into();
        self.tell(node, server.incarnation, NodeChange::ProcessKilled { process });
        Ok(())
    }

    /// Starts a process again that was killed alone; the whole node, if that has ended meanwhile.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_process(&self, node: NodeId, name: &str) -> Result<(), StartError> {
        if self.has_ended(node) {
            return match self.start_again(&[node], RestartAs::Same).pop() {
                Some(problem) => Err(LabError::Asked(problem).into()),
                None => Ok(()),
            };
        }
        let mut server = self.server(node);
        let plan = self.deployments.node(server.started, node);
        let named = |process: &&ProcessPlan| process.name.as_deref() == Some(name);
        let missing =
            || LabError::Asked(format!("start {name} of {node}: there is no such process"));
        let program = program_of(plan.processes.iter().find(named).ok_or_else(missing)?);
        let process = name.into();
        self.count_start(&mut server, node, NodeChange::ProcessStarted { process })?;
        Ok(self.ask::<()>(&Order::Begin(node, Box::new(program)))?)
    }
}

/// Whether a process is ready. It is asked by the threads that speak with servers.
fn answers(probe: &Probe) -> Result<(), String> {
    let runtime = Handle::try_current().map_err(|error| error.to_string())?;
    let (told, hears) = mpsc::channel();
    let probe = probe.clone();
    runtime.spawn(async move {
        // If nobody waits for it any more, the run is over.
        let _unheard = told.send(probe.ask().await);
    });
    let heard = tokio::task::block_in_place(|| hears.recv());
    heard.unwrap_or_else(|_| Err("nobody could ask it".to_owned()))
}
