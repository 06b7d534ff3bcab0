//! Numbers that a plan asks for: how it is told that one is too small, and what helps.

use super::load::Fates;
use crate::verdict::CheckResult;

/// How much of something was seen, and what helps where that is too little.
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) seen: usize,
    pub(super) helps: &'static str,
}

/// Notes a number; too small a one makes the verdict inconclusive, with what helps.
pub(super) fn least(result: &mut CheckResult, number: &Number, needed: u64) {
    let Number { name, seen, helps } = number;
    result.metrics.insert((*name).to_owned(), *seen as f64);
    if (*seen as u64) < needed {
        let name = name.replace('-', " ");
        result.inconclusive(format!("only {seen} {name}, expected at least {needed}: {helps}"));
    }
}

/// Too few operations that succeeded make the verdict inconclusive, with what helps.
pub(super) fn enough(result: &mut CheckResult, fates: &Fates, needed: u64, name: &str) {
    if fates.ok < needed {
        result.inconclusive(format!(
            "only {} {name} under load, expected at least {needed}: {}",
            fates.ok,
            remedy(fates, needed)
        ));
    }
}

/// Of so many operations one may be expected to succeed: most servers refuse what only their leader
/// may do, and faults take their part.
const ASKED_PER_OK: u64 = 4;

/// What helps where too few operations of a kind succeeded.
fn remedy(fates: &Fates, needed: u64) -> String {
    if fates.asked < needed.saturating_mul(ASKED_PER_OK) {
        return format!(
            "{} were asked, and a longer `--time` or a higher `--rate` asks more",
            fates.asked
        );
    }
    format!(
        "of {} that were asked {}; the servers' logs may tell why",
        fates.asked,
        fates.unsuccessful()
    )
}
