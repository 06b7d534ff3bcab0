//! The clients: one task per lane, each with at most one operation open at a time.

use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{Completion, EventKind, NodeId, Op, Outcome, ProcessId, Value};
use fracas_targets::Client;
use fracas_workloads::{Draw, Lane, Seen};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::recorder::Recorder;
use crate::view::View;

/// After a definite refusal a client waits this long, however fast it is meant to be: a node that
/// refuses at once must not be asked in a busy loop.
const AFTER_REFUSAL: Duration = Duration::from_millis(20);

/// Asks one node, records both ends.
#[derive(Clone)]
pub struct Caller {
    client: Arc<Client>,
    recorder: Recorder,
}

impl Caller {
    /// A caller that uses `client` and records with `recorder`.
    #[must_use]
    pub fn new(client: Arc<Client>, recorder: Recorder) -> Self {
        Self { client, recorder }
    }

    /// Asks without a trace in the history; for reads before the clients start.
    pub async fn try_read(&self, node: NodeId, key: &str) -> Completion {
        self.client.invoke(node, ProcessId(0), &Op::Read { key: key.into() }).await
    }

    /// Carries out `op` at `node` as `process`; both ends are in the history when it returns.
    pub async fn call(&self, process: ProcessId, node: NodeId, op: &Op) -> Completion {
        self.recorder.record(EventKind::Invoke { process, node: Some(node), op: op.clone() });
        let completion = self.client.invoke(node, process, op).await;
        self.recorder.record(EventKind::Complete { process, completion: completion.clone() });
        completion
    }
}

/// All clients of a run.
pub struct Clients {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// What a client's task needs beside its lane.
struct Worker {
    number: u64,
    count: u64,
    caller: Caller,
    view: Option<View>,
}

impl Clients {
    /// Starts one task per lane. Must be called within a tokio runtime.
    ///
    /// With the route `mixed` of the target, the second, fourth, … client of each node asks whoever
    /// was last seen leading, and so do those that must; all others ask their own node: so every
    /// node is asked, also by clients that do not know better, and the cluster is kept busy. With
    /// `leader` all of them ask whoever was last seen leading.
    #[must_use]
    pub fn start(lanes: Vec<Lane>, seed: u64, caller: &Caller, view: &View, nodes: usize) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let count = u32::try_from(lanes.len()).unwrap_or(u32::MAX);
        for (lane, number) in lanes.into_iter().zip(0..) {
            let draw = Draw::new(seed, number, count);
            let seeks = lane.seeks_leader || (number as usize / nodes.max(1)) % 2 == 1;
            let follows = caller.client.follows_leader(seeks);
            let view = follows.then(|| view.clone());
            let worker =
                Worker { number: number.into(), count: count.into(), caller: caller.clone(), view };
            tasks.spawn(worker.run(lane, draw, stopped.clone()));
        }
        Self { tasks, stop }
    }

    /// Asks all clients to end after their open operation.
    pub fn ask_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Asks all clients to end after their open operation, and waits until they have.
    ///
    /// # Errors
    /// When one of them failed, which is a bug of ours.
    pub async fn stop(mut self) -> Result<(), String> {
        self.ask_to_stop();
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| format!("a client failed: {error}"))?;
        }
        Ok(())
    }
}

impl Worker {
    async fn run(self, mut lane: Lane, mut draw: Draw, mut stop: watch::Receiver<bool>) {
        let mut process = ProcessId(self.number);
        let mut seen = Seen::new();
        let mut due = Instant::now();
        while !*stop.borrow() {
            let op = lane.stream.next(&mut draw, &seen);
            let completion = self.caller.call(process, self.node(&lane), &op).await;
            learn(&mut seen, &op, &completion);
            lane.stream.learn(&op, &completion);
            if matches!(completion, Completion::Info { .. }) {
                process = ProcessId(process.0 + self.count);
            }
            if let Some(rate) = lane.rate {
                due = (due + Duration::from_secs_f64(draw.jitter() / rate)).max(Instant::now());
            } else if matches!(completion, Completion::Fail { .. }) {
                due = Instant::now() + AFTER_REFUSAL;
            }
            due += lane.stream.rest();
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = stop.changed() => {}
            }
        }
    }

    fn node(&self, lane: &Lane) -> NodeId {
        match &self.view {
            Some(view) => view.leader().unwrap_or(lane.node),
            None => lane.node,
        }
    }
}

/// Remembers what a register was last seen to hold, and forgets what is in doubt.
fn learn(seen: &mut Seen, op: &Op, completion: &Completion) {
    let Some(key) = op.key().cloned() else { return };
    let value: Option<Value> = match (op, completion) {
        (Op::Read { .. }, Completion::Ok { outcome: Outcome::Read { value }, .. }) => value.clone(),
        (Op::Write { value, .. } | Op::Cas { new: value, .. }, Completion::Ok { .. }) => {
            Some(value.clone())
        }
        (Op::Cas { .. }, _) => None,
        _ => return,
    };
    match value {
        Some(value) => seen.insert(key, value),
        None => seen.remove(&key),
    };
}
