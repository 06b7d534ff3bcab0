//! What the harness tells of itself in a history: where it stood still, what it could not read, which
//! of its own processes ended. Checks read it, so that no failure of the harness counts against a
//! target or as a pass.

use crate::event::{Nanos, Phase};
use crate::history::History;
pub use crate::mishap::Mishap;
use crate::verdict::{Anomaly, CheckResult, Status};
use crate::{lease, liveness, words};

/// The name of the result that tells that the harness broke.
pub const ID: &str = "harness/whole";
const PROMISE: &str = "no part of the harness ends before the run does";

/// A stall is told of at most so often.
const TOLD: usize = 5;
/// With more than this share of the load in which the harness stood still, it saw too little.
const BLIND: u64 = 5;

/// When the harness was whole for the last time, and what broke then; none if nothing did.
pub(crate) fn broken(history: &History) -> Option<(Nanos, &Mishap)> {
    history.mishaps().find_map(|(_, mishap)| match mishap {
        Mishap::HelperEnded { since, .. } | Mishap::ClientBroken { since, .. } => {
            Some((*since, mishap))
        }
        _ => None,
    })
}

/// What a check said of a history whose clients cannot be believed: no anomaly is proven by it.
pub(crate) fn disbelieved(mishap: &Mishap, mut result: CheckResult) -> CheckResult {
    if !matches!(mishap, Mishap::ClientBroken { .. }) || result.anomalies.is_empty() {
        return result;
    }
    let found = std::mem::take(&mut result.anomalies).into_iter();
    result.suspicions.extend(found.map(|anomaly| anomaly.headline));
    result.status = Status::Inconclusive;
    result.inconclusive(
        "the client program is broken, so what it told proves no anomaly; mend it first",
    );
    result
}

/// That the harness, or a client program, broke, as a result of its own: only what came before it is
/// judged.
pub(crate) fn part_broken(since: Nanos, mishap: &Mishap) -> CheckResult {
    let mut result = CheckResult::new(ID, PROMISE);
    if matches!(mishap, Mishap::ClientBroken { .. }) {
        result.inconclusive(format!("{mishap}; this is no failure of the target"));
        return result;
    }
    result.inconclusive(format!(
        "{mishap}: this is a failure of the harness or of the machine, not of the target, and only \
         what happened until {} was judged",
        words::at(since)
    ));
    result
}

/// A time in which a part of the harness stood still.
struct Stall<'a> {
    span: (Nanos, Nanos),
    part: &'a str,
}

fn stalls(history: &History) -> Vec<Stall<'_>> {
    let stalled = history.mishaps().filter_map(|(time, mishap)| match mishap {
        Mishap::Stalled { since, part } => Some(Stall { span: (*since, time), part }),
        _ => None,
    });
    stalled.collect()
}

/// Where the harness stood still in a time, as a clause; none if it never did.
pub(crate) fn stood_still(history: &History, span: (Nanos, Nanos)) -> Option<String> {
    let stall = stalls(history).into_iter().find(|stall| touch(stall.span, span))?;
    let (from, to) = (words::at(stall.span.0), words::at(stall.span.1));
    Some(format!("the harness ({}) stood still from {from} to {to}", stall.part))
}

fn touch(first: (Nanos, Nanos), second: (Nanos, Nanos)) -> bool {
    first.0 <= second.1 && second.0 <= first.1
}

impl Stall<'_> {
    fn still(&self) -> String {
        format!(
            "the harness ({}) stood still from {} to {}: what is judged by time then is not decided; \
             run it again on a machine that is less busy",
            self.part,
            words::at(self.span.0),
            words::at(self.span.1)
        )
    }
}

/// Takes back what a check that judges by time says of times in which the harness stood still: that
/// is no anomaly, and where all of it had to be seen it is no pass.
pub(crate) fn weigh(history: &History, result: &mut CheckResult) {
    let stalls = stalls(history);
    if stalls.is_empty() || ![lease::ID, liveness::ID].contains(&result.id.as_str()) {
        return;
    }
    let blind = |window| stalls.iter().any(|stall| touch(stall.span, window));
    let (excused, kept): (Vec<Anomaly>, Vec<Anomaly>) = std::mem::take(&mut result.anomalies)
        .into_iter()
        .partition(|anomaly| blind(anomaly.window));
    result.anomalies = kept;
    let mut judged = judged_by_time(history, result);
    judged.extend(excused.iter().map(|anomaly| anomaly.window));
    let told: Vec<&Stall<'_>> = stalls
        .iter()
        .filter(|stall| judged.iter().any(|window| touch(stall.span, *window)))
        .collect();
    if !told.is_empty() {
        let refuted = !result.anomalies.is_empty();
        result.status = if refuted { Status::Anomaly } else { Status::Inconclusive };
    }
    for stall in told.into_iter().take(TOLD) {
        result.inconclusive(stall.still());
    }
}

/// The times of which a check that judges by time has to see everything; none if it does not.
fn judged_by_time(history: &History, result: &CheckResult) -> Vec<(Nanos, Nanos)> {
    let stop = history.phase(Phase::Stop).unwrap_or_else(|| history.end());
    match result.id.as_str() {
        lease::ID => vec![(history.phase(Phase::Load).unwrap_or(0), stop)],
        liveness::ID => {
            bounded(history).into_iter().chain(recovery(history, result, stop)).collect()
        }
        _ => Vec::new(),
    }
}

/// The recovery, until all that is judged had come back.
fn recovery(history: &History, result: &CheckResult, stop: Nanos) -> Option<(Nanos, Nanos)> {
    let healed = history.phase(Phase::Recover)?;
    Some((healed, recovered(result).map_or(stop, |took| (healed + took).min(stop))))
}

/// The faults after which leaders must step down or follow in time, where the plan says so.
fn bounded(history: &History) -> Vec<(Nanos, Nanos)> {
    let plan = &history.header().plan;
    if plan.step_down_ms.is_none() && plan.new_leader_ms.is_none() {
        return Vec::new();
    }
    history.faults().iter().map(|span| span.window(history.end())).collect()
}

/// How long after the last heal all had come back that is judged, if it had.
fn recovered(result: &CheckResult) -> Option<Nanos> {
    let of = |name: &str| result.metrics.get(name).map(|millis| (millis * 1e6) as Nanos);
    Some(of("recovery-ms")?.max(of("single-leader-ms").unwrap_or(0)))
}

/// Why too little was seen of the load, if the harness stood still for much of it.
pub(crate) fn saw_too_little(history: &History) -> Option<String> {
    let load = history.phase(Phase::Load)?;
    let end = history.phase(Phase::Recover).unwrap_or_else(|| history.end());
    let (mut still, mut upto) = (0, load);
    for stall in stalls(history) {
        let (from, to) = (stall.span.0.max(upto), stall.span.1.min(end));
        still += to.saturating_sub(from);
        upto = upto.max(to);
    }
    (still > 0 && still.saturating_mul(BLIND) > end - load).then(|| {
        format!(
            "the harness stood still for {} of {} under load, and saw nothing then: run it again on a \
             machine that is less busy",
            words::lasting(still),
            words::lasting(end - load)
        )
    })
}
