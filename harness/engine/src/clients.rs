//! The clients: one task per lane. A client has at most one operation open at a time; a reader goes
//! on while earlier reads are open.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fracas_checker::event::{Completion, NodeId, Op, ProcessId};
use fracas_targets::Route;
use fracas_workloads::{Draw, Lane};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::caller::Caller;
use crate::view::View;

/// After a definite refusal a client waits this long, however fast it is meant to be: a node that
/// refuses at once must not be asked in a busy loop.
const AFTER_REFUSAL: Duration = Duration::from_millis(20);

/// How often is looked whether all clients are held.
const GLANCE: Duration = Duration::from_millis(10);

/// All clients of a run.
pub struct Clients {
    tasks: JoinSet<()>,
    orders: watch::Sender<Order>,
    /// Clients that are not readers, and how many of them are held.
    others: usize,
    held: Arc<AtomicUsize>,
}

/// What clients are told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Go,
    /// To ask nothing more for now; readers go on.
    Hold,
    End,
}

/// What a client hears.
#[derive(Clone)]
struct Orders {
    orders: watch::Receiver<Order>,
    held: Arc<AtomicUsize>,
}

impl Orders {
    /// Waits while clients are held; false once they are to end.
    async fn go_on(&mut self) -> bool {
        while *self.orders.borrow_and_update() == Order::Hold {
            self.held.fetch_add(1, Ordering::Relaxed);
            let changed = self.orders.changed().await;
            self.held.fetch_sub(1, Ordering::Relaxed);
            if changed.is_err() {
                return false;
            }
        }
        *self.orders.borrow() == Order::Go
    }

    /// Waits until `due`, or for the next order.
    async fn sleep_until(&mut self, due: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            _ = self.orders.changed() => {}
        }
    }

    fn end(&self) -> bool {
        *self.orders.borrow() == Order::End
    }
}

/// What a client's task needs beside its lane.
#[derive(Clone)]
struct Worker {
    /// Its first process.
    first: u64,
    /// How many processes all clients have at a time: the next one of a process is so far from it.
    count: u64,
    caller: Caller,
    routing: Routing,
}

/// How a client chooses the node that it asks.
#[derive(Clone)]
struct Routing {
    route: Route,
    view: View,
    /// All nodes that have clients.
    nodes: Arc<[NodeId]>,
}

impl Routing {
    /// The node at which a client of the node `own` asks its next operation.
    fn node(&self, own: NodeId, draw: &mut Draw) -> NodeId {
        match self.route {
            Route::Leader => self.view.leader().unwrap_or(own),
            Route::Any => *draw.one_of(&self.nodes),
            Route::Node | Route::Mixed => own,
        }
    }
}

/// How long a reader waits for an answer before it asks again beside it; longer where answers may
/// take so long that it would run out of reads that may be open.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many operations of a lane may be open.
fn open_at_most(lane: &Lane, caller: &Caller) -> u32 {
    if lane.overlaps { caller.beside() } else { 1 }
}

impl Clients {
    /// Starts one task per lane. Must be called within a tokio runtime.
    ///
    /// With the route `mixed` of the target, clients that seek the leader ask the node that was
    /// last seen leading; all other clients ask their own node. So every node is asked, also by
    /// clients that do not know the leader, and the cluster is kept busy.
    #[must_use]
    pub fn start(lanes: Vec<Lane>, seed: u64, caller: &Caller, view: &View) -> Self {
        let (orders, heard) = watch::channel(Order::Go);
        let held = Arc::new(AtomicUsize::new(0));
        let heard = Orders { orders: heard, held: Arc::clone(&held) };
        let others = lanes.iter().filter(|lane| !lane.overlaps).count();
        let mut tasks = JoinSet::new();
        let lane_count = u32::try_from(lanes.len()).unwrap_or(u32::MAX);
        let count = lanes.iter().map(|lane| u64::from(open_at_most(lane, caller))).sum();
        let nodes: BTreeSet<NodeId> = lanes.iter().map(|lane| lane.node).collect();
        let nodes: Arc<[NodeId]> = nodes.into_iter().collect();
        let mut first = 0;
        for (lane, number) in lanes.into_iter().zip(0..) {
            let draw = Draw::new(seed, number, lane_count);
            let route = caller.client().route(lane.seeks_leader);
            let routing = Routing { route, view: view.clone(), nodes: Arc::clone(&nodes) };
            let worker = Worker { first, count, caller: caller.clone(), routing };
            first += u64::from(open_at_most(&lane, caller));
            if lane.overlaps {
                tasks.spawn(worker.read_on(lane, draw, heard.clone()));
            } else {
                tasks.spawn(worker.run(lane, draw, heard.clone()));
            }
        }
        Self { tasks, orders, others, held }
    }

    /// Asks all clients but readers to ask nothing more.
    pub fn hold(&self) {
        self.orders.send_replace(Order::Hold);
    }

    /// Waits until what held clients had asked is answered, or for as long as `within`.
    pub async fn held(&self, within: Duration) {
        let until = Instant::now() + within;
        while self.held.load(Ordering::Relaxed) < self.others && Instant::now() < until {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Lets all clients go on that were held.
    pub fn go_on(&self) {
        self.orders.send_replace(Order::Go);
    }

    /// Asks all clients to end after their open operation.
    pub fn ask_to_stop(&self) {
        self.orders.send_replace(Order::End);
    }

    /// Asks all clients to end after their open operation, and waits until they have.
    ///
    /// # Errors When a client task failed, which is a bug of ours.
    pub async fn stop(mut self) -> Result<(), String> {
        self.ask_to_stop();
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| format!("a client failed: {error}"))?;
        }
        Ok(())
    }
}

/// What came of a read.
struct Read {
    /// The process that may ask next.
    next: u64,
    op: Op,
    completion: Completion,
}

impl Worker {
    async fn run(self, mut lane: Lane, mut draw: Draw, mut orders: Orders) {
        let mut process = ProcessId(self.first);
        let mut due = Instant::now();
        while orders.go_on().await {
            let op = lane.stream.next(&mut draw);
            let completion =
                self.caller.call(process, self.routing.node(lane.node, &mut draw), &op).await;
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
            orders.sleep_until(due).await;
        }
    }

    /// Reads, at its rate and whatever is open: after [`PATIENCE`] it asks beside what was not
    /// answered. Ends when all that it asked is answered.
    async fn read_on(self, mut lane: Lane, mut draw: Draw, mut orders: Orders) {
        let open_at_most = open_at_most(&lane, &self.caller);
        let slots = 0..u64::from(open_at_most);
        let mut free: Vec<u64> = slots.map(|slot| self.first + slot).collect();
        let waiting = open_at_most.saturating_sub(1).max(1);
        let patience = PATIENCE.max(self.caller.timeout() / waiting);
        let rate = lane.rate.unwrap_or(1.0 / PATIENCE.as_secs_f64());
        let mut open = JoinSet::new();
        while !orders.end() {
            let began = Instant::now();
            if let Some(process) = free.pop() {
                let op = lane.stream.next(&mut draw);
                let node = self.routing.node(lane.node, &mut draw);
                open.spawn(self.clone().read(process, node, op));
            }
            let answered = async { open.join_next().await };
            let mut answered = timeout_at(began + patience, answered).await.ok().flatten();
            while let Some(Ok(Read { next, op, completion })) = answered {
                free.push(next);
                lane.stream.learn(&op, &completion);
                answered = open.try_join_next();
            }
            orders.sleep_until(began + Duration::from_secs_f64(draw.jitter() / rate)).await;
        }
        open.join_all().await;
    }

    /// Reads once.
    async fn read(self, process: u64, node: NodeId, op: Op) -> Read {
        let completion = self.caller.call(ProcessId(process), node, &op).await;
        let next = match completion {
            Completion::Info { .. } => process + self.count,
            Completion::Ok { .. } | Completion::Fail { .. } => process,
        };
        Read { next, op, completion }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    use fracas_checker::history::{Header, Plan, SCHEMA};
    use fracas_checker::{Key, OpKind};
    use fracas_targets::{ClusterSpec, NodeSpec, Target};
    use fracas_workloads::Stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::recorder::Recorder;

    const LIMIT: Duration = Duration::from_secs(60);
    const TARGET: &str = r#"schema = 1
name = "counted"
description = "a server that counts"
[binary]
path = "/bin/false"
[cluster]
nodes = 1
ports = { client = PORT }
[node]
command = ["{{ binary }}"]
[client]
base = "http://{{ node.ip }}:{{ port.client }}"
connect-timeout = "60s"
timeout = "60s"
[ops.read]
method = "GET"
path = "/kv/{{ key }}"
answers = [{ status = 200, is = "ok", value = { json = "/value" } }]
[ops.write]
method = "PUT"
path = "/kv/{{ key }}"
json = '{"value": {{ value }}}'
answers = [{ status = 200, is = "ok" }]
[promises]
registers = "linearizable"
"#;

    /// How many reads and writes a server was asked.
    #[derive(Default)]
    struct Counted {
        reads: AtomicUsize,
        writes: AtomicUsize,
    }

    /// A server that counts, and answers only if it is to; returns its port.
    async fn serve(counted: Arc<Counted>, answers: bool) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let reads = request[..length].starts_with(b"GET");
                let count = if reads { &counted.reads } else { &counted.writes };
                count.fetch_add(1, Ordering::SeqCst);
                if answers {
                    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 12\r\n\r\n{\"value\": 1}";
                    stream.write_all(answer.as_bytes()).await.unwrap_or(());
                }
                open.push(stream);
            }
        });
        port
    }

    /// The same operation over and over.
    struct Again(Op);

    impl Stream for Again {
        fn next(&mut self, _: &mut Draw) -> Op {
            self.0.clone()
        }
    }

    fn lane(kind: OpKind) -> Lane {
        let (key, overlaps) = (Key::from("k"), kind == OpKind::Read);
        let op = if overlaps { Op::Read { key } } else { Op::Write { key, value: 1.into() } };
        let stream = Box::new(Again(op));
        Lane { node: NodeId(1), rate: Some(200.0), seeks_leader: false, overlaps, stream }
    }

    /// Starts a writer and a reader of a server on this port, which record below `dir`.
    fn start(port: u16, dir: &std::path::Path) -> Clients {
        let text = TARGET.replace("PORT", &port.to_string());
        let target = Target::parse("counted.toml", &text, &crate::targets::known_faults());
        let node = NodeSpec { id: NodeId(1), ip: Ipv4Addr::LOCALHOST, dir: dir.to_owned() };
        let (binary, extra_args) = ("/bin/false".into(), Vec::new());
        let (nodes, others) = (vec![node], BTreeMap::new());
        let spec = ClusterSpec { binary, others, nodes, extra_args };
        let deployment = target.unwrap().deploy(&spec).unwrap();
        let header = Header {
            schema: SCHEMA.to_owned(),
            run: String::new(),
            target: String::new(),
            seed: 0,
            nodes: vec![NodeId(1)],
            plan: Plan::default(),
        };
        let (recorder, writer) = Recorder::create(&dir.join("history"), &header, None).unwrap();
        std::mem::forget(writer); // The file is of no interest.
        let caller = Caller::new(Arc::new(deployment.client().unwrap()), recorder);
        Clients::start(vec![lane(OpKind::Write), lane(OpKind::Read)], 1, &caller, &View::default())
    }

    async fn until(holds: impl Fn() -> bool) {
        let limit = Instant::now() + LIMIT;
        while !holds() {
            assert!(Instant::now() < limit, "it did not happen in time");
            tokio::time::sleep(GLANCE).await;
        }
    }

    #[test]
    fn with_the_route_any_every_node_is_asked_and_with_node_only_its_own() {
        let nodes: Arc<[NodeId]> = [1, 2, 3].map(NodeId).into();
        for (route, expected) in [(Route::Any, &nodes[..]), (Route::Node, &nodes[1..2])] {
            let routing = Routing { route, view: View::default(), nodes: Arc::clone(&nodes) };
            let mut draw = Draw::new(1, 0, 1);
            let asked: BTreeSet<NodeId> =
                (0..100).map(|_| routing.node(NodeId(2), &mut draw)).collect();
            assert!(asked.iter().eq(expected), "{route:?}: {asked:?}");
        }
    }

    /// Nothing is answered: the writer waits for its first write, and the reader goes on.
    #[tokio::test]
    async fn a_reader_waits_neither_for_a_writer_nor_for_itself() {
        let (dir, counted) = (tempfile::tempdir().unwrap(), Arc::new(Counted::default()));
        let port = serve(Arc::clone(&counted), false).await;
        let _clients = start(port, dir.path());
        until(|| counted.reads.load(Ordering::SeqCst) >= 4).await;
        assert!(counted.writes.load(Ordering::SeqCst) <= 1);
    }

    #[tokio::test]
    async fn held_clients_write_nothing_and_readers_go_on() {
        let (dir, counted) = (tempfile::tempdir().unwrap(), Arc::new(Counted::default()));
        let port = serve(Arc::clone(&counted), true).await;
        let clients = start(port, dir.path());
        let (reads, writes) =
            (|| counted.reads.load(Ordering::SeqCst), || counted.writes.load(Ordering::SeqCst));
        until(|| writes() > 3).await;
        clients.hold();
        clients.held(LIMIT).await;
        let (read, written) = (reads(), writes());
        until(|| reads() > read + 3).await;
        assert_eq!(writes(), written);
        clients.go_on();
        until(|| writes() > written).await;
        clients.stop().await.unwrap();
    }
}
