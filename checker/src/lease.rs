//! Does a lease have one holder at a time, on the harness's clock?
//!
//! Leases rest on clocks, so this is no question of an order of operations. A holder that is careful
//! believes to hold a lease from the answer to its request (an acquire or a renewal) until the time
//! to live has passed *since it asked*, because the service may have begun to count at any moment
//! from then on; or until it asks to give the lease back, whatever comes of that. Within that span
//! the holder acts on it. Two such spans of different holders must not overlap by more than the
//! clocks may be wrong: `clock_error_ms` of the plan, which covers the clocks of both and the rate
//! at which they run.
//!
//! A holder that renews in time believes so without a break, so its spans are joined. A later
//! request of its own that would end earlier ends the earlier belief, too.
//!
//! A holder that does not know what became of a release may have given back whatever it was granted
//! since: the release may take effect at any later time. No later grant of that holder counts; a
//! client goes on as another holder.
//!
//! What proves nothing: a request that ended indeterminate, or too late to be of use; a grant that
//! came after the holder had asked to give the lease back, as a holder may that does two things at
//! once; a grant without a time to live, which is no lease (`lock/linearizable` judges those). A
//! renewal without one extends by that of the acquire before it.

use std::collections::BTreeMap;

use crate::budget::Budget;
use crate::catalogue;
use crate::cause;
use crate::event::{Key, Nanos, NodeId};
use crate::history::{History, Operation};
use crate::linearizability::operation_fact;
use crate::op::Op;
use crate::story::Shown;
use crate::verdict::{Anomaly, CheckResult};
use crate::words;

/// The stable name of the check.
pub const ID: &str = "lease/exclusive";
/// What it promises.
pub(crate) const PROMISE: &str = "no two holders have reason to believe that they hold a lease at the same \
                           time, but for the declared clock error";

/// The span of time that one grant gives a holder.
#[derive(Debug, Clone, Copy)]
struct Grant<'a> {
    from: Nanos,
    until: Nanos,
    /// The request that was granted.
    request: &'a Operation,
}

impl Grant<'_> {
    /// For how long both hold.
    fn shared(&self, other: &Self) -> Nanos {
        self.until.min(other.until).saturating_sub(self.from.max(other.from))
    }
}

/// The span of time in which a holder believes to hold a lease without a break.
#[derive(Debug)]
struct Belief<'a> {
    holder: u64,
    from: Nanos,
    until: Nanos,
    grants: Vec<Grant<'a>>,
}

/// Two beliefs of different holders that overlap; `second` began later.
struct Overlap<'a> {
    first: &'a Belief<'a>,
    second: &'a Belief<'a>,
}

/// Looks for leases that two holders held at once.
#[must_use]
pub fn check(history: &History, _budget: &Budget<'_>) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    let error = history.header().plan.clock_error();
    result.assumptions = assumptions(error);
    let judged = |operation: &&Operation| history.kinds().may_be(ID, &operation.op);
    let keys = beliefs(history.operations().iter().filter(judged));
    let grants: usize = keys.values().flatten().map(|belief| belief.grants.len()).sum();
    let (mut overlaps, mut found) = (0, Vec::new());
    for (key, beliefs) in &keys {
        let (first, count) = overlap(beliefs, error);
        overlaps += count;
        found.extend(first.map(|first| (*key, first)));
    }
    found.sort_by_key(|(_, overlap)| overlap.second.from);
    for (key, overlap) in found {
        result.anomaly(anomaly(history, key, &overlap, error));
    }
    if grants == 0 {
        result.inconclusive("no lease was seen to be granted");
    }
    result.metrics.insert("grants".to_owned(), grants as f64);
    result.metrics.insert("overlaps".to_owned(), overlaps as f64);
    result
}

fn assumptions(error: Nanos) -> Vec<String> {
    let clocks = match error {
        0 => "a lease holds by true time, whatever the clocks of servers show: the plan allows for no \
              error of clocks"
            .to_owned(),
        _ => format!(
            "the clocks are off by at most {} over the life of a lease",
            words::lasting(error)
        ),
    };
    let holder = "a holder counts the time to live from when it asked, and stops when it gives the \
                  lease back";
    vec![clocks, holder.to_owned()]
}

/// Every belief that there was reason for, by key, in the order in which they began.
fn beliefs<'a>(
    operations: impl Iterator<Item = &'a Operation>,
) -> BTreeMap<&'a Key, Vec<Belief<'a>>> {
    let mut holders: BTreeMap<(&Key, u64), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let (Op::Acquire { key, holder, .. }
        | Op::Renew { key, holder, .. }
        | Op::Release { key, holder }) = &operation.op
        else {
            continue;
        };
        holders.entry((key, *holder)).or_default().push(operation);
    }
    let mut beliefs: BTreeMap<&Key, Vec<Belief<'a>>> = BTreeMap::new();
    for ((key, holder), requests) in holders {
        beliefs.entry(key).or_default().extend(joined(holder, grants(&requests)));
    }
    for all in beliefs.values_mut() {
        all.sort_by_key(|belief| {
            (belief.from, belief.grants.first().map(|grant| grant.request.invoked))
        });
    }
    beliefs
}

/// What the requests of one holder gave it.
fn grants<'a>(requests: &[&'a Operation]) -> Vec<Grant<'a>> {
    let mut grants = Vec::new();
    let sure = until_unsure(requests);
    // By when what was granted before must have ended, for what was asked for later.
    let mut limit = Nanos::MAX;
    for (request, ttl) in requests.iter().zip(lives(requests)).rev() {
        let asked = request.invoked.1;
        let end = ttl.map(|ttl| asked.saturating_add(ttl));
        if let (Some((from, ..)), Some(end)) = (request.ok(), end)
            && from < end.min(limit)
            && asked <= sure
        {
            grants.push(Grant { from, until: end.min(limit), request });
        }
        let ends = if matches!(request.op, Op::Release { .. }) { Some(asked) } else { end };
        limit =
            limit.min(ends.filter(|_| ends == Some(asked) || !request.failed()).unwrap_or(limit));
    }
    grants
}

/// Until when what the holder was granted is not given back by an earlier release of unknown outcome.
fn until_unsure(requests: &[&Operation]) -> Nanos {
    let unsure = |request: &&&Operation| {
        matches!(request.op, Op::Release { .. }) && request.ok().is_none() && !request.failed()
    };
    requests.iter().find(unsure).map_or(Nanos::MAX, |request| request.invoked.1)
}

/// The time to live that each request asks for: its own, or for a renewal that of the last acquire
/// that had been granted by then.
fn lives(requests: &[&Operation]) -> Vec<Option<Nanos>> {
    let mut granted: Vec<(Nanos, Nanos)> = Vec::new();
    let life = |request: &&Operation| match &request.op {
        Op::Acquire { ttl, .. } => {
            granted.extend(request.ok().map(|(from, ..)| from).zip(*ttl));
            *ttl
        }
        Op::Renew { ttl, .. } => ttl.or_else(|| {
            let before = granted.iter().rev().find(|(from, _)| *from <= request.invoked.1);
            before.map(|(_, ttl)| *ttl)
        }),
        _ => None,
    };
    requests.iter().map(life).collect()
}

/// Beliefs without a break.
fn joined(holder: u64, mut grants: Vec<Grant<'_>>) -> Vec<Belief<'_>> {
    grants.sort_by_key(|grant| (grant.from, grant.request.invoked));
    let mut beliefs: Vec<Belief<'_>> = Vec::new();
    for grant in grants {
        match beliefs.last_mut().filter(|belief| grant.from <= belief.until) {
            Some(belief) => {
                belief.until = belief.until.max(grant.until);
                belief.grants.push(grant);
            }
            None => {
                let Grant { from, until, .. } = grant;
                beliefs.push(Belief { holder, from, until, grants: vec![grant] });
            }
        }
    }
    beliefs
}

/// The first overlap of more than `error`, and how many beliefs began within one.
fn overlap<'a>(beliefs: &'a [Belief<'a>], error: Nanos) -> (Option<Overlap<'a>>, usize) {
    let (mut found, mut count) = (None, 0);
    // The beliefs that last longest, of two holders.
    let mut lasting: [Option<&Belief<'a>>; 2] = [None, None];
    for second in beliefs {
        let other = lasting.iter().flatten().find(|belief| belief.holder != second.holder);
        if let Some(first) = other
            && first.until.min(second.until).saturating_sub(second.from) > error
        {
            count += 1;
            found.get_or_insert(Overlap { first, second });
        }
        keep(&mut lasting, second);
    }
    (found, count)
}

/// Keeps of three beliefs the one that lasts longest, and the longest of another holder.
fn keep<'a>(lasting: &mut [Option<&'a Belief<'a>>; 2], new: &'a Belief<'a>) {
    let until = |belief: Option<&Belief<'a>>| belief.map(|belief| belief.until);
    let own = lasting.iter().position(|old| old.is_some_and(|old| old.holder == new.holder));
    let place = own.unwrap_or(1);
    if until(lasting[place]) < Some(new.until) {
        lasting[place] = Some(new);
    }
    if until(lasting[0]) < until(lasting[1]) {
        lasting.swap(0, 1);
    }
}

impl<'a> Overlap<'a> {
    /// The grants that show it: one of each if two do, else all that touch it.
    fn shown_by(&self, error: Nanos) -> Vec<(u64, Grant<'a>)> {
        let until = self.first.until.min(self.second.until);
        let touching = |belief: &'a Belief<'a>| -> Vec<(u64, Grant<'a>)> {
            let touches = |grant: &&Grant<'a>| grant.until > self.second.from && grant.from < until;
            belief.grants.iter().filter(touches).map(|grant| (belief.holder, *grant)).collect()
        };
        let (first, second) = (touching(self.first), touching(self.second));
        let enough = |grant: &(u64, Grant<'a>)| {
            second
                .iter()
                .find(|other| grant.1.shared(&other.1) > error)
                .map(|other| vec![*grant, *other])
        };
        first.iter().find_map(enough).unwrap_or_else(|| [first, second].concat())
    }
}

fn anomaly(history: &History, key: &Key, overlap: &Overlap<'_>, error: Nanos) -> Anomaly {
    let Overlap { first, second } = overlap;
    let until = first.until.min(second.until);
    let lasted = words::lasting(until.saturating_sub(second.from));
    let believed = |belief: &Belief<'_>| {
        let (holder, from, until) =
            (belief.holder, words::at(belief.from), words::at(belief.until));
        format!("Holder {holder} had reason to believe that it held {key} from {from} to {until}.")
    };
    let shown = overlap.shown_by(error);
    let requests: Vec<&Operation> = shown.iter().map(|(_, grant)| grant.request).collect();
    let mut facts = vec![(first.from, believed(first)), (second.from, believed(second))];
    facts.extend(requests.iter().map(|request| (request.invoked.1, operation_fact(request))));
    let allowed = match error {
        0 => "the plan allows for no error of clocks".to_owned(),
        _ => {
            format!("the plan allows for clocks that are off by at most {}", words::lasting(error))
        }
    };
    let began = requests.iter().map(|request| request.invoked.1).min().unwrap_or(first.from);
    Shown {
        class: catalogue::LEASE_OVERLAP,
        headline: format!(
            "Lease overlap: holders {} and {} both held {key} for {lasted} from {}",
            first.holder,
            second.holder,
            words::at(second.from)
        ),
        facts,
        because: format!("A lease has one holder at a time, and {allowed}."),
        likely_cause: cause::overlapping(history, &requests),
        witness: requests.iter().flat_map(|request| request.indices()).collect(),
        key: Some(key.clone()),
        nodes: requests.iter().flat_map(|request| nodes(request)).collect(),
        generation: None,
        window: (began, until),
        moment: second.from,
    }
    .anomaly(history)
}

/// The node that was asked, and the one that answered.
fn nodes(request: &Operation) -> impl Iterator<Item = NodeId> {
    request.node.into_iter().chain(request.ok().and_then(|(_, _, stamp)| stamp.node()))
}
