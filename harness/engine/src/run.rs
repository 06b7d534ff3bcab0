//! The story of a run, from an empty directory to a verdict.

mod context;
pub(crate) mod error;
mod looks;
mod prepare;
mod ready;
mod rehearse;
mod setup;

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fracas_checker::event::{EventKind, Phase};
use fracas_checker::harness::Mishap;
use fracas_checker::history::{self, Header};
use fracas_lab::agent::{Agent, Facts, Home, LocalAgent, Order};
use fracas_lab::{Lab, LabSpec, World, scarce};
use fracas_reports::{Ended, RunRecord};
use fracas_targets::{Client, Deployment};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::actor::{Actor, Actual};
use crate::caller::Caller;
use crate::client_programs::ClientPrograms;
use crate::clients::Clients;
use crate::cluster::{Cluster, Parts};
use crate::deploying::deployments;
use crate::equipment::Equipment;
use crate::faults::Kind;
use crate::guard::Guard;
use crate::heartbeat::Heartbeat;
use crate::interrupt::Interrupt;
use crate::judging::{Conclusion, HistoryError, Judging};
use crate::means::{Gear, PacketMeans};
use crate::plan::RunPlan;
use crate::progress::{Listener, Progress, Standing};
use crate::proven::Proven;
use crate::recorder::{Recorder, Writer};
use crate::signals::Interrupts;
use crate::store::{RunDir, StoreError};
use crate::view::View;
use crate::{judging, powerless, preflight, preparation, record};
use context::{GLANCE, RunContext};
pub use error::RunError;
use looks::Looker;
pub use rehearse::{Audience, Heard};

/// After all nodes agree on a leader they are watched for this much longer.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// Once an anomaly is proven, the final reads take no longer than this.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// The result of a run that has a directory.
pub struct Outcome {
    /// Where it is kept.
    pub dir: RunDir,
    /// What was decided and found.
    pub record: RunRecord,
    /// What ended it before its time, if anything did.
    pub stopped: Stopped,
    /// Why the test could not take place, if that is so.
    pub error: Option<RunError>,
    /// The verdict of the checks; none if the caller did not ask for it.
    pub judged: Option<Result<Conclusion, HistoryError>>,
}

/// What ended a run before its time, if anything did.
#[derive(Default)]
pub struct Stopped {
    /// A signal.
    pub interrupt: Option<Interrupt>,
    /// An anomaly, proven while the run went on.
    pub proven: Option<Proven>,
    /// The part of fracas that failed. The history is judged all the same.
    pub broken: Option<String>,
}

/// Carries out `plan`: lab, cluster, load and faults, recovery, final reads, verdict, report.
///
/// # Errors
/// When there is no directory that could keep the run, or its record cannot be written.
pub fn run(
    plan: &RunPlan,
    world: &World,
    listener: &Arc<dyn Listener>,
) -> Result<Outcome, RunError> {
    carry_out(plan, world, listener, None)
}

/// Starts the cluster of `plan`, asks every operation once, and stops it; `audience` hears it.
///
/// # Errors
/// As [`run`].
pub fn rehearse(
    plan: &RunPlan,
    world: &World,
    listener: &Arc<dyn Listener>,
    audience: &Audience,
) -> Result<Outcome, RunError> {
    carry_out(plan, world, listener, Some(audience))
}

fn carry_out(
    plan: &RunPlan,
    world: &World,
    listener: &Arc<dyn Listener>,
    audience: Option<&Audience>,
) -> Result<Outcome, RunError> {
    let runtime = powerless::runtime().map_err(RunError::Runtime)?;
    // First of all: process 1 of a world does not even die of a signal that it does not listen to.
    let listening = runtime.block_on(async { Interrupts::listen(Arc::clone(listener)) });
    let interrupts = listening.map_err(RunError::Runtime)?;
    let mut record = record::begin(plan, world);
    let dir =
        RunDir::create(&plan.place.out, &plan.name(), plan.place.readers).map_err(RunError::Out)?;
    record.id = dir.id();
    dir.write_supervisor(plan.place.supervisor)?;
    dir.write_record(&record)?;
    let began = Instant::now();
    let around = Around { plan, dir: &dir, listener, audience };
    let ended = build(plan, &dir, &mut record)
        .and_then(|site| runtime.block_on(conduct(around, site, interrupts)));
    if let Err(error) = fracas_lab::take_back(&dir.path().join("nodes")) {
        tracing::warn!("{error}");
    }
    record.duration_s = Some(began.elapsed().as_secs_f64());
    record.ended = told(&ended);
    dir.use_reserve();
    dir.write_record(&record)?;
    let (stopped, error) = match ended {
        Ok(stopped) => (stopped, None),
        Err(error) => (Stopped::default(), Some(error)),
    };
    // Of a run that could not take place the reports tell why, and the servers' last words.
    let (budget, proven, outputs) = (plan.spec.check, stopped.proven.as_ref(), &plan.place.outputs);
    let judge = || judging::judge_run(&dir, &record, Judging { budget, proven, outputs });
    let judged = (plan.spec.judge || error.is_some())
        .then(|| powerless::apart("judge", judge))
        .transpose()
        .map_err(RunError::Runtime)?;
    Ok(Outcome { dir, record, stopped, error, judged })
}

/// What a run is carried out with.
#[derive(Clone, Copy)]
struct Around<'a> {
    plan: &'a RunPlan,
    dir: &'a RunDir,
    listener: &'a Arc<dyn Listener>,
    /// Who hears it, if it is a rehearsal.
    audience: Option<&'a Audience>,
}

/// Builds the lab and its agent, and notes how it brings faults about.
fn build(plan: &RunPlan, dir: &RunDir, record: &mut RunRecord) -> Result<Premises, RunError> {
    let mut lab = Lab::build(&LabSpec {
        nodes: plan.spec.nodes.clone(),
        partition: plan.spec.partition,
        ineffective_cut: plan.place.ineffective_cut,
    })?;
    let gear = Kind::take(&plan.spec.faults);
    if gear.contains_key(&Gear::Packets) && plan.spec.equipment.packets == PacketMeans::Netem {
        lab.use_netem()?;
    }
    let home = Home { dir: dir.path().to_owned(), evidence: dir.evidence().to_owned() };
    let agent: Arc<dyn Agent> = Arc::new(LocalAgent::at_home(lab, home)?);
    preflight::try_out(&*agent, &plan.spec.faults)?;
    preflight::must_name_users(&plan.target)?;
    let facts = agent.ask(&Order::Facts)?;
    record.host.mechanisms.extend(record::mechanisms(&facts, plan));
    dir.write_record(record)?;
    Ok(Premises { agent, facts })
}

/// Where a run takes place.
struct Premises {
    agent: Arc<dyn Agent>,
    facts: Facts,
}

/// How the run ended, for its record.
fn told(ended: &Result<Stopped, RunError>) -> Ended {
    match ended {
        Ok(Stopped { broken: Some(why), .. }) => Ended::Failed { reason: why.clone() },
        Ok(Stopped { interrupt: None, .. }) => Ended::Finished,
        Ok(Stopped { interrupt: Some(interrupt), .. }) => {
            Ended::Interrupted { signal: interrupt.word().to_owned() }
        }
        Err(RunError::Target(reason)) => Ended::TargetBroke { reason: reason.clone() },
        Err(RunError::Client(reason)) => Ended::ClientBroke { reason: reason.clone() },
        Err(error) => Ended::Failed { reason: error.to_string() },
    }
}

/// The run itself: five steps. Returns what ended it before its time, if anything did.
async fn conduct(
    around: Around<'_>,
    Premises { agent, facts }: Premises,
    interrupts: Interrupts,
) -> Result<Stopped, RunError> {
    let Around { plan, dir, listener, audience } = around;
    let deployments = deployments(plan, &facts)?;
    let deployment = Arc::clone(&deployments.first);
    let setup = deployment.setup(plan.target_dir());
    let setup = setup.map_err(|error| RunError::Render(error.to_string()))?;
    let header = header(plan, dir);
    let guard = plan.spec.until_anomaly.then(|| Guard::start(&header, listener)).transpose();
    let (guard, feed) = guard.map_err(RunError::Runtime)?.unzip();
    let (recorder, writer) =
        Recorder::create(&dir.file("history.jsonl"), &header, feed).map_err(RunError::History)?;
    let preparing = preparation::of(plan, &deployment, &facts)?;
    let view = View::default();
    let (gear, wanted) = (Kind::take(&plan.spec.faults), plan.spec.equipment.clone());
    let equipment = Equipment { agent: &*agent, facts: &facts, gear: &gear, wanted: &wanted };
    equipment.give_all(&deployment)?;
    let cluster = Cluster::new(Parts {
        agent,
        facts,
        wanted,
        deployments,
        run: dir.clone(),
        recorder: recorder.clone(),
        view: view.clone(),
    });
    let client = client(around, &deployment, &recorder)?;
    let caller = Caller::new(Arc::new(client), recorder.clone());
    let cluster = Arc::new(cluster);
    let load_ended = OnceLock::new();
    let context = RunContext {
        plan,
        dir,
        cluster,
        deployment,
        preparing,
        setup,
        recorder,
        view,
        caller,
        interrupts,
        guard,
        listener: Arc::clone(listener),
        load_ended,
    };

    let finished = match audience {
        None => context.play().await,
        Some(audience) => context.rehearse(audience).await,
    };
    // Else a server that ended during the final reads counts as stopped.
    context.cluster.notice_crashes();
    stop(context, finished, writer)
}

/// Stops the cluster and closes the history; tells what ended the run before its time, if anything did.
fn stop(
    mut context: RunContext<'_>,
    finished: Result<(), RunError>,
    writer: Writer,
) -> Result<Stopped, RunError> {
    tokio::task::block_in_place(|| context.cluster.ask_helpers());
    context.enter(Phase::Stop);
    let stopped = tokio::task::block_in_place(|| context.cluster.stop_all());
    let client_broken = context.caller.broken();
    let broken = closed(writer.close())?.or(context.cluster.broken().map(Mishap::to_string));
    if let Some(why) = client_broken {
        return Err(RunError::Client(why));
    }
    // Before the test has begun there is nothing to judge.
    if broken.is_none() || matches!(finished, Err(RunError::Lab(_))) {
        finished?;
        stopped?;
    }
    context.guard.iter_mut().for_each(Guard::finish);
    Ok(Stopped { interrupt: context.interrupts.now(), proven: context.proven(), broken })
}

/// What is told of a history that could not be written to its end: what was recorded until then can be
/// judged, and says that there is no more. Where nothing is scarce, that is a failure of ours.
fn closed(writer: io::Result<()>) -> Result<Option<String>, RunError> {
    match writer {
        Ok(()) => Ok(None),
        Err(error) if error.raw_os_error().and_then(scarce).is_none() => {
            Err(RunError::History(error))
        }
        Err(error) => Ok(Some(format!("write the history: {error}"))),
    }
}

/// What performs operations: as the target file says, or client programs.
fn client(
    Around { plan, dir, audience, .. }: Around<'_>,
    deployment: &Deployment,
    recorder: &Recorder,
) -> Result<Client, RunError> {
    let ear = audience.map(rehearse::ear);
    let programs = ClientPrograms::of(&plan.target, plan.spec.target.dir.as_deref());
    let Some(programs) = programs.map_err(RunError::Render)? else {
        let client = deployment.client_heard_by(ear);
        return client.map_err(|error| RunError::Render(error.to_string()));
    };
    let logs = dir.file("clients");
    let programs = programs.kept_in(logs.clone()).map_err(|error| {
        RunError::Store(StoreError::Io { attempt: "make directory", path: logs, error })
    })?;
    Ok(deployment.client_of(Arc::new(programs.heard_by(ear).recorded_by(recorder.clone()))))
}

/// What the history says of itself, and how it is to be judged.
fn header(plan: &RunPlan, dir: &RunDir) -> Header {
    Header {
        schema: history::SCHEMA.to_owned(),
        run: dir.id(),
        target: plan.target.name().to_owned(),
        seed: plan.spec.seed,
        nodes: plan.spec.nodes.clone(),
        plan: plan.judging(),
    }
}

impl RunContext<'_> {
    /// Start, load with faults, a look at every object, recovery, final reads. The caller stops the cluster.
    async fn play(&self) -> Result<(), RunError> {
        self.enter(Phase::Start);
        if !self.prepare().await? {
            return Ok(());
        }
        tokio::task::block_in_place(|| self.cluster.start_all())?;
        let observer = self.observe()?;
        let parts = [("recorder", self.recorder.pulse()), ("logs", observer.pulse())];
        let heartbeat = Heartbeat::start(&self.recorder, &parts).map_err(RunError::Runtime)?;
        self.ready().await?;
        if let Some(why) = self.caller.broken() {
            return Err(RunError::Client(why));
        }
        if let Some(error) = self.cluster.broken_before() {
            Err(error)?;
        }
        self.enter(Phase::Load);
        let (clients, actual) = self.load().await?;
        if self.is_broken() {
            return clients.stop().await.map_err(RunError::Bug);
        }
        self.dir.write("schedule.json", &record::schedule(&self.plan.spec.schedule, &actual))?;
        self.enter(Phase::Recover);
        let (mut looker, recovery) = (Looker::new(self), self.plan.recovery());
        if !self.is_proven() {
            clients.held(self.caller.timeout() + AFTERWARDS).await;
            looker.look(recovery).await;
            clients.go_on();
            self.recover().await;
        }
        clients.stop().await.map_err(RunError::Bug)?;
        self.enter(Phase::FinalReads);
        looker.read(if self.is_proven() { recovery.min(LAST_LOOK) } else { recovery }).await;
        tokio::task::block_in_place(|| {
            drop(heartbeat);
            observer.stop().map_err(RunError::Bug)
        })
    }

    /// Whether something of our own has ended, so that nothing more can be learnt.
    fn is_broken(&self) -> bool {
        self.cluster.broken().is_some() || self.caller.broken().is_some()
    }

    /// Whether an anomaly is proven, where the run is to end with one.
    fn is_proven(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.proven().is_some())
    }

    /// What proved an anomaly while the run went on, if anything did.
    fn proven(&self) -> Option<Proven> {
        let alarm = self.guard.as_ref()?.proven()?.clone();
        Some(Proven { alarm, load_ended: self.load_ended.get().copied() })
    }

    fn enter(&self, phase: Phase) {
        tracing::debug!(?phase, "the run goes on");
        self.recorder.record(EventKind::Phase { phase });
    }

    /// Whether the target tells of leaders, so that one can be waited for.
    fn waits_for_leader(&self) -> bool {
        self.deployment.cluster_ready().is_some()
    }

    /// Clients and faults, for the time asked. When it returns all faults are healed, and clients
    /// change nothing more.
    async fn load(&self) -> Result<(Clients, Vec<Actual>), RunError> {
        let plan = self.plan;
        let clients =
            Clients::start(plan.workloads.lanes(), plan.spec.seed, &self.caller, &self.view);
        let (stop, stopped) = watch::channel(false);
        let actor = Actor::new(Arc::clone(&self.cluster), self.recorder.clone(), self.view.clone());
        let faults = plan.spec.schedule.clone();
        let acting = async move { actor.perform(&faults, stopped).await };
        let acting = powerless::beside("nemesis", acting).map_err(RunError::Runtime)?;
        self.watch(plan.spec.time, || true).await;
        self.go_on(|| !acting.is_finished()).await;
        clients.hold();
        stop.send_replace(true);
        if self.is_proven() {
            clients.ask_to_stop();
            self.tell_proven();
        }
        // A nemesis that failed may have left faults behind: nothing after it would mean anything.
        match acting.await {
            Ok(Ok(actual)) => Ok((clients, actual)),
            Ok(Err(error)) => Err(RunError::Bug(format!("the nemesis failed: {error}"))),
            Err(error) => Err(RunError::Bug(format!("the nemesis failed: {error}"))),
        }
    }

    /// Goes on a little with a load that lacks a little of what a pass needs, or in which planned
    /// faults are to come that must.
    async fn go_on(&self, faults_to_come: impl Fn() -> bool) {
        let coverage = &self.plan.spec.coverage;
        let kinds = self.plan.workloads.objects();
        let lacks = || self.caller.enough().lacks(coverage, &kinds);
        let comes = || coverage.every_fault && faults_to_come();
        let Some(lack) = lacks().or_else(|| comes().then(|| "planned faults".to_owned())) else {
            return;
        };
        let extend = self.plan.spec.extend;
        if !extend.is_zero() && self.is_undisturbed() {
            self.listener.hear(&Progress::LoadExtended { by: extend, lacks: lack });
            self.watch(extend, || lacks().is_some() || comes()).await;
        }
    }

    /// Tells, on screen and in the history, that an anomaly has ended the load.
    fn tell_proven(&self) {
        self.load_ended.get_or_init(|| self.recorder.now());
        let Some(proven) = self.proven() else { return };
        self.recorder.record(EventKind::note(proven.to_string()));
        self.listener.hear(&Progress::Proven(proven));
    }

    /// Tells how the load stands for `time`, or until the user interrupts, the disk fails, an anomaly is
    /// proven, or nothing is `wanted` any more.
    async fn watch(&self, time: Duration, wanted: impl Fn() -> bool) {
        let until = Instant::now() + time;
        self.listener.hear(&Progress::LoadBegan(time));
        let goes_on = || self.is_undisturbed() && wanted();
        while Instant::now() < until && goes_on() {
            self.notice_crashes();
            self.listener.hear(&Progress::Load(self.standing(until - Instant::now())));
            tokio::time::sleep(GLANCE).await;
        }
        self.listener.hear(&Progress::LoadEnded);
    }

    /// Tells of servers that ended by themselves; those that gave up on a fault that is over by then are
    /// started again.
    fn notice_crashes(&self) {
        tokio::task::block_in_place(|| {
            self.cluster.notice_crashes();
            self.cluster.start_late_ends();
        });
    }

    /// How the load stands, with `left` to go.
    fn standing(&self, left: Duration) -> Standing {
        let counts = self.recorder.counts();
        let [ok, fail, info] = [&counts.ok, &counts.fail, &counts.info].map(|c| c.load(Relaxed));
        let generation = self.view.elections().borrow().generation;
        let leader = self.view.leader().map(|node| (node, generation));
        Standing { left, ok, fail, info, leader, faults: self.view.faults() }
    }

    fn is_undisturbed(&self) -> bool {
        let ours = self.recorder.failed() || self.is_broken();
        self.interrupts.now().is_none() && !ours && !self.is_proven()
    }

    /// Lets the clients go on until the cluster answers again and agrees on a leader, or the bound
    /// has passed. Whether that was in time is for the checks to say.
    async fn recover(&self) {
        let counts = self.recorder.counts();
        let ok = || counts.ok.load(Relaxed);
        let before = ok();
        let until = Instant::now() + self.plan.recovery() + AFTERWARDS;
        let goes_on = || self.is_undisturbed();
        let agreed = || !self.waits_for_leader() || self.view.unanimous(self.plan.spec.nodes.len());
        while Instant::now() < until && goes_on() {
            self.notice_crashes();
            if ok() > before + self.plan.spec.nodes.len() as u64 && agreed() {
                break;
            }
            tokio::time::sleep(GLANCE).await;
        }
        if goes_on() {
            tokio::time::sleep(AFTERWARDS).await;
        }
    }
}
