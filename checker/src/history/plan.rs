//! The first line of a history: what was run, and how it is to be judged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::kinds::Kinds;
use crate::fault::{FaultKind, Hardship};
use crate::identity::{Nanos, NodeId};
use crate::op::OpKind;
use crate::value::Value;

/// The name and version of the format; the first field of the first line.
pub const SCHEMA: &str = "fracas.history/2";

/// The versions that are read. In the first, faults had no effects, but data of their kind.
pub(crate) const READ: [&str; 2] = ["fracas.history/1", SCHEMA];

/// The first line of a history: what was run, and how it is to be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// The name of the run.
    pub run: String,
    /// The system under test.
    pub target: String,
    /// The seed that every random choice came from.
    pub seed: u64,
    /// The servers of the cluster.
    pub nodes: Vec<NodeId>,
    /// How this history is to be judged.
    #[serde(default)]
    pub plan: Plan,
}

/// How a history is to be judged. It stands in the header, so that judging needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Plan {
    /// The checks to run, by id; `coverage` always runs.
    pub checks: Vec<String>,
    /// Which key names an object of which kind. The checks guess the kind of a key that is not
    /// named here from its operations.
    #[serde(skip_serializing_if = "Kinds::is_empty")]
    pub objects: Kinds,
    /// How long after the last heal the cluster may take to answer again, in milliseconds.
    pub recovery_ms: u64,
    /// How long a leader that is cut from its quorum may go on claiming to lead, in milliseconds.
    /// None: nothing is promised, and the times that were seen are told as numbers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_down_ms: Option<u64>,
    /// How long after a fault hit the leader another may take to lead, where a majority is left
    /// undisturbed, in milliseconds. None promises nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_leader_ms: Option<u64>,
    /// How far a holder's clock may be off over the life of a lease, in milliseconds: leases may
    /// overlap by this much.
    #[serde(skip_serializing_if = "is_zero")]
    pub clock_error_ms: u64,
    /// The hardships during which a server may end by itself. None: [`Plan::GIVES_UP_ON`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gives_up_on: Option<BTreeSet<Hardship>>,
    /// What every register, text or counter holds before anything is written to it. None: nothing,
    /// or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<Value>,
    /// The kinds of faults that were allowed. If there are any, one fault must have happened.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub faults: BTreeSet<FaultKind>,
    /// How much must have been seen for a pass to mean something.
    pub coverage: Coverage,
}

impl Plan {
    /// The hardships during which a server may end by itself, unless the plan names others. After a
    /// failed fsync nobody knows what is on the disk (Rebello et al., “Can Applications Recover
    /// from fsync Failures?”, 2020), and few programs survive that memory is refused.
    pub const GIVES_UP_ON: [Hardship; 2] = [Hardship::DiskErrors, Hardship::NoMemory];

    /// Whether a server may end by itself while it endures this.
    #[must_use]
    pub fn may_give_up_on(&self, hardship: Hardship) -> bool {
        let usual = Self::GIVES_UP_ON.contains(&hardship);
        self.gives_up_on.as_ref().map_or(usual, |all| all.contains(&hardship))
    }

    /// How far a holder's clock may be off over the life of a lease.
    #[must_use]
    pub fn clock_error(&self) -> Nanos {
        self.clock_error_ms.saturating_mul(1_000_000)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// How much must have been seen for a pass to mean something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Coverage {
    /// Locks that went from one holder to another.
    #[serde(skip_serializing_if = "is_zero")]
    pub handovers: u64,
    /// Operations of each kind that succeeded under load, on any object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ok_per_kind: BTreeMap<OpKind, u64>,
    /// How much must have been seen of the objects of each name in [`Plan::objects`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, Least>,
    /// Successful operations within every fault that left a majority connected.
    pub ok_per_fault_window: u64,
    /// Generations that came to be led while there was load.
    pub elections: u64,
    /// Faults that were proven to take effect.
    pub effective_faults: u64,
    /// Whether every planned fault must have been carried out, as where a schedule was given.
    #[serde(skip_serializing_if = "is_false")]
    pub every_fault: bool,
    /// Whether every object that was changed must be read after the last heal before it is changed
    /// again: else a value that a fault took may be written anew before any client looks for it.
    #[serde(skip_serializing_if = "is_false")]
    pub look_first: bool,
    /// How much must have been seen of leaders.
    #[serde(skip_serializing_if = "Leaders::is_empty")]
    pub leaders: Leaders,
}

/// How much must have been seen under load of objects whose names have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Least {
    /// Operations of each kind that succeeded.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ok: BTreeMap<OpKind, u64>,
    /// Locks that went from one holder to another.
    #[serde(skip_serializing_if = "is_zero")]
    pub handovers: u64,
}

/// How much must have been seen of leaders for a pass to mean something. Nothing, by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Leaders {
    /// How many times the lead passed from one node to another.
    pub changes: u64,
    /// Nodes that led.
    pub distinct: u64,
    /// Generations that any node was in.
    pub generations: u64,
    /// Answers to status requests of every node.
    pub polls_per_node: u64,
    /// Answers to status requests in every generation that was led.
    pub polls_per_generation: u64,
    /// Proven faults that stopped the leader or cut it from the majority.
    pub hits: u64,
}

impl Leaders {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
