//! What came of the probes of one direction: counts, and how long they took.

use std::time::{Duration, Instant};

/// The result of the probes that were sent along one direction and back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// How many were sent.
    pub sent: u32,
    /// The way there: the direction itself.
    pub forth: Way,
    /// The way there and back again.
    pub round: Way,
}

/// The packets that arrived at the end of a way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// How many arrived at least once.
    pub arrived: u32,
    /// How many copies arrived besides.
    pub copies: u32,
    /// How many arrived after one that was sent later.
    pub overtaken: u32,
    /// How long each took that arrived, shortest first.
    pub took: Vec<Duration>,
}

impl Way {
    /// The time within which `share` of the packets that arrived took their way; none if no packet
    /// arrived.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let last = self.took.len().checked_sub(1)?;
        let place = (last as f64 * share).round() as usize;
        self.took.get(place.min(last)).copied()
    }

    /// The time within which half of the packets that arrived took their way.
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.quantile(0.5)
    }
}

impl Sample {
    /// Adds what came of more probes of the same direction.
    pub fn add(&mut self, more: &Self) {
        self.sent += more.sent;
        self.forth.add(&more.forth);
        self.round.add(&more.round);
    }
}

impl Way {
    fn add(&mut self, more: &Self) {
        self.arrived += more.arrived;
        self.copies += more.copies;
        self.overtaken += more.overtaken;
        self.took.extend(&more.took);
        self.took.sort_unstable();
    }
}

/// A sample in the making.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: Vec<Instant>,
    forth: Arrivals,
    round: Arrivals,
}

/// What has arrived so far at the end of a way.
#[derive(Debug, Default)]
struct Arrivals {
    /// How long each took, by its number; none if it has not arrived.
    took: Vec<Option<Duration>>,
    way: Way,
    /// The highest number that has arrived.
    highest: Option<u32>,
}

impl Tally {
    /// The next probe is sent.
    pub(super) fn sent(&mut self, now: Instant) {
        self.sent.push(now);
    }

    /// A probe has arrived, there or back. Whether it was the first time.
    pub(super) fn arrived(&mut self, number: u32, back: bool, now: Instant) -> bool {
        let Some(sent) = self.sent.get(number as usize) else { return false };
        let arrivals = if back { &mut self.round } else { &mut self.forth };
        arrivals.note(number, now - *sent)
    }

    /// Whether every probe sent so far has come back.
    pub(super) fn is_complete(&self) -> bool {
        self.round.way.arrived as usize == self.sent.len()
    }

    /// What came of it.
    pub(super) fn finish(self) -> Sample {
        let sent = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        Sample { sent, forth: self.forth.finish(), round: self.round.finish() }
    }
}

impl Arrivals {
    fn note(&mut self, number: u32, took: Duration) -> bool {
        let place = number as usize;
        if self.took.len() <= place {
            self.took.resize(place + 1, None);
        }
        if self.took[place].is_some() {
            self.way.copies += 1;
            return false;
        }
        self.took[place] = Some(took);
        self.way.arrived += 1;
        self.way.overtaken += u32::from(self.highest > Some(number));
        self.highest = self.highest.max(Some(number));
        true
    }

    fn finish(mut self) -> Way {
        self.way.took = self.took.into_iter().flatten().collect();
        self.way.took.sort_unstable();
        self.way
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Tally;

    #[test]
    fn copies_and_overtaken_probes_are_counted() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        for _ in 0..4 {
            tally.sent(start);
        }
        let at = |ms| start + Duration::from_millis(ms);
        for (number, ms, first) in [(0, 1, true), (2, 2, true), (1, 3, true), (2, 4, false)] {
            assert_eq!(tally.arrived(number, false, at(ms)), first);
        }
        assert!(!tally.arrived(9, false, at(5)), "it was never sent");
        let way = tally.finish().forth;
        assert_eq!((way.arrived, way.copies, way.overtaken), (3, 1, 1));
        assert_eq!(way.p50(), Some(Duration::from_millis(2)));
        assert_eq!(way.quantile(1.0), Some(Duration::from_millis(3)));
    }
}
