//! A server's cluster in a lab, with clients that write to it, on which faults are tried one after
//! the other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fracas_checker::event::NodeId;
use fracas_checker::fault::{Measurement, RestartAs, Stage};
use fracas_checker::history::{self, Header};
use fracas_checker::{Completion, Op, ProcessId};
use fracas_engine::cluster::{Cluster, Deployments, Parts};
use fracas_engine::deploying::nodes;
use fracas_engine::equipment::Equipment;
use fracas_engine::faults::{Fault, Kind};
use fracas_engine::recorder::{Recorder, Writer};
use fracas_engine::store::{Readers, RunDir};
use fracas_engine::targets;
use fracas_engine::view::View;
use fracas_lab::agent::{Agent, Facts, Home, LocalAgent, Measure, Order, Start};
use fracas_lab::clock::{Reading, Sampling};
use fracas_lab::{Lab, LabError, LabSpec, Mechanism, Program, Reach, disk, packets};
use fracas_targets::{Client, ClusterSpec, Deployment, Settings};
use tokio::runtime::Runtime;

use crate::by_message::ByMessage;
use crate::cases::{BYSTANDERS, Group, MONOTONIC, MONOTONIC_NAME, NODES, VICTIM};
use crate::row::{Cost, Row, Verdict};
use crate::ways::hand_over;

/// How long a cluster may take to answer, at the start and after a fault.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// How often is looked whether it does.
const GLANCE: Duration = Duration::from_millis(20);
/// A client's pause between two writes.
const PAUSE: Duration = Duration::from_millis(10);
/// A busy machine may spoil one proof of a fault.
const TRIES: u32 = 2;
/// How a clock is read to learn what a call costs.
const ONCE: Sampling = Sampling { count: 1, every: Duration::from_millis(1) };

/// How often.
const READINGS: u32 = 3;

/// A cluster to try faults on.
pub(crate) struct Bench {
    cluster: Cluster,
    deployment: Arc<Deployment>,
    run: RunDir,
    /// Who acts on the cluster's nodes, as the cluster does not know them: to take their measure.
    local: Arc<LocalAgent>,
    client: Client,
    runtime: Runtime,
    _writer: Writer,
    next: u32,
}

impl Bench {
    /// Starts a server's cluster with what a group of faults needs, and its clients.
    pub(crate) fn start(server: &str, group: Group) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| format!("failed to {error}");
        let runtime = Runtime::new().map_err(|error| text(&error))?;
        let (target, beside) = targets::load(server, Settings::new())?;
        let binary = targets::binary(&target, beside.as_deref(), None)?;
        let run = RunDir::create(
            &PathBuf::from("proofs"),
            &format!("{server}-{}", group.word()),
            Readers::Everyone,
        );
        let run = run.map_err(|error| text(&error))?;
        let spec =
            LabSpec { nodes: NODES.to_vec(), partition: Mechanism::Auto, ineffective_cut: false };
        let lab = Lab::build(&spec).map_err(|error| text(&error))?;
        let home = Home { dir: run.path().to_owned(), evidence: run.evidence().to_owned() };
        let local = Arc::new(LocalAgent::at_home(lab, home).map_err(|error| text(&error))?);
        let agent: Arc<dyn Agent> = Arc::new(ByMessage(Arc::clone(&local)));
        let facts: Facts = agent.ask(&Order::Facts).map_err(|error| text(&error))?;
        let others = targets::other_binaries(&target, beside.as_deref(), &BTreeMap::new())?;
        let (nodes, extra_args) = (nodes(&facts), Vec::new());
        let spec = ClusterSpec { binary: binary.clone(), others, nodes, extra_args };
        // One is made inside of the runtime: it has a pool of connections.
        let entered = runtime.enter();
        let deployment = Arc::new(target.deploy(&spec).map_err(|error| text(&error))?);
        let client = deployment.client().map_err(|error| text(&error))?;
        drop(entered);
        let (gear, wanted) = (Kind::take(&group.kinds()), group.wanted());
        let equipment = Equipment { agent: &*agent, facts: &facts, gear: &gear, wanted: &wanted };
        equipment.give_all(&deployment).map_err(|error| text(&error))?;
        let (recorder, writer) =
            Recorder::create(&run.file("history.jsonl"), &header(server, &run), None)
                .map_err(|error| text(&error))?;
        // An upgrade leads from the program to itself.
        let (first, again) = (Arc::clone(&deployment), BTreeMap::new());
        let deployments = Deployments { binary, binary_next: None, first, again };
        let (run_of_cluster, view) = (run.clone(), View::default());
        let parts =
            Parts { agent, facts, wanted, deployments, run: run_of_cluster, recorder, view };
        let cluster = Cluster::new(parts);
        cluster.start_all().map_err(|error| text(&error))?;
        let bench =
            Self { cluster, deployment, run, local, client, runtime, _writer: writer, next: 1 };
        bench.answers()?;
        NODES.into_iter().for_each(|node| bench.write_on(node));
        Ok(bench)
    }

    /// Lets a client write to a node for ever.
    fn write_on(&self, node: NodeId) {
        let client = self.client.clone();
        self.runtime.spawn(async move {
            for value in 1_i64.. {
                let op = Op::Write { key: node.to_string().into(), value: value.into() };
                let _whatever = client.invoke(node, ProcessId(node.0.into()), &op).await;
                tokio::time::sleep(PAUSE).await;
            }
        });
    }

    /// Starts what has given up, and waits until some node takes a write.
    fn answers(&self) -> Result<(), String> {
        let (until, mut said) = (Instant::now() + ANSWERS_WITHIN, String::new());
        let op = Op::Write { key: "ready".into(), value: 1.into() };
        while Instant::now() < until {
            let _noted = self.cluster.crashed();
            for node in NODES {
                if !self.cluster.is_running(node) {
                    let started = self.cluster.start(node, RestartAs::Same);
                    started.map_err(|error| format!("failed to start {node}: {error}"))?;
                }
                match self.runtime.block_on(self.client.invoke(node, ProcessId(0), &op)) {
                    Completion::Ok { .. } => return Ok(()),
                    Completion::Fail { error } | Completion::Info { error } => said = error,
                }
            }
            std::thread::sleep(GLANCE);
        }
        Err(format!("the servers take no write within {ANSWERS_WITHIN:?}: {said}"))
    }

    /// Tries every fault of a group, and hands over what came of it.
    pub(crate) fn prove_all(&mut self, group: Group) {
        for (name, fault) in group.cases() {
            self.tried(name, fault.kind(), |bench| bench.prove(name, &fault));
        }
        if group == Group::Plain {
            self.tried(MONOTONIC_NAME, Kind::Clock, Self::prove_monotonic);
        }
        if let Err(error) = self.cluster.stop_all() {
            eprintln!("failed to {error}");
        }
    }

    /// Tries a fault until it is proven.
    fn tried(&mut self, name: &str, kind: Kind, once: impl Fn(&mut Self) -> Row) {
        let mut row = Row::untried(name, kind, Verdict::Failed("never tried".to_owned()));
        for _ in 0..TRIES {
            row = match self.answers() {
                Ok(()) => once(self).judged(),
                Err(why) => Row::untried(name, kind, Verdict::Failed(why)),
            };
            if row.verdict == Verdict::Proven {
                break;
            }
        }
        hand_over(&row.without(&format!("{}/", self.run.path().display())));
    }

    /// One fault, as the actor of a run brings it about.
    fn prove(&mut self, name: &str, fault: &Fault) -> Row {
        let mut injector = fault.injector(self.next);
        self.next += 1;
        // Of a clock that is wrong, the calls are those that may cost more.
        let subject = if fault.kind() == Kind::Clock { VICTIM } else { BYSTANDERS.0 };
        let mut row = Row::untried(name, fault.kind(), Verdict::Proven);
        row.mechanism = injector.mechanism(&self.cluster);
        row.before = self.cost(subject);
        row.problems = injector.inject(&self.cluster);
        let injected = injector.measure(&self.cluster, Stage::Injected);
        row.during = self.cost(subject);
        let held = injector.measure(&self.cluster, Stage::Held);
        row.problems.extend(injector.heal(&self.cluster));
        let healed = injector.measure(&self.cluster, Stage::Healed);
        row.stages = [injected, held, healed].map(|measured| told(measured, &mut row.problems));
        row
    }

    /// The one fault that there is only from the start: the victim is started anew with it, and
    /// once more without.
    fn prove_monotonic(&mut self) -> Row {
        let mut row = Row::untried(MONOTONIC_NAME, Kind::Clock, Verdict::Proven);
        row.mechanism = "time namespace".to_owned();
        row.before = self.cost(VICTIM);
        let mut problems = Vec::new();
        let [mut injected, mut held] = [Vec::new(), Vec::new()];
        match self.start_shifted() {
            Ok(()) => {
                injected = self.shift(MONOTONIC, &mut problems);
                row.during = self.cost(VICTIM);
                held = self.shift(MONOTONIC, &mut problems);
                let killed = self.cluster.ask::<()>(&Order::Kill(VICTIM));
                problems.extend(killed.err().map(|error| format!("failed to {error}")));
            }
            Err(error) => problems.push(format!("failed to {error}")),
        }
        let again = self.cluster.start(VICTIM, RestartAs::Same);
        problems.extend(again.err().map(|error| format!("failed to {error}")));
        let healed = self.shift(0, &mut problems);
        row.stages = [injected, held, healed];
        row.problems = problems;
        row
    }

    /// Measures how far the victim's monotonic clock is ahead.
    fn shift(&self, nanos: i64, problems: &mut Vec<String>) -> Vec<Measurement> {
        told(self.cluster.measure([Measure::Shift(VICTIM, nanos)], Stage::Held), problems)
    }

    /// Kills the victim, and starts it with a monotonic clock that is ahead.
    fn start_shifted(&self) -> Result<(), LabError> {
        self.cluster.kill(VICTIM)?;
        let plan = &self.deployment.nodes[&VICTIM];
        self.cluster.ask(&Order::Start(Box::new(Start {
            node: VICTIM,
            program: Program {
                name: plan.first().name.clone(),
                argv: plan.first().argv.clone(),
                env: plan.first().env.clone(),
            },
            also: Vec::new(),
            monotonic_offset: MONOTONIC,
            reach: Reach::default(),
        })))
    }

    /// What things cost now; clock calls those of one node.
    fn cost(&self, subject: NodeId) -> Cost {
        Cost { clock_ns: self.call(subject), ..self.network_and_disk() }
    }

    /// What one call of a node's wall clock costs, in nanoseconds: the best of a few readings, as a
    /// processor that is shared is slower at times.
    fn call(&self, subject: NodeId) -> Option<f64> {
        let read = || self.cluster.ask::<Reading>(&Order::ReadClock(subject, ONCE)).ok();
        let readings = (0..READINGS).filter_map(|_| read());
        readings.map(|reading| reading.call).min_by(f64::total_cmp)
    }

    /// What the bystanders' packets and fsyncs cost now.
    fn network_and_disk(&self) -> Cost {
        let round_trip = packets::overhead::round_trip(self.local.lab(), BYSTANDERS).ok();
        let data = self.deployment.nodes[&BYSTANDERS.0].data.first();
        Cost {
            clock_ns: None,
            round_trip_us: round_trip.map(|time| time.as_secs_f64() * 1e6),
            fsync_ms: data
                .and_then(|dir| disk::overhead::fsynced_append(dir).ok())
                .map(|time| time.as_secs_f64() * 1e3),
        }
    }
}

/// What was measured; an error is a problem.
fn told(
    measured: Result<Vec<Measurement>, LabError>,
    problems: &mut Vec<String>,
) -> Vec<Measurement> {
    measured.unwrap_or_else(|error| {
        problems.push(format!("failed to {error}"));
        Vec::new()
    })
}

fn header(server: &str, run: &RunDir) -> Header {
    Header {
        schema: history::SCHEMA.to_owned(),
        run: run.id(),
        target: server.to_owned(),
        seed: 0,
        nodes: NODES.to_vec(),
        plan: history::Plan::default(),
    }
}
