//! Performing operations on nodes, each process through a session of its own.
//!
//! It deliberately never retries, and follows nothing by itself: an operation that was quietly sent
//! twice makes a history a lie. Where an answer sends an operation to another node, it says so; to
//! follow is a new attempt of whoever records it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fracas_checker::{Completion, Key, NodeId, Op, OpKind, ProcessId};

use crate::choices::Route;
use crate::redirect::{Attempt, Redirect};
use crate::session::{AsksStatus, Opener, Refused, Session};

use crate::text::bounded;

/// Performs operations. Cheap to clone; clones share their sessions.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    opener: Box<dyn Opener>,
    timeout: Duration,
    route: Route,
    serves: BTreeSet<OpKind>,
    /// The sessions of processes that ask nothing at the moment.
    idle: Mutex<BTreeMap<ProcessId, Place>>,
    /// Those that have ended, until somebody was told.
    over: Mutex<BTreeMap<ProcessId, Place>>,
}

/// A session, and where it is.
struct Place {
    node: NodeId,
    session: Box<dyn Session>,
    /// What its process holds at this node: locks, by whom.
    held: BTreeSet<(Key, u64)>,
}

/// A session that has ended. It is closed when this is dropped, and not before.
pub struct Ended(Place);

impl Ended {
    /// Where it was.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.0.node
    }

    /// What its end may give back: the releases of all that its process held, where sessions hold
    /// something.
    #[must_use]
    pub fn releases(&self) -> Vec<Op> {
        let held = self.0.held.iter().filter(|_| self.0.session.holds());
        held.map(|(key, holder)| Op::Release { key: key.clone(), holder: *holder }).collect()
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("serves", &self.0.serves).finish_non_exhaustive()
    }
}

/// How clients go about it, whatever the protocol.
pub(crate) struct Manner {
    pub(crate) timeout: Duration,
    pub(crate) route: Route,
    pub(crate) serves: BTreeSet<OpKind>,
}

impl Client {
    pub(crate) fn new(opener: Box<dyn Opener>, manner: Manner) -> Self {
        let Manner { timeout, route, serves } = manner;
        let (idle, over) = Default::default();
        Self(Arc::new(Inner { opener, timeout, route, serves, idle, over }))
    }

    /// How long an operation may take before its outcome is unknown.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// How many operations of one client may be open beside each other: each may cost a process.
    #[must_use]
    pub fn beside(&self) -> u32 {
        self.0.opener.beside()
    }

    /// Why nothing more can be learnt through it, if that is so: a client program that does not keep to
    /// its protocol. That is never the target's doing.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        self.0.opener.broken()
    }

    /// How many answers came too late to count, and by how much, in words; none if none did.
    #[must_use]
    pub fn late(&self) -> Option<String> {
        self.0.opener.late()
    }

    /// What asks nodes for their status by the same means, where they can.
    pub(crate) fn status(&self) -> Option<Arc<dyn AsksStatus>> {
        self.0.opener.status()
    }

    /// Whether operations of this kind can be asked for.
    #[must_use]
    pub fn serves(&self, kind: OpKind) -> bool {
        self.0.serves.contains(&kind)
    }

    /// Which node a client asks, as the target file says; where that leaves it open (`mixed`), as
    /// the workload wants it: `seeks_leader`. Never [`Route::Mixed`].
    #[must_use]
    pub fn route(&self, seeks_leader: bool) -> Route {
        match self.0.route {
            Route::Mixed if seeks_leader => Route::Leader,
            Route::Mixed => Route::Node,
            route => route,
        }
    }

    /// Whether a session can be opened at a node.
    ///
    /// # Errors
    /// The reason why not, for people.
    pub async fn reach(&self, node: NodeId) -> Result<(), String> {
        let opened = self.0.opener.open(node, ProcessId(0)).await;
        opened.map(drop).map_err(|Refused(why)| bounded(&why))
    }

    /// Performs one operation on one node, in the session that the process has there, else in a new
    /// one. Whatever goes wrong is in the completion. A session that has ended stays until it is
    /// [taken](Self::ended), or until the process asks again.
    pub async fn invoke(&self, node: NodeId, process: ProcessId, op: &Op) -> Completion {
        self.attempt(node, process, op).await.completion
    }

    /// The same; the answer may send the operation to another node, which was not asked yet.
    pub async fn attempt(&self, node: NodeId, process: ProcessId, op: &Op) -> Attempt {
        self.asked(node, process, op, None).await
    }

    /// A new attempt, at the node to which the answer to an earlier one sent the operation.
    pub async fn follow(&self, redirect: &Redirect, process: ProcessId, op: &Op) -> Attempt {
        self.asked(redirect.node(), process, op, Some(redirect)).await
    }

    async fn asked(
        &self,
        node: NodeId,
        process: ProcessId,
        op: &Op,
        followed: Option<&Redirect>,
    ) -> Attempt {
        drop(self.ended(process));
        let kept = lock(&self.0.idle).remove(&process).filter(|place| place.node == node);
        let opened = match kept {
            Some(place) => Ok(place),
            None => self.open(node, process).await,
        };
        let mut place = match opened {
            Ok(place) => place,
            Err(Refused(why)) => return Completion::Fail { error: bounded(&why) }.into(),
        };
        let attempt = place.session.invoke(op, followed).await;
        place.note(op, &attempt.completion);
        let unknown = matches!(attempt.completion, Completion::Info { .. });
        let over = unknown || place.session.is_over();
        let places = if over { &self.0.over } else { &self.0.idle };
        lock(places).insert(process, place);
        attempt
    }

    async fn open(&self, node: NodeId, process: ProcessId) -> Result<Place, Refused> {
        let session = self.0.opener.open(node, process).await?;
        Ok(Place { node, session, held: BTreeSet::new() })
    }

    /// The session of a process that has ended, if it has one. What it may give back must be
    /// recorded before it is dropped.
    #[must_use]
    pub fn ended(&self, process: ProcessId) -> Option<Ended> {
        lock(&self.0.over).remove(&process).map(Ended)
    }

    /// The session that a process has at another node than this, which it leaves.
    #[must_use]
    pub fn leaves(&self, process: ProcessId, next: NodeId) -> Option<Ended> {
        let mut idle = lock(&self.0.idle);
        let elsewhere = idle.get(&process).is_some_and(|place| place.node != next);
        elsewhere.then(|| idle.remove(&process)).flatten().map(Ended)
    }
}

impl Place {
    /// Notes what the process holds now.
    fn note(&mut self, op: &Op, completion: &Completion) {
        let ok = matches!(completion, Completion::Ok { .. });
        match op {
            Op::Acquire { key, holder, .. } if ok => {
                self.held.insert((key.clone(), *holder));
            }
            // A refused release says that there was nothing to give back.
            Op::Release { key, holder } => {
                self.held.remove(&(key.clone(), *holder));
            }
            _ => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
