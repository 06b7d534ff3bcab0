//! From a history to its verdict: runs the checks that the plan in its header names.
//!
//! Every check is one line in the table of [`CHECKS`]; what it does is its own module's business.

use crate::budget::Budget;
use crate::history::History;
use crate::verdict::{CheckResult, Verdict};
use crate::{coverage, leadership, lifecycle, linearizability, liveness};

/// A check that can be asked for.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its stable name, as a plan gives it.
    pub id: &'static str,
    /// What it promises, in one sentence.
    pub promise: &'static str,
    run: fn(&History, &Budget<'_>) -> CheckResult,
}

/// Every check, in the order in which lists show them.
pub const CHECKS: [Check; 5] = [
    Check {
        id: linearizability::ID,
        promise: linearizability::PROMISE,
        run: linearizability::check,
    },
    Check { id: leadership::ID, promise: leadership::PROMISE, run: leadership::check },
    Check { id: liveness::ID, promise: liveness::PROMISE, run: liveness::check },
    Check { id: lifecycle::ID, promise: lifecycle::PROMISE, run: lifecycle::check },
    Check { id: coverage::ID, promise: coverage::PROMISE, run: coverage::check },
];

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("id", &self.id).field("promise", &self.promise).finish()
    }
}

/// Judges `history` by the plan in its header. Never fails and never panics on a valid history.
///
/// The checks run in the order of the plan, each once, and [`coverage`] last. A check that this
/// version does not know is inconclusive: what was promised was not looked at.
#[must_use]
pub fn judge(history: &History, budget: Budget) -> Verdict {
    let mut ids: Vec<&str> = Vec::new();
    for id in &history.header().plan.checks {
        if id != coverage::ID && !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    ids.push(coverage::ID);
    Verdict::of(ids.iter().map(|id| run(id, history, &budget)).collect())
}

fn run(id: &str, history: &History, budget: &Budget) -> CheckResult {
    if let Some(check) = CHECKS.iter().find(|check| check.id == id) {
        return (check.run)(history, budget);
    }
    let mut result = CheckResult::new(id, "unknown to this version");
    result.inconclusive(format!("`{id}` is not a check of this version"));
    result
}
