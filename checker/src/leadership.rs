//! One leader per generation, and what follows from it.
//!
//! Judged over the whole run, restarts included. Two leaders of different generations at the same
//! moment are legal, and a node that tells no role or no generation is unknown, not a leader.
//! Evidence that cannot prove raises a suspicion at most.
//!
//! What is promised of leaders, where it is judged, and by which evidence. *Proof* is evidence of a
//! grade that proves: a node's own atomic answer, its log, an acknowledged effect.
//!
//! | | promise | judged in | by | a breach is |
//! |---|---|---|---|---|
//! | L1 | a generation has at most one leader, restarts included | `reigns` | proof; held against [`Leaders`] by search | `split-brain`; with hearsay a suspicion |
//! | L2 | a node leads a generation in one of its lives only | `reigns` | proof with its life; of an effect the life that its interval lies in | a suspicion |
//! | L3 | a node's generation never decreases | `monotone` | proof, ordered by intervals or by place in the log | `generation-went-back` |
//! | L4 | one vote per node and generation | `votes` | votes in atomic answers and log lines | `double-vote` |
//! | L5 | a generation that is over acknowledges nothing that is asked later | `acks` | stamps of effects | a suspicion; lost, it is L6 |
//! | L6 | what a deposed leader acknowledged is still there | `acks` | stamps of effects; values of registers | `stale-leader-ack-lost` |
//! | L7 | a read by a deposed leader misses nothing that a higher generation acknowledged | `reads` | stamps of reads and writes; values of registers; reads promised linearizable | `stale-leader-read` |
//! | L8 | leases do not overlap, clock error allowed for | [`crate::lease`] | grants, renewals, releases | `lease-overlap` |
//! | L9 | fencing tokens strictly increase, none is given twice | [`crate::objects::fencing`] | tokens granted | `token-reused`, `token-went-back` |
//! | L10 | critical sections of fenced holders do not interleave | [`crate::objects::fencing`] | guarded writes | `stale-token-accepted` |
//! | L11 | what one generation acknowledged is visible in every higher one | `reads` | as L7 | `lost-across-generations` |
//! | L12 | a committed place of the log holds one entry for ever | `logs` | entries told of as committed | `log-divergence` |
//! | L13 | a leader cut from its quorum stops claiming to lead in time | [`crate::liveness`] | proven faults; atomic answers | `deposed-leader-lingers` if the plan sets a bound, numbers in any case |
//! | L14 | leadership is calm | `health` | proof, stamps, faults | a suspicion; numbers in any case |
//! | L15 | a new leader comes, and writes go on, soon after a fault | `timing`; [`crate::liveness`] | proof, faults, effects; atomic answers of a whole majority | numbers; `no-leader-in-time` if the plan sets a budget |
//! | L16 | after the last heal all agree on one leader | [`crate::liveness`] | atomic answers, logs; hearsay can show that they do, never that they do not | `no-single-leader-after-heal` |
//! | L17 | enough was seen of leaders | [`crate::coverage`] | proof, polls, proven faults | inconclusive if the plan asks for more; numbers in any case |
//!
//! What recorded evidence does not allow:
//!
//! - *L2* without an election in between: that a generation was won a second time cannot be told
//!   from a poll that saw a short life; so it stays a suspicion.
//! - *L4* where votes go by names that are not the nodes', or are told before they are on the disk:
//!   etcd does both. Its target file declares none; a vote that a kill may take back proves nothing.
//! - *L5, L7, L11* without stamps of generations in answers: etcd has none that are of the moment
//!   of the effect. Linearizability finds the same faults there, and names no generation.
//! - *L6, L7, L11* of objects other than registers, and of values written twice whose last write
//!   has no known end: that something is missing is not proven there.
//! - *L12*: no target tells of its entries yet; the judge and the format are there.
//! - *L13, L15* where status answers are not atomic: a claim of two moments proves no claim.

mod acks;
pub mod evidence;
mod findings;
mod health;
mod logs;
pub(crate) mod monotone;
mod reads;
mod reigns;
pub(crate) mod timing;
mod values;
mod votes;

use evidence::{Evidence, evidence};

use crate::budget::Budget;
use crate::event::{Nanos, Op, Outcome};
use crate::groups;

use crate::history::History;
use crate::linearizability::call::Call;
use crate::linearizability::search_linearizable;
use crate::mishap::Mishap;
use crate::models::Leaders;
use crate::verdict::CheckResult;

use findings::Findings;
pub(crate) use findings::fact;
pub(crate) use reigns::first_led;
pub use reigns::{Reign, Split, reigns, splits};
pub(crate) use timing::hits;

/// The name of the check.
pub const ID: &str = "leader/one-per-generation";

/// What it promises.
pub(crate) const PROMISE: &str = "a generation has at most one leader, the generation of a node never decreases, a node has one \
     vote in a generation, and nothing that was acknowledged is lost when the leader changes";

/// What a pass or an anomaly rests on.
const ASSUMPTIONS: [&str; 4] = [
    "an answer of a node shows its role and its generation at one and the same moment",
    "the lines of a node's log are in the order in which it wrote them",
    "a node writes its vote to its disk before it tells of it",
    "the generation in an answer is the one under which the operation took effect",
];

/// Judges who led when, by everything that `history` tells of it; each group of nodes by itself.
#[must_use]
pub fn check(history: &History, _: &Budget<'_>) -> CheckResult {
    groups::each(history, of_one_group)
}

fn of_one_group(history: &History) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    result.assumptions = ASSUMPTIONS.map(str::to_owned).to_vec();
    let evidence = evidence(history);
    if !evidence.iter().any(|seen| seen.proves_leading().is_some()) {
        result
            .inconclusive("no node was seen to lead a generation, so leaders could not be judged");
    }
    let mut found = Findings::default();
    reigns::judge(history, &evidence, &mut found);
    monotone::judge(history, &evidence, &mut found);
    votes::judge(history, &evidence, &mut found);
    acks::judge(history, &mut found);
    reads::judge(history, &mut found);
    logs::judge(history, &mut found);
    timing::judge(history, &evidence, &mut result.metrics);
    found.suspicions.extend(health::judge(history, &evidence, &mut result.metrics));
    found.anomalies.sort_by_key(|anomaly| anomaly.window.1);
    found.anomalies.into_iter().for_each(|anomaly| result.anomaly(anomaly));
    result.suspicions = found.suspicions;
    let weak = evidence.iter().filter(|seen| !seen.grade.proves()).count();
    if weak > 0 {
        result.not_checked.push(format!("{weak} observations that are hearsay only"));
    }
    unread(history, &mut result);
    result
}

/// Tells which logs were not read, or not all of them.
fn unread(history: &History, result: &mut CheckResult) {
    for (_, mishap) in history.mishaps() {
        match mishap {
            Mishap::LogSkipped { .. } => result.not_checked.push(mishap.to_string()),
            Mishap::LogRefused { .. } => {
                result.inconclusive(format!("a log was not read: {mishap}"));
            }
            _ => {}
        }
    }
}

/// Whether the proven claims in `evidence` are legal, asked as a sequential model instead: each is
/// an operation over the span in which it was true. None if the budget ran out.
///
/// The check does not use it; it exists so that the two can be held against each other.
#[must_use]
pub fn legal_by_model(evidence: &[Evidence], budget: &Budget<'_>) -> Option<bool> {
    let claims: Vec<(Op, Nanos, Nanos)> = evidence
        .iter()
        .filter_map(|seen| {
            let generation = seen.proves_leading()?;
            Some((Op::Claim { generation, node: seen.node }, seen.since, seen.time))
        })
        .collect();
    let calls: Vec<Call<'_>> = claims
        .iter()
        .zip(0..)
        .map(|((op, since, time), id)| Call {
            id,
            op,
            outcome: Some(&Outcome::Claim),
            start: *since,
            end: Some(*time),
        })
        .collect();
    search_linearizable::<Leaders>(&calls, budget)
}
