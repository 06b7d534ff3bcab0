//! A small witness of a refuted counter: what happened between two of its reads.
//!
//! In a legal order, forget whatever came before a read S that showed `s`, but for one increment that
//! had been acknowledged before S began, and let that one be by `s`. S shows the same as before, and
//! so does all that follows it. Of the other increments, those that began after S had ended come
//! after it for certain; those that had ended before it began are among what was forgotten; and
//! those concurrent with it may be either, so they are taken for indeterminate. If what is left has
//! no legal order, then neither has the whole. A later read R needs of it only what accuses it, as
//! far as it takes, and all that could excuse it, as in [`super::bounds`].

use super::fact::Fact;
use crate::event::Nanos;
use crate::linearizability::call::Call;

/// What is left, as places in the slice of calls.
pub(super) struct Window {
    /// The increment that stands for all that was forgotten, and by how much; none if by nothing.
    pub(super) base: Option<(usize, i64)>,
    /// The two reads and the increments between them, and whether they are taken for
    /// indeterminate.
    kept: Vec<(usize, bool)>,
}

impl Window {
    /// The calls that are left; `base` stands for all that was forgotten.
    pub(super) fn calls<'a>(&self, calls: &[Call<'a>], base: Option<Call<'a>>) -> Vec<Call<'a>> {
        let left = |(place, unseen): &(usize, bool)| {
            let call = calls[*place];
            if *unseen { Call { end: None, outcome: None, ..call } } else { call }
        };
        let mut left: Vec<Call<'a>> = base.into_iter().chain(self.kept.iter().map(left)).collect();
        left.sort_by_key(|call| (call.start, call.id));
        left
    }
}

/// The smallest window found that refutes a read that completed last.
pub(super) fn smallest(calls: &[Call<'_>], facts: &[Fact]) -> Option<Window> {
    let at = calls.iter().filter_map(|call| call.end).max()?;
    let reads: Vec<(usize, i128)> = (facts.iter().enumerate())
        .filter_map(|(place, fact)| match fact {
            Fact::Read(Some(shown)) => Some((place, *shown)),
            _ => None,
        })
        .collect();
    let last = reads.iter().filter(|(place, _)| calls[*place].end == Some(at));
    let windows = last.flat_map(|read| {
        let before = || reads.iter().filter(|since| calls[since.0].precedes(&calls[read.0]));
        let newest = before().max_by_key(|since| (calls[since.0].end, since.0));
        let extremes = [before().max_by_key(|since| since.1), before().min_by_key(|since| since.1)];
        let since = extremes.into_iter().chain([newest]).flatten();
        since.flat_map(|since| {
            let between = Between { calls, facts, since: *since, read: *read };
            [true, false].into_iter().filter_map(move |below| between.window(below))
        })
    });
    windows.min_by_key(|window| window.kept.len())
}

/// Two reads with what they showed, the first of which ended before the other began.
#[derive(Clone, Copy)]
struct Between<'a> {
    calls: &'a [Call<'a>],
    facts: &'a [Fact],
    since: (usize, i128),
    read: (usize, i128),
}

impl Between<'_> {
    /// What refutes the later read, as one that shows too little, or too much.
    fn window(&self, below: bool) -> Option<Window> {
        let (since, read) = (&self.calls[self.since.0], &self.calls[self.read.0]);
        let sign = if below { 1 } else { -1 };
        let (mut sum, mut accuse) = (self.since.1, Vec::new());
        let mut kept = vec![(self.since.0, false), (self.read.0, false)];
        for (place, (call, fact)) in self.calls.iter().zip(self.facts).enumerate() {
            let Fact::Increment(by) = fact else { continue };
            let follows = since.precedes(call);
            if by * sign > 0 && follows && call.precedes(read) {
                accuse.push((by * sign, place));
            }
            let by_then = call.start <= read.end.unwrap_or(Nanos::MAX);
            if by * sign < 0 && by_then && !call.precedes(since) {
                sum = sum.saturating_add(*by);
                kept.push((place, !follows));
            }
        }
        accuse.sort_unstable_by(|first, second| second.cmp(first));
        let mut accuse = accuse.into_iter();
        while self.read.1.saturating_sub(sum).saturating_mul(sign) >= 0 {
            let (size, place) = accuse.next()?;
            sum = sum.saturating_add(sign * size);
            kept.push((place, false));
        }
        Some(Window { base: self.base()?, kept })
    }

    /// An increment that may stand for all that came before; the outer none if there is none.
    fn base(&self) -> Option<Option<(usize, i64)>> {
        let by = i64::try_from(self.since.1).ok()?;
        if by == 0 {
            return Some(None);
        }
        let increment = |place: &usize| matches!(self.facts[*place], Fact::Increment(_));
        let before = |place: &usize| self.calls[*place].precedes(&self.calls[self.since.0]);
        let last = (0..self.calls.len()).filter(increment).rfind(before)?;
        Some(Some((last, by)))
    }
}
