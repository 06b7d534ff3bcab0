//! Between what sums a read of a counter must lie.
//!
//! At least: all steps up that were acknowledged before it began, and all steps down that had been
//! asked for when it ended. At most: the reverse. A read outside of that refutes whatever else
//! there is; a read inside proves nothing.

use super::fact::Fact;
use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::words;

/// Whether a step at a place, up or down, belongs to a sum.
type Counts<'a> = &'a dyn Fn(usize, &Call<'_>, bool) -> bool;

/// Sums of steps up to a time.
struct Sums(Vec<(Nanos, i128)>);

impl Sums {
    fn new(steps: impl Iterator<Item = (Nanos, i128)>) -> Self {
        let mut sums: Vec<(Nanos, i128)> = steps.collect();
        sums.sort_unstable();
        let mut sum = 0_i128;
        for (_, step) in &mut sums {
            sum = sum.saturating_add(*step);
            *step = sum;
        }
        Self(sums)
    }

    /// The sum of all steps at times of which `within` holds.
    fn to(&self, within: impl Fn(Nanos) -> bool) -> i128 {
        let count = self.0.partition_point(|(time, _)| within(*time));
        count.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}

/// A read outside its bounds.
pub(super) struct Out {
    pub(super) read: usize,
    /// Whether it is below the bound; otherwise it is above.
    pub(super) below: bool,
    pub(super) bound: i128,
}

/// The steps of a counter by when they were asked for and acknowledged.
pub(super) struct Bounds<'a> {
    calls: &'a [Call<'a>],
    facts: &'a [Fact],
    up_asked: Sums,
    up_done: Sums,
    down_asked: Sums,
    down_done: Sums,
}

impl<'a> Bounds<'a> {
    pub(super) fn new(calls: &'a [Call<'a>], facts: &'a [Fact]) -> Self {
        let steps = |up: bool| {
            calls.iter().zip(facts).filter_map(move |(call, fact)| match fact {
                Fact::Increment(by) if (*by > 0) == up => Some((call, *by)),
                _ => None,
            })
        };
        let asked = |up| Sums::new(steps(up).map(|(call, by)| (call.start, by)));
        let done = |up| Sums::new(steps(up).filter_map(|(call, by)| Some((call.end?, by))));
        Self {
            calls,
            facts,
            up_asked: asked(true),
            up_done: done(true),
            down_asked: asked(false),
            down_done: done(false),
        }
    }

    /// The least and the most that a read may show.
    fn of(&self, read: &Call<'_>) -> (i128, i128) {
        let end = read.end.unwrap_or(Nanos::MAX);
        let (before, by_then) = (|time| time < read.start, |time| time <= end);
        let least = self.up_done.to(before).saturating_add(self.down_asked.to(by_then));
        let most = self.up_asked.to(by_then).saturating_add(self.down_done.to(before));
        (least, most)
    }

    /// The steps that make a bound of a read, in words, with the sums that a reader can add up; `base`
    /// says whether a step stands for all that was counted before.
    pub(super) fn told(&self, out: &Out, base: &dyn Fn(usize) -> bool) -> String {
        let read = &self.calls[out.read];
        // What can have counted too, and excuses the read.
        let may = |call: &Call<'_>, up: bool| {
            let by_then = read.end.is_none_or(|end| call.start <= end);
            up != out.below && by_then && !call.precedes(read)
        };
        let kinds: [(&str, Counts<'_>); 4] = [
            ("counted before that", &|place, call, _| base(place) && call.precedes(read)),
            ("acknowledged before it began", &|place, call, _| !base(place) && call.precedes(read)),
            ("acknowledged later", &|_, call, up| may(call, up) && call.end.is_some()),
            ("without a known outcome by then", &|_, call, up| may(call, up) && call.end.is_none()),
        ];
        let told = kinds.iter().filter_map(|(name, counts)| self.sum_told(name, *counts));
        let told: Vec<String> = told.collect();
        if told.is_empty() { "nothing had been counted".to_owned() } else { words::list(told) }
    }

    /// How many steps of a kind there are, and what they come to.
    fn sum_told(&self, name: &str, counts: Counts<'_>) -> Option<String> {
        let steps = self.calls.iter().zip(self.facts).enumerate();
        let steps = steps.filter_map(|(place, (call, fact))| match fact {
            Fact::Increment(by) if *by != 0 && counts(place, call, *by > 0) => Some(*by),
            _ => None,
        });
        let steps: Vec<i128> = steps.collect();
        let sum: i128 = steps.iter().sum();
        match (steps.len(), name) {
            (0, _) => None,
            (_, "counted before that") => Some(format!("{sum} that was {name}")),
            (1, _) => Some(format!("the increment by {sum} {name}")),
            (count, _) => Some(format!("{count} increments {name}, {sum} together")),
        }
    }

    fn reads(&self) -> impl Iterator<Item = (usize, i128)> {
        self.facts.iter().enumerate().filter_map(|(place, fact)| match fact {
            Fact::Read(Some(shown)) => Some((place, *shown)),
            _ => None,
        })
    }

    /// The first read to complete that is outside its bounds.
    pub(super) fn broken(&self) -> Option<Out> {
        let out = |(read, shown): (usize, i128)| {
            let (least, most) = self.of(&self.calls[read]);
            match shown {
                _ if shown < least => Some(Out { read, below: true, bound: least }),
                _ if shown > most => Some(Out { read, below: false, bound: most }),
                _ => None,
            }
        };
        self.reads().filter_map(out).min_by_key(|out| (self.calls[out.read].end, out.read))
    }

    /// Whether no read has any freedom.
    pub(super) fn meet(&self) -> bool {
        self.reads().all(|(read, _)| {
            let (least, most) = self.of(&self.calls[read]);
            least == most
        })
    }

    /// Calls that have no legal order by themselves: the read, all steps that could excuse it, and
    /// as few as will do of those that accuse it.
    ///
    /// Leaving out an acknowledged step up may make a legal counter illegal, but not here: below a
    /// bound that some of them make, the read is below the one that all of them make.
    pub(super) fn witness(&self, out: &Out) -> Vec<usize> {
        let read = &self.calls[out.read];
        let Fact::Read(Some(shown)) = self.facts[out.read] else { return Vec::new() };
        let (mut accuse, mut excuse, mut sum) = (Vec::new(), Vec::new(), 0_i128);
        for (place, (call, fact)) in self.calls.iter().zip(self.facts).enumerate() {
            let Fact::Increment(by) = fact else { continue };
            if *by == 0 {
                continue;
            }
            if (*by > 0) != out.below {
                if read.end.is_none_or(|end| call.start <= end) {
                    excuse.push(place);
                    sum = sum.saturating_add(*by);
                }
            } else if call.precedes(read) {
                accuse.push((by.abs(), place));
            }
        }
        accuse.sort_unstable_by(|first, second| second.cmp(first));
        let mut witness = excuse;
        witness.push(out.read);
        let sign = if out.below { 1 } else { -1 };
        for (size, place) in accuse {
            if (shown.saturating_sub(sum)).saturating_mul(sign) < 0 {
                break;
            }
            sum = sum.saturating_add(sign * size);
            witness.push(place);
        }
        witness.sort_unstable();
        witness
    }
}
