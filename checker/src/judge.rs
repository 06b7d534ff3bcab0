//! From a history to its verdict: runs the checks that the plan in its header names.
//!
//! Every check is one line in a table: the kinds of objects in [`OBJECTS`], all others here. What a
//! check does is its own module's business.

use crate::budget::Budget;
use crate::history::History;
use crate::linearizability::Algorithm;
use crate::objects::OBJECTS;
use crate::tried::Tried;
use crate::verdict::{CheckResult, Verdict};
use crate::{coverage, delivery, fit, harness, leadership, lease, lifecycle, liveness};

/// A check that can be asked for.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its stable name, as a plan gives it.
    pub id: &'static str,
    /// What it promises, in one sentence.
    pub promise: &'static str,
    run: fn(&History, &Budget<'_>, Algorithm) -> CheckResult,
}

/// The checks that are no question of an order of operations, or about the cluster as a whole, in the
/// order in which lists show them.
const CLUSTER: [Check; 6] = [
    Check {
        id: delivery::ID,
        promise: delivery::PROMISE,
        run: |history, budget, _| delivery::check(history, budget),
    },
    Check {
        id: lease::ID,
        promise: lease::PROMISE,
        run: |history, budget, _| lease::check(history, budget),
    },
    Check {
        id: leadership::ID,
        promise: leadership::PROMISE,
        run: |history, budget, _| leadership::check(history, budget),
    },
    Check {
        id: liveness::ID,
        promise: liveness::PROMISE,
        run: |history, budget, _| liveness::check(history, budget),
    },
    Check {
        id: lifecycle::ID,
        promise: lifecycle::PROMISE,
        run: |history, budget, _| lifecycle::check(history, budget),
    },
    Check {
        id: coverage::ID,
        promise: coverage::PROMISE,
        run: |history, budget, _| coverage::check(history, budget),
    },
];

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("id", &self.id).field("promise", &self.promise).finish()
    }
}

/// Every check, in the order in which lists show them: one per kind of object, then those about
/// the cluster.
pub fn checks() -> impl Iterator<Item = Check> {
    let objects =
        OBJECTS.iter().map(|kind| Check { id: kind.id, promise: kind.promise, run: kind.check });
    objects.chain(CLUSTER)
}

/// Judges `history` by the plan in its header. Never fails and never panics on a valid history.
///
/// The checks run in the order of the plan, each once, and [`coverage`] last. A check that this
/// version does not know is inconclusive: what was promised was not looked at.
#[must_use]
pub fn judge(history: &History, budget: Budget) -> Verdict {
    judge_planned(history, Algorithm::Auto, budget)
}

/// The same as [`judge`], with the objects decided by `algorithm`.
#[must_use]
pub(crate) fn judge_planned(history: &History, algorithm: Algorithm, budget: Budget) -> Verdict {
    let mut ids: Vec<&str> = Vec::new();
    for id in &history.header().plan.checks {
        if id != coverage::ID && !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    ids.push(coverage::ID);
    let judged = match harness::broken(history) {
        None => judge_by(history, &ids, algorithm, budget),
        // What followed may be of our own making.
        Some((since, mishap)) => {
            let whole = history.until(since);
            let checks = ids.iter().map(|id| run(id, &whole, algorithm, &budget));
            let checks = checks.map(|result| harness::disbelieved(mishap, result));
            Verdict::of(
                std::iter::once(harness::part_broken(since, mishap)).chain(checks).collect(),
            )
        }
    };
    let judged = if sees_no_answers(&ids) { judged.without_answers() } else { judged };
    judged.with_faults(Tried::of(history))
}

/// Whether the checks of a plan look at nothing that clients were answered: a pass says no more
/// than that servers ran and that the cluster answered.
fn sees_no_answers(ids: &[&str]) -> bool {
    let [.., coverage::ID] = ids else { return false };
    let others = &ids[..ids.len() - 1];
    !others.is_empty() && others.iter().all(|id| [liveness::ID, lifecycle::ID].contains(id))
}

/// Judges `history` by the checks `ids` alone, whatever its plan says.
///
/// Coverage is not checked here: this function is for histories of other tools, which have no plan
/// that says how much is enough.
#[must_use]
pub fn judge_by(history: &History, ids: &[&str], algorithm: Algorithm, budget: Budget) -> Verdict {
    Verdict::of(ids.iter().map(|id| run(id, history, algorithm, &budget)).collect())
}

/// A check whose rules are about something else than this history: whatever they say of it is
/// neither an anomaly nor a pass.
fn unfit(check: &Check, reason: &str) -> CheckResult {
    let mut result = CheckResult::new(check.id, check.promise);
    result.inconclusive(format!("`{}` does not fit this history: {reason}", check.id));
    result
}

fn run(id: &str, history: &History, algorithm: Algorithm, budget: &Budget) -> CheckResult {
    if let Some(check) = checks().find(|check| check.id == id) {
        return match fit::contradiction(id, history) {
            Some(reason) => unfit(&check, &reason),
            None => {
                let mut result = (check.run)(history, budget, algorithm);
                harness::weigh(history, &mut result);
                result
            }
        };
    }
    let mut result = CheckResult::new(id, "unknown to this version");
    result.inconclusive(format!("`{id}` is not a check of this version"));
    result
}
