//! Since when calls that are known to be refuted are refuted.
//!
//! It dates a refutation and never decides one.

use super::algorithm::Algorithm;
use super::answer::{is_refuted, search_by};
use super::call::Call;
use super::finding::{Finding, Violation};
use super::object::Object;
use super::question::Decision;
use crate::budget::Budget;
use crate::event::Nanos;

/// The first completion from `at` on by which `calls` are refuted as they stood then.
///
/// A search knows the answers of operations that were still open at `at`, and refutes with them;
/// without them the calls may still have a legal order. The counterexample is an open dequeue of
/// which it knows, but nobody could then, that it would return the second element.
pub(super) fn as_known<K: Object>(calls: &[Call<'_>], at: Nanos, budget: &Budget<'_>) -> Nanos {
    let mut ends: Vec<Nanos> = calls.iter().filter_map(|call| call.end).collect();
    ends.retain(|end| *end >= at);
    ends.sort_unstable();
    ends.dedup();
    let legal = |end: Nanos| !is_refuted::<K>(&cut(calls, end), budget);
    // Most often it is the first, or one soon after it; all of them refute.
    let (mut from, mut step) = (0, 1);
    while from + step < ends.len() && legal(ends[from + step - 1]) {
        (from, step) = (from + step, 2 * step);
    }
    let to = ends.len().min(from + step);
    let first = from + ends[from..to].partition_point(|end| legal(*end));
    ends.get(first).or(ends.last()).copied().unwrap_or(at)
}

/// The earliest completion by which `calls`, known to be refuted `by` some of them, are refuted.
///
/// What is legal stays legal when its end is cut off, so there is one time from which on they are
/// refuted. It lies above every time at which the calls so far were legal and not above any at
/// which they were refuted; each look at one narrows that range, until no completion is left in
/// between. The calls that show a refutation tell where to look: usually they have it right, and
/// the second look, just before, ends it. What the cheap check cannot tell of a beginning is
/// searched; if that gives up, the time is only one at which the calls are refuted.
pub(super) fn earliest<'a, K: Object>(
    calls: &[Call<'a>],
    by: &Violation,
    budget: &Budget<'_>,
) -> (Nanos, Vec<Call<'a>>) {
    let last = calls.iter().filter_map(|call| call.end).max();
    let mut few: Vec<Call<'_>> = by.calls.iter().map(|place| calls[*place]).collect();
    let mut range = Range { legal: None, refuted: last.unwrap_or_default() };
    let mut guess = Guess::of::<K>(calls, &few);
    for look in 0.. {
        let Some(time) = range.next(calls, guess, look) else { break };
        let before = cut(calls, time);
        match K::decide_fast(&before) {
            Finding::Legal => range.legal = Some(time),
            Finding::Refuted(by) => {
                range.refuted = time;
                few = by.calls.iter().map(|place| before[*place]).collect();
                guess = Guess::of::<K>(&before, &few).or(guess);
            }
            Finding::Ambiguous => match search_by::<K>(&before, Algorithm::Auto, budget) {
                Decision::Refuted { at } => {
                    return (as_known::<K>(&before, at, budget), Vec::new());
                }
                Decision::Legal | Decision::GaveUp { .. } => range.legal = Some(time),
            },
        }
    }
    few = cut(&few, range.refuted);
    few.sort_by_key(|call| (call.start, call.id));
    let shown = K::decide_fast(&few).is_refuted();
    (range.refuted, if shown { few } else { Vec::new() })
}

/// `calls` as they stood at `time`.
pub(super) fn cut<'a>(calls: &[Call<'a>], time: Nanos) -> Vec<Call<'a>> {
    let mut before = Vec::with_capacity(calls.len());
    before.extend(calls.iter().filter_map(|call| call.at(time)));
    before
}

/// When calls may be refuted first.
#[derive(Debug, Clone, Copy)]
struct Guess {
    time: Nanos,
    /// Whether they certainly are refuted by then.
    sure: bool,
}

impl Guess {
    /// A guess from a `few` of the calls that show it, or from what the refutation is about. The few
    /// may be excused by others that were still open then; what it is not about excuses nothing.
    fn of<K: Object>(calls: &[Call<'_>], few: &[Call<'_>]) -> Option<Self> {
        if !few.is_empty() {
            return Some(Self { time: shown::<K>(few)?, sure: false });
        }
        let time = shown::<K>(&K::narrowed(calls, &K::weakened(calls)))?;
        Some(Self { time, sure: true })
    }
}

/// The time at which a few calls show that they have no legal order; none if they do not.
fn shown<K: Object>(few: &[Call<'_>]) -> Option<Nanos> {
    let mut ends: Vec<Nanos> = few.iter().filter_map(|call| call.end).collect();
    ends.sort_unstable();
    let first = ends.partition_point(|end| !K::decide_fast(&cut(few, *end)).is_refuted());
    ends.get(first).copied()
}

/// How many looks only follow a guess. A single wrong answer takes one or two; where there are many,
/// every second look halves the range.
const GUESSES: u32 = 2;

/// Where the earliest refutation lies: after `legal`, and not after `refuted`.
#[derive(Debug, Clone, Copy)]
struct Range {
    legal: Option<Nanos>,
    refuted: Nanos,
}

impl Range {
    /// The completion to look at next; none if the range holds no other than its last one.
    fn next(&mut self, calls: &[Call<'_>], guess: Option<Guess>, look: u32) -> Option<Nanos> {
        let (guess, sure) = (guess.map(|guess| guess.time), guess.is_some_and(|guess| guess.sure));
        if let Some(time) = guess.filter(|_| sure) {
            self.refuted = self.refuted.min(time);
        }
        let within = |end: &Nanos| Some(*end) > self.legal && *end < self.refuted;
        let mut ends: Vec<Nanos> =
            calls.iter().filter_map(|call| call.end).filter(within).collect();
        let middle = ends.len() / 2;
        let halves = look >= GUESSES && look % 2 == 1;
        match guess.filter(|_| !halves) {
            Some(guess) if within(&guess) => Some(guess),
            // It was right so far: is it the first?
            Some(_) => ends.into_iter().max(),
            None if ends.is_empty() => None,
            None => Some(*ends.select_nth_unstable(middle).1),
        }
    }
}
