//! Looking at every object: after the last heal, before anybody changes it again, and at the end.
//!
//! What a fault took is seen only by who looks before anybody writes: the next write hides it. How an
//! object is looked at is said by its workload; what was seen is in the history. Nothing is judged
//! here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::event::{Completion, NodeId, Op, Outcome, ProcessId};
use fracas_workloads::{BACK, Look, Until};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::context::{GLANCE, RunContext};
use crate::caller::Caller;

/// Process ids of those who look begin here, far above those of any client.
const LOOKERS: u64 = 1_000_000;

/// A node that leaves so many questions in a row unanswered is asked no more in this pass.
const SILENT: u32 = 2;

/// Who looks: one process on every node.
pub(super) struct Looker<'a> {
    context: &'a RunContext<'a>,
    askers: BTreeMap<NodeId, Asker>,
    /// Those that would not hand anything out when they were asked last.
    refusing: BTreeSet<NodeId>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(context: &'a RunContext<'a>) -> Self {
        let asker = |node: NodeId| {
            let (caller, process) = (context.caller.clone(), LOOKERS + u64::from(node.0));
            (node, Asker { caller, node, process })
        };
        let askers = context.cluster.nodes().map(asker).collect();
        Self { context, askers, refusing: BTreeSet::new() }
    }

    /// Looks at every object that clients have used, before anybody changes it again, for as long as
    /// `within`.
    pub(super) async fn look(&mut self, within: Duration) {
        let asked = self.context.caller.enough().objects();
        self.ask(self.context.plan.workloads.looks(&asked), within).await;
    }

    /// Asks what is asked at the end.
    pub(super) async fn read(&mut self, within: Duration) {
        let asked = self.context.caller.enough().objects();
        self.ask(self.context.plan.workloads.finals(&asked), within).await;
    }

    /// First what changes nothing, so that nothing is hidden from it.
    async fn ask(&mut self, looks: Vec<Look>, within: Duration) {
        let until = Instant::now() + within;
        let (answered, others): (Vec<Look>, Vec<Look>) =
            looks.into_iter().partition(|look| look.until == Until::Answered);
        self.until_answered(answered, until).await;
        for look in &others {
            match look.until {
                _ if !self.goes_on(until) => return,
                Until::Empty | Until::Settled => {
                    self.until_empty(&look.ops, until, &BTreeSet::new()).await;
                }
                Until::Granted | Until::Answered => self.until_granted(&look.ops).await,
            }
        }
        self.until_settled(&others, until).await;
    }

    /// Takes once more of what may have come back meanwhile, through nodes that hand something out.
    async fn until_settled(&mut self, looks: &[Look], until: Instant) {
        let mut settled = looks.iter().filter(|look| look.until == Until::Settled).peekable();
        let back = Instant::now() + BACK;
        while settled.peek().is_some() && Instant::now() < back && self.goes_on(until) {
            tokio::time::sleep(GLANCE).await;
        }
        let left_out = match self.refusing.len() == self.askers.len() {
            true => BTreeSet::new(),
            false => self.refusing.clone(),
        };
        for look in settled {
            if self.goes_on(until) {
                self.until_empty(&look.ops, until, &left_out).await;
            }
        }
    }

    fn goes_on(&self, until: Instant) -> bool {
        Instant::now() < until && self.context.interrupts.now().is_none()
    }

    /// Asks all nodes at once, everything of each; again what no node has answered.
    async fn until_answered(&mut self, mut looks: Vec<Look>, until: Instant) {
        while !looks.is_empty() && self.goes_on(until) {
            let all: Arc<[Look]> = looks.clone().into();
            let mut passes = JoinSet::new();
            for asker in self.askers.values() {
                passes.spawn(asker.clone().pass(Arc::clone(&all), until));
            }
            let mut answered = vec![false; all.len()];
            while let Some(Ok((asker, own))) = passes.join_next().await {
                self.askers.insert(asker.node, asker);
                answered.iter_mut().zip(own).for_each(|(any, own)| *any |= own);
            }
            let mut unanswered = answered.into_iter().map(|any| !any);
            looks.retain(|_| unanswered.next().unwrap_or(false));
            if !looks.is_empty() {
                tokio::time::sleep(GLANCE).await;
            }
        }
    }

    /// Asks one node after the other until all of `ops` have succeeded at one.
    async fn until_granted(&mut self, ops: &[Op]) {
        for asker in self.askers.values_mut() {
            if asker.all(ops).await == Answer::Ok {
                return;
            }
        }
    }

    /// Takes all that is left, through one node after the other: until in a whole round nobody has
    /// handed anything out and somebody says that there is nothing.
    async fn until_empty(&mut self, ops: &[Op], until: Instant, left_out: &BTreeSet<NodeId>) {
        let (mut took, mut empty) = (true, false);
        while (took || !empty) && self.goes_on(until) {
            (took, empty) = (false, false);
            for asker in self.askers.values_mut().filter(|asker| !left_out.contains(&asker.node)) {
                let taken = asker.take(ops, until).await;
                match taken.nothing_left {
                    true => self.refusing.remove(&asker.node),
                    false => self.refusing.insert(asker.node),
                };
                (took, empty) = (took | taken.some, empty | taken.nothing_left);
            }
            if !took && !empty {
                tokio::time::sleep(GLANCE).await;
            }
        }
    }
}

/// How a node answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Ok,
    Refused,
    None,
}

/// What a node handed out.
#[derive(Debug, Default)]
struct Taken {
    some: bool,
    nothing_left: bool,
}

/// A process that asks one node.
#[derive(Clone)]
struct Asker {
    caller: Caller,
    node: NodeId,
    process: u64,
}

impl Asker {
    async fn ask(&mut self, op: &Op) -> Completion {
        let completion = self.caller.call(ProcessId(self.process), self.node, op).await;
        if matches!(completion, Completion::Info { .. }) {
            self.process += LOOKERS;
        }
        completion
    }

    /// Asks these one after the other as long as none is refused.
    async fn all(&mut self, ops: &[Op]) -> Answer {
        let mut answer = Answer::Ok;
        for op in ops {
            match self.ask(op).await {
                Completion::Ok { .. } => {}
                Completion::Info { .. } => answer = Answer::None,
                Completion::Fail { .. } => return Answer::Refused,
            }
        }
        answer
    }

    /// Looks at everything once; returns which looks succeeded.
    async fn pass(mut self, looks: Arc<[Look]>, until: Instant) -> (Self, Vec<bool>) {
        let (mut answered, mut silent) = (vec![false; looks.len()], 0);
        for (look, answered) in looks.iter().zip(&mut answered) {
            if Instant::now() >= until || silent >= SILENT {
                break;
            }
            let answer = self.all(&look.ops).await;
            silent = if answer == Answer::None { silent + 1 } else { 0 };
            *answered = answer == Answer::Ok;
        }
        (self, answered)
    }

    /// Takes as long as the node hands something out.
    async fn take(&mut self, ops: &[Op], until: Instant) -> Taken {
        let mut taken = Taken::default();
        while Instant::now() < until {
            for op in ops {
                match self.ask(op).await {
                    Completion::Ok { outcome: Outcome::Dequeue { value: None }, .. } => {
                        taken.nothing_left = true;
                        return taken;
                    }
                    Completion::Ok { .. } => taken.some = true,
                    Completion::Fail { .. } | Completion::Info { .. } => return taken,
                }
            }
        }
        taken
    }
}
