//! Does the cluster come back once nothing disturbs it any more?
//!
//! Judged is the time after the last heal, and what the plan sets a bound for: how long a leader
//! without a quorum may go on claiming to lead, and how soon the next one must come. How fast a
//! cluster is otherwise while faults are in effect is shown as numbers and promised by nobody.

mod agreement;
mod bound;
mod isolation;
mod step_down;
mod succession;

use std::collections::BTreeSet;

use crate::budget::Budget;
use crate::catalogue::NO_RECOVERY;
use crate::cause;
use crate::event::Phase;
use crate::groups;
use crate::history::{History, Operation};
use crate::late;
use crate::leadership;
use crate::leadership::evidence::evidence;
use crate::linearizability::operation_fact;
use crate::story::Shown;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;
use bound::{Bound, MILLI};
pub(crate) use step_down::{Cluster, lingering};

/// The name of the check.
pub const ID: &str = "liveness/recovers";

/// What it promises.
pub(crate) const PROMISE: &str = "after the last heal an operation succeeds within the bound, and the nodes agree on one leader; \
     leaders step down and follow each other within the bounds of the plan";

/// The most attempts told of in a story.
const ATTEMPTS: usize = 4;

/// Judges what `history` shows after the last heal; of leaders, each group of nodes by itself.
#[must_use]
pub fn check(history: &History, _: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    let bound = recovery(history, &mut result);
    if !judges_leaders(history) {
        return result;
    }
    let leaders = groups::each(history, |history| of_leaders(history, bound));
    groups::merged(result, leaders)
}

/// Whether leaders follow and give way to each other in time, and whether there is one at last.
fn of_leaders(history: &History, bound: Option<Bound>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    if let Some(bound) = bound {
        agreement::judge(history, bound, &mut result);
    }
    let (faults, evidence) = (history.faults(), evidence(history));
    step_down::judge(history, &faults, &evidence, &mut result);
    succession::judge(history, &faults, &evidence, &mut result);
    result
}

/// Whether leaders are among what is promised.
fn judges_leaders(history: &History) -> bool {
    history.header().plan.checks.iter().any(|id| id == leadership::ID)
}

/// What was answered after the last heal, and by when that had to be; none if it cannot be judged.
fn recovery(history: &History, result: &mut CheckResult) -> Option<Bound> {
    let plan = &history.header().plan;
    let Some(healed) = history.phase(Phase::Recover) else {
        result.inconclusive("the run never came to its recovery");
        return None;
    };
    if plan.recovery_ms == 0 {
        result.inconclusive("the plan sets no bound for the recovery");
        return None;
    }
    // A cluster that is still disturbed owes nobody an answer.
    if let Some(span) = history.faults().iter().find(|span| !span.is_healed()) {
        result.inconclusive(format!(
            "fault {} was not proven to be healed: run it again on a machine that is less busy, or \
             see `fracas doctor`",
            span.id
        ));
        return None;
    }
    let deadline = healed.saturating_add(plan.recovery_ms.saturating_mul(MILLI));
    let stopped = history.phase(Phase::Stop).unwrap_or_else(|| history.end());
    let bound = Bound { healed, deadline, stopped };
    answers(history, bound, result);
    Some(bound)
}

/// Whether an operation that was invoked after the last heal succeeded in time.
fn answers(history: &History, bound: Bound, result: &mut CheckResult) {
    let asked: Vec<&Operation> = history
        .operations()
        .iter()
        .filter(|operation| (bound.healed..=bound.deadline).contains(&operation.invoked.1))
        .collect();
    let first = asked.iter().filter_map(|operation| operation.ok()).map(|(time, ..)| time).min();
    if let Some(first) = first {
        let waited = first - bound.healed;
        result.metrics.insert("recovery-ms".to_owned(), waited as f64 / MILLI as f64);
        if first <= bound.deadline {
            return;
        }
    }
    if bound.stopped < bound.deadline {
        result.inconclusive("the run was cut short before the bound for the recovery had passed");
    } else if asked.is_empty() {
        result.inconclusive("nothing was asked of the cluster after the last heal");
    } else if let Some(late) = late::answers(history, bound.healed) {
        result.inconclusive(format!(
            "none of {} operations asked after the last heal succeeded in time, but {late}: the \
             servers are slow, or the client program is; see how long an answer takes (`fracas \
             client-test`), and give them a longer `client.timeout`",
            asked.len()
        ));
    } else if asked.iter().all(|operation| operation.op.kind().is_conditional())
        && asked.iter().any(|operation| operation.failed())
    {
        let kinds: BTreeSet<&str> =
            asked.iter().map(|operation| operation.op.kind().word()).collect();
        result.inconclusive(format!(
            "none of {} operations asked after the last heal succeeded in time, but all were of a kind \
             that a cluster that works refuses, too, as when all locks are held ({}): add a workload \
             that reads (`--workload`)",
            asked.len(),
            words::list(kinds)
        ));
    } else {
        result.anomaly(no_recovery(history, bound, &asked));
    }
}

fn no_recovery(history: &History, bound: Bound, asked: &[&Operation]) -> Anomaly {
    let allowed = words::lasting(bound.deadline - bound.healed);
    let healed = words::at(bound.healed);
    let shown = &asked[..asked.len().min(ATTEMPTS)];
    let mut facts = vec![(bound.healed, format!("At {healed} the last fault had healed."))];
    facts.extend(shown.iter().map(|operation| (operation.invoked.1, operation_fact(operation))));
    Shown {
        class: NO_RECOVERY,
        headline: format!(
            "No recovery: none of {} operations asked within {allowed} of the last heal at {healed} \
             succeeded in time",
            asked.len()
        ),
        facts,
        because: format!(
            "The cluster was whole again and had {allowed} to answer: it must have answered by {}.",
            words::at(bound.deadline)
        ),
        likely_cause: cause::silent(history, bound.deadline),
        witness: shown.iter().flat_map(|operation| operation.indices()).collect(),
        key: None,
        nodes: Vec::new(),
        generation: None,
        window: (bound.healed, bound.deadline),
        moment: bound.healed,
    }
    .anomaly(history)
}
