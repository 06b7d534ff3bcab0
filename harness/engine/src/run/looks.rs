//! Looking at every object: after the last heal, before anybody changes it again, and at the end.
//!
//! What a fault took is seen only by who looks before anybody writes: the next write hides it. What
//! was seen is in the history; nothing is judged here.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::event::{Completion, NodeId, Op, OpKind, ProcessId};
use tokio::time::Instant;

use super::stage::{GLANCE, Stage};

/// Process ids of those who look begin here, far above those of any client.
const LOOKERS: u64 = 1_000_000;

/// One process on every node.
pub(super) struct Looker<'a> {
    stage: &'a Stage<'a>,
    processes: BTreeMap<NodeId, u64>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(stage: &'a Stage<'a>) -> Self {
        let nodes = stage.cluster.nodes();
        Self { stage, processes: nodes.map(|node| (node, LOOKERS + u64::from(node.0))).collect() }
    }

    /// Looks at every object in the way that its workload says, for as long as `within`.
    pub(super) async fn look(&mut self, within: Duration) {
        let (plan, until) = (self.stage.plan, Instant::now() + within);
        let looks = plan.workloads.iter().flat_map(|workload| workload.looks(&plan.size));
        let (reads, others): (Vec<Vec<Op>>, Vec<Vec<Op>>) = looks.partition(|ops| is_read(ops));
        self.until_read(&reads, until).await;
        // Who is refused has seen enough: the lock is held.
        for ops in others {
            if self.goes_on(until) {
                self.ask(&ops).await;
            }
        }
    }

    /// Reads every object once more.
    pub(super) async fn read(&mut self, within: Duration) {
        let (plan, until) = (self.stage.plan, Instant::now() + within);
        let keys = plan.workloads.iter().flat_map(|workload| workload.keys(&plan.size));
        let reads: Vec<Vec<Op>> = keys.map(|key| vec![Op::Read { key }]).collect();
        self.until_read(&reads, until).await;
    }

    /// Reads through every node; each object at least once with success, if at all possible.
    async fn until_read(&mut self, reads: &[Vec<Op>], until: Instant) {
        for ops in reads {
            let mut read = false;
            while !read && self.goes_on(until) {
                read = self.ask(ops).await;
                if !read {
                    tokio::time::sleep(GLANCE).await;
                }
            }
        }
    }

    fn goes_on(&self, until: Instant) -> bool {
        Instant::now() < until && self.stage.interrupts.now().is_none()
    }

    /// Asks these at every node, one after the other as long as none is refused; whether all
    /// succeeded at some node. What is not only read is not asked again once it has succeeded.
    async fn ask(&mut self, ops: &[Op]) -> bool {
        let mut succeeded = false;
        for (node, process) in &mut self.processes {
            let mut ok = 0;
            for op in ops {
                match self.stage.caller.call(ProcessId(*process), *node, op).await {
                    Completion::Ok { .. } => ok += 1,
                    Completion::Info { .. } => *process += LOOKERS,
                    Completion::Fail { .. } => break,
                }
            }
            succeeded |= ok == ops.len();
            if succeeded && !is_read(ops) {
                break;
            }
        }
        succeeded
    }
}

/// Whether nothing but a read is asked.
fn is_read(ops: &[Op]) -> bool {
    ops.iter().all(|op| op.kind() == OpKind::Read)
}
