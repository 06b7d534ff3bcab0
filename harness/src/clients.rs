//! The clients: one task per lane. A client has at most one operation open at a time; a reader goes
//! on while earlier reads are open.

use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{Completion, EventKind, NodeId, Op, Outcome, ProcessId, Value};
use fracas_targets::Client;
use fracas_workloads::{Draw, Lane, Seen};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

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
#[derive(Clone)]
struct Worker {
    /// Its first process.
    first: u64,
    /// How many processes all clients have at a time: the next one of a process is so far from it.
    count: u64,
    caller: Caller,
    view: Option<View>,
}

/// How many reads of a reader may be open.
const READS_OPEN: u32 = 16;

/// How long a reader waits for an answer before it asks again beside it; longer where answers may
/// take so long that it would run out of reads that may be open.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many operations of a lane may be open.
fn open_at_most(lane: &Lane) -> u32 {
    if lane.overlaps { READS_OPEN } else { 1 }
}

impl Clients {
    /// Starts one task per lane. Must be called within a tokio runtime.
    ///
    /// Where the target lets clients follow the leader, those that seek it ask whoever was last
    /// seen leading; all others ask their own node: so every node is asked, also by clients that do
    /// not know better, and the cluster is kept busy.
    #[must_use]
    pub fn start(lanes: Vec<Lane>, seed: u64, caller: &Caller, view: &View) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let lane_count = u32::try_from(lanes.len()).unwrap_or(u32::MAX);
        let count = lanes.iter().map(open_at_most).map(u64::from).sum();
        let mut first = 0;
        for (lane, number) in lanes.into_iter().zip(0..) {
            let draw = Draw::new(seed, number, lane_count);
            let view = lane.seeks_leader.then(|| view.clone());
            let worker = Worker { first, count, caller: caller.clone(), view };
            first += u64::from(open_at_most(&lane));
            if lane.overlaps {
                tasks.spawn(worker.read_on(lane, draw, stopped.clone()));
            } else {
                tasks.spawn(worker.run(lane, draw, stopped.clone()));
            }
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
        let mut process = ProcessId(self.first);
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

    /// Reads, at its rate and whatever is open: after [`PATIENCE`] it asks beside what was not
    /// answered. Ends when all that it asked is answered.
    async fn read_on(self, mut lane: Lane, mut draw: Draw, mut stop: watch::Receiver<bool>) {
        let mut free: Vec<u64> = (0..u64::from(READS_OPEN)).map(|slot| self.first + slot).collect();
        let patience = PATIENCE.max(self.caller.client.timeout() / (READS_OPEN - 1));
        let rate = lane.rate.unwrap_or(1.0 / PATIENCE.as_secs_f64());
        let mut open = JoinSet::new();
        while !*stop.borrow() {
            let began = Instant::now();
            if let Some(process) = free.pop() {
                let op = lane.stream.next(&mut draw, &Seen::new());
                open.spawn(self.clone().read(process, self.node(&lane), op));
            }
            let answered = async { open.join_next().await };
            if let Ok(Some(Ok(next))) = timeout_at(began + patience, answered).await {
                free.push(next);
            }
            while let Some(Ok(next)) = open.try_join_next() {
                free.push(next);
            }
            tokio::select! {
                () = tokio::time::sleep_until(began + Duration::from_secs_f64(draw.jitter() / rate)) => {}
                _ = stop.changed() => {}
            }
        }
        open.join_all().await;
    }

    /// Reads once; returns the process that may ask next.
    async fn read(self, process: u64, node: NodeId, op: Op) -> u64 {
        match self.caller.call(ProcessId(process), node, &op).await {
            Completion::Info { .. } => process + self.count,
            Completion::Ok { .. } | Completion::Fail { .. } => process,
        }
    }

    fn node(&self, lane: &Lane) -> NodeId {
        match &self.view {
            Some(view) => self.caller.client.route(lane.node, view.leader()),
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
