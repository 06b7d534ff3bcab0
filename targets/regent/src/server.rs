//! A node as a process: the pure core, driven by a clock, a disk and a network. Everything that
//! is decided is decided in `core`; here it is only carried out, in the order the core demands.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

use crate::core::{Clocks, Config, Core, Effect, Input, Millis, Outputs, Saved, Status, Token};
use crate::disk::Directory;
use crate::http;
use crate::job::{Job, Settings};
use crate::messages::{Ballot, Reply, Response, Splice};
use crate::peers::Peers;
use crate::store::{Store, StoreError};

/// How many jobs may wait for the driver.
const MAX_JOBS: usize = 8192;
/// How many jobs are taken in before the disk is synced once for all of them.
const MAX_BATCH: usize = 1024;
/// How long a node waits that has no room on its disk, before it tries again.
const FULL_RETRY: Duration = Duration::from_millis(100);

/// Why a node cannot go on. Completes "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network or another part of the operating system.
    #[error("{act}: {source}")]
    Io {
        /// What was being done.
        act: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The HTTP client could not be built.
    #[error("build the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// A task of ours panicked.
    #[error("write to the disk: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Runs a node until SIGTERM or SIGINT.
pub(crate) fn run_until_signalled(settings: Settings, at: SocketAddr) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(io_error("start the runtime"))?;
    let result = runtime.block_on(async {
        let mut term = signal(SignalKind::terminate()).map_err(io_error("await SIGTERM"))?;
        let mut int = signal(SignalKind::interrupt()).map_err(io_error("await SIGINT"))?;
        let listener =
            TcpListener::bind(at).await.map_err(io_error(&format!("listen on `{at}`")))?;
        let stop = async {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        };
        serve(settings, listener, stop).await
    });
    // A sync under way need not be awaited: nobody was told of what it writes.
    runtime.shutdown_background();
    result
}

/// Runs a node on `listener` until `stop` is ready.
///
/// # Errors
/// If the data directory cannot be used, or the operating system refuses something.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mut stop = pin!(stop);
    let (store, saved) = tokio::select! {
        opened = open_store(&settings) => opened?,
        () = &mut stop => return Ok(()),
    };
    let (inbox, jobs) = mpsc::channel(MAX_JOBS);
    let core =
        Core::new(config(&settings), saved, Clocks { steady: 0, wall: millis(wall_clock()) });
    let status = Arc::new(Mutex::new(core.status()));
    let peers = Peers::new(&settings, inbox.clone())?;
    let driver = Driver {
        core,
        store: Some(store),
        started: Instant::now(),
        jobs,
        waiters: Waiters::default(),
        peers,
        status: Arc::clone(&status),
    };
    let nodes = settings.nodes.into_keys().collect();
    let site = http::Site { inbox, status, nodes: Arc::new(nodes) };
    tokio::select! {
        served = http::serve(listener, site) => served.map_err(io_error("serve")),
        driven = driver.run() => driven,
        () = stop => Ok(()),
    }
}

/// Opens the data directory, once there is room to make sure of what is in it.
async fn open_store(settings: &Settings) -> Result<(Store<Directory>, Saved), StoreError> {
    let mut told = false;
    loop {
        let path = &settings.data;
        let disk = Directory::open(path).map_err(|source| StoreError::Io {
            act: "create",
            path: path.clone(),
            source,
        });
        match disk.and_then(|disk| Store::open(disk, settings.bug)) {
            Err(error) if error.is_full() => {
                if !std::mem::replace(&mut told, true) {
                    print_line(format!("waits for room: failed to {error}"));
                }
                tokio::time::sleep(FULL_RETRY).await;
            }
            opened => return opened,
        }
    }
}

fn config(settings: &Settings) -> Config {
    Config {
        id: settings.id.clone(),
        nodes: settings.nodes.keys().cloned().collect(),
        election_ms: settings.election_ms,
        heartbeat_ms: settings.heartbeat_ms,
        bug: settings.bug,
        seed: seed(&settings.id),
    }
}

/// Differs between nodes and between starts, so that elections are not tied for ever.
fn seed(id: &str) -> u64 {
    let now = wall_clock();
    let time = now.as_secs().wrapping_mul(1_000_000_007) ^ u64::from(now.subsec_nanos());
    let name = id.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    time ^ name.rotate_left(40) ^ u64::from(std::process::id()).rotate_left(20)
}

/// Those who wait for the core to answer.
#[derive(Default)]
struct Waiters {
    next: Token,
    peers: BTreeMap<Token, oneshot::Sender<Response>>,
    clients: BTreeMap<Token, oneshot::Sender<Reply>>,
}

impl Waiters {
    fn input(&mut self, job: Job) -> Input {
        self.next += 1;
        let token = self.next;
        match job {
            Job::Peer(request, waiter) => {
                self.peers.insert(token, waiter);
                Input::Asked { token, request }
            }
            Job::Client(ask, waiter) => {
                self.clients.insert(token, waiter);
                Input::Client { token, ask }
            }
            Job::Done { rpc, from, response } => Input::Answered { rpc, from, response },
        }
    }

    /// Passes an answer on. Whoever has given up waiting does not want it any more.
    fn answer(&mut self, token: Token, response: Response) {
        if let Some(waiter) = self.peers.remove(&token) {
            let _ = waiter.send(response);
        }
    }

    /// As [`Self::answer`], to a client.
    fn reply(&mut self, token: Token, reply: Reply) {
        if let Some(waiter) = self.clients.remove(&token) {
            let _ = waiter.send(reply);
        }
    }
}

/// What clients ask is taken in before what other nodes say. The core is right in any order; this
/// one lets a node that was stopped, and led, first try what clients asked of it meanwhile, and
/// learn from the others that it is too late. (Also, it is what a planted bug needs to show.)
fn is_client(job: &Job) -> bool {
    matches!(job, Job::Client(..))
}

/// The loop around the core.
struct Driver {
    core: Core,
    /// Away while a sync is under way.
    store: Option<Store<Directory>>,
    started: Instant,
    jobs: mpsc::Receiver<Job>,
    waiters: Waiters,
    peers: Peers,
    status: Arc<Mutex<Status>>,
}

impl Driver {
    async fn run(mut self) -> Result<(), ServeError> {
        self.take_in(Vec::new()).await?;
        while let Some(batch) = self.next_batch().await {
            let (clients, others): (Vec<Job>, Vec<Job>) = batch.into_iter().partition(is_client);
            if !clients.is_empty() {
                self.take_in(clients).await?;
            }
            self.take_in(others).await?;
        }
        Ok(())
    }

    /// One step of the core for each job, one sync and one release for all of them.
    async fn take_in(&mut self, jobs: Vec<Job>) -> Result<(), ServeError> {
        let now = self.now();
        self.core.step(now, Input::Tick);
        for job in jobs {
            let input = self.waiters.input(job);
            self.core.step(now, input);
        }
        let outputs = self.core.flush();
        self.carry_out(outputs).await
    }

    /// Whatever has come in by the time there is something, or nothing when it is time to tick.
    /// None if nobody can ever ask again.
    async fn next_batch(&mut self) -> Option<Vec<Job>> {
        let due = self.started + Duration::from_millis(self.core.next_tick());
        let mut batch = Vec::new();
        match timeout_at(due.into(), self.jobs.recv_many(&mut batch, MAX_BATCH)).await {
            Ok(0) => None,
            Ok(_) | Err(_) => Some(batch),
        }
    }

    /// The disk first. Only then does anyone hear of it.
    async fn carry_out(&mut self, outputs: Outputs) -> Result<(), ServeError> {
        let volatile = outputs.is_volatile();
        let Outputs { ballot, splice, effects } = outputs;
        if !volatile {
            self.save(ballot, splice).await?;
        }
        *self.status.lock().expect("no holder panics") = self.core.status();
        for effect in effects {
            self.release(effect);
        }
        Ok(())
    }

    /// Writes to the disk, once there is room. Until then this node says nothing to anybody, which
    /// to the others is the same as a node that is slow; clients it refuses at once.
    async fn save(
        &mut self,
        ballot: Option<Ballot>,
        splice: Option<Splice>,
    ) -> Result<(), ServeError> {
        let (ballot, splice) = (Arc::new(ballot), Arc::new(splice));
        loop {
            let (ballot, splice) = (Arc::clone(&ballot), Arc::clone(&splice));
            let mut store = self.store.take().expect("the store is back after every sync");
            let sync = tokio::task::spawn_blocking(move || {
                let saved = store.save((*ballot).as_ref(), (*splice).as_ref());
                (store, saved)
            });
            let (store, saved) = sync.await?;
            self.store = Some(store);
            match saved {
                Err(error) if error.is_full() => self.is_full(&error).await,
                saved => return Ok(saved?),
            }
        }
    }

    async fn is_full(&mut self, error: &StoreError) {
        let told = {
            let mut status = self.status.lock().expect("no holder panics");
            std::mem::replace(&mut status.full, true)
        };
        if !told {
            print_line(format!("waits for room: failed to {error}"));
        }
        tokio::time::sleep(FULL_RETRY).await;
    }

    fn release(&mut self, effect: Effect) {
        match effect {
            Effect::Send { rpc, to, request } => self.peers.send(rpc, to, request),
            Effect::Answer { token, response } => self.waiters.answer(token, response),
            Effect::Reply { token, reply } => self.waiters.reply(token, reply),
            Effect::Line(line) => print_line(line),
        }
    }

    fn now(&self) -> Clocks {
        Clocks { steady: millis(self.started.elapsed()), wall: millis(wall_clock()) }
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// The time since 1970, as far as the clock on the wall knows.
fn wall_clock() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// One write per line, so that a node that is killed leaves no half lines. If nobody reads them
/// any more, there is nobody to tell.
fn print_line(mut line: String) {
    line.push('\n');
    let _ = io::stderr().write_all(line.as_bytes());
}

fn io_error(act: &str) -> impl FnOnce(io::Error) -> ServeError {
    let act = act.to_owned();
    move |source| ServeError::Io { act, source }
}
