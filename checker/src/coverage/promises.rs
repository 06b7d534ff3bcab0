//! Was every promise put to the test while there was load?
//!
//! A check that had nothing to look at says “pass”, and means nothing by it.

use super::activity::Activity;
use crate::event::{Op, OpKind, Outcome};
use crate::history::Operation;
use crate::leadership;
use crate::linearizability::object::Object as _;
use crate::models::Register;
use crate::objects::OBJECTS;
use crate::verdict::CheckResult;
use crate::{delivery, lease};

/// Says of every check of the plan that had nothing to look at what it lacked.
pub(super) fn check(activity: &Activity<'_>, result: &mut CheckResult) {
    for id in &activity.history.header().plan.checks {
        if let Some(lack) = lack(id, activity) {
            result.inconclusive(format!("`{id}` was not put to the test: {lack}"));
        }
    }
}

/// What the check `id` would have needed and did not get; none if it got it.
fn lack(id: &str, activity: &Activity<'_>) -> Option<&'static str> {
    match id {
        "register/linearizable" => {
            let ok = |kinds: &[OpKind]| activity.any_ok(id, kinds);
            let mut writes = Register::KINDS.iter().filter(|kind| kind.sets());
            let tested = ok(&[OpKind::Read]) && writes.any(|kind| ok(&[*kind]));
            (!tested).then_some(
                "it takes a read and a write that succeed under load: the servers' logs may tell \
                 why there were none",
            )
        }
        "lock/linearizable" => {
            let lock =
                |operation: &Operation| matches!(operation.op, Op::Acquire { ttl: None, .. });
            (!granted(id, activity, lock))
                .then_some("no lock was granted under load: the servers' logs may tell why")
        }
        lease::ID => {
            let lease =
                |operation: &Operation| matches!(operation.op, Op::Acquire { ttl: Some(_), .. });
            (!granted(id, activity, lease))
                .then_some("no lease was granted under load: the servers' logs may tell why")
        }
        "fencing/linearizable" => {
            let token = |operation: &Operation| {
                matches!(operation.ok(), Some((_, Outcome::Acquire { token: Some(_) }, _)))
            };
            (!granted(id, activity, token)).then_some(
                "no lock was granted with a fencing token under load: see `token` in the target's \
                 `[ops.acquire]`",
            )
        }
        delivery::ID => {
            let ok = |kind| activity.any_ok(id, &[kind]);
            let tested = delivery::KINDS.iter().all(|kind| ok(*kind));
            (!tested).then_some(
                "it takes an enqueue and a dequeue that succeed under load: the servers' logs may \
                 tell why there were none",
            )
        }
        leadership::ID => {
            let mut evidence = activity.evidence.iter();
            let led = evidence
                .any(|piece| piece.proves_leading().is_some() && piece.since <= activity.load.to);
            (!led).then_some(
                "no node was proven to lead: that takes an `atomic` status, log lines, or answers \
                 with node and generation in the target file",
            )
        }
        _ => unanswered(id, activity),
    }
}

/// Whether an operation like that succeeded under load, of those that the check `id` may judge.
fn granted(id: &str, activity: &Activity<'_>, wanted: impl Fn(&Operation) -> bool) -> bool {
    activity.succeeded(id).any(wanted)
}

/// Objects are tested by operations that succeed, of those that the check looks at.
fn unanswered(id: &str, activity: &Activity<'_>) -> Option<&'static str> {
    let object = OBJECTS.iter().find(|kind| kind.id == id)?;
    (!activity.any_ok(id, object.serves)).then_some(
        "no operation that it looks at succeeded under load: the servers' logs may tell why",
    )
}
