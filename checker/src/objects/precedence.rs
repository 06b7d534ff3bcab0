//! Can calls take effect within their intervals, in an order of which some pairs are known?
//!
//! Every call takes effect at one instant of its interval, and for some pairs it is known which of
//! the two comes first. There is a legal choice iff the known pairs have no cycle, and, going along
//! them from the earliest instants on, no call is pushed beyond its end. Real time needs no pairs
//! of its own: whoever ended before another began has an earlier instant whatever is chosen; and
//! calls at the same instant, which are concurrent, follow the known pairs.
//!
//! What the pairs mean is the business of those who state them.

use crate::event::Nanos;
use crate::linearizability::call::Call;

/// The end of time.
pub(super) const NEVER: Nanos = Nanos::MAX;

/// Calls, and pairs of them of which the first comes before the second.
#[derive(Debug)]
pub(super) struct Precedence {
    /// From when to when each can take effect.
    windows: Vec<(Nanos, Nanos)>,
    pairs: Vec<Pair>,
}

/// `first` comes before `second`, because of the element number `why`.
#[derive(Debug, Clone, Copy)]
struct Pair {
    first: u32,
    second: u32,
    why: u32,
}

/// When each call can take effect at the earliest and at the latest, the known pairs considered.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) earliest: Vec<Nanos>,
    pub(super) latest: Vec<Nanos>,
}

/// Calls that cannot all be in order: a cycle of pairs, or a chain from one that begins after the
/// last has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Clash {
    /// Their numbers, each before the next.
    pub(super) calls: Vec<usize>,
    /// The elements that the pairs are about.
    pub(super) elements: Vec<usize>,
}

/// The pairs, sorted by their first or second call.
struct Sorted {
    pairs: Vec<Pair>,
    from: Vec<usize>,
}

impl Sorted {
    fn by(pairs: &[Pair], calls: usize, key: impl Fn(&Pair) -> u32) -> Self {
        let mut from = vec![0; calls + 2];
        pairs.iter().for_each(|pair| from[key(pair) as usize + 2] += 1);
        (2..from.len()).for_each(|place| from[place] += from[place - 1]);
        let mut sorted = pairs.to_vec();
        for pair in pairs {
            let place = &mut from[key(pair) as usize + 1];
            sorted[*place] = *pair;
            *place += 1;
        }
        Self { pairs: sorted, from }
    }

    fn of(&self, call: usize) -> &[Pair] {
        &self.pairs[self.from[call]..self.from[call + 1]]
    }
}

impl Precedence {
    /// No pairs yet.
    pub(super) fn new(calls: &[Call<'_>]) -> Self {
        let window = |call: &Call<'_>| (call.start, call.end.unwrap_or(NEVER));
        Self { windows: calls.iter().map(window).collect(), pairs: Vec::new() }
    }

    /// A number for an instant that belongs to no call, to stand between many and many.
    pub(super) fn instant(&mut self) -> usize {
        self.windows.push((0, NEVER));
        self.windows.len() - 1
    }

    /// States that `first` comes before `second`, because of `why`.
    pub(super) fn before(&mut self, first: usize, second: usize, why: usize) {
        self.pairs.push(Pair { first: first as u32, second: second as u32, why: why as u32 });
    }

    /// How many pairs were stated.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Forgets all pairs but the first `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.pairs.truncate(len);
    }

    /// When each call can take effect.
    ///
    /// # Errors
    ///
    /// Calls that cannot all be in order.
    pub(super) fn schedule(&self) -> Result<Schedule, Clash> {
        let later = Sorted::by(&self.pairs, self.windows.len(), |pair| pair.first);
        let order = self.order(&later)?;
        let mut earliest: Vec<Nanos> = self.windows.iter().map(|(start, _)| *start).collect();
        let mut pushed: Vec<Option<Pair>> = vec![None; self.windows.len()];
        for call in &order {
            if earliest[*call] > self.windows[*call].1 {
                return Err(chain(*call, &pushed));
            }
            for pair in later.of(*call) {
                let other = pair.second as usize;
                if earliest[other] < earliest[*call] {
                    (earliest[other], pushed[other]) = (earliest[*call], Some(*pair));
                }
            }
        }
        let mut latest: Vec<Nanos> = self.windows.iter().map(|(_, end)| *end).collect();
        for call in order.iter().rev() {
            for pair in later.of(*call) {
                latest[*call] = latest[*call].min(latest[pair.second as usize]);
            }
        }
        Ok(Schedule { earliest, latest })
    }

    /// All calls, each after those that come before it.
    fn order(&self, later: &Sorted) -> Result<Vec<usize>, Clash> {
        let mut waits = vec![0_u32; self.windows.len()];
        self.pairs.iter().for_each(|pair| waits[pair.second as usize] += 1);
        let mut order: Vec<usize> = (0..waits.len()).filter(|call| waits[*call] == 0).collect();
        let mut next = 0;
        while let Some(call) = order.get(next).copied() {
            next += 1;
            for pair in later.of(call) {
                let other = pair.second as usize;
                waits[other] -= 1;
                if waits[other] == 0 {
                    order.push(other);
                }
            }
        }
        match waits.iter().position(|waits| *waits > 0) {
            Some(stuck) => Err(self.cycle(stuck, &waits)),
            None => Ok(order),
        }
    }

    /// A cycle, found by going back from `stuck` among those that still wait.
    fn cycle(&self, stuck: usize, waits: &[u32]) -> Clash {
        let earlier = Sorted::by(&self.pairs, self.windows.len(), |pair| pair.second);
        let mut visited = vec![false; waits.len()];
        let (mut way, mut call) = (Vec::new(), stuck);
        while !visited[call] {
            visited[call] = true;
            let waiting = |pair: &&Pair| waits[pair.first as usize] > 0;
            let Some(pair) = earlier.of(call).iter().find(waiting) else { break };
            way.push(*pair);
            call = pair.first as usize;
        }
        let first = way.iter().position(|pair| pair.second as usize == call).unwrap_or_default();
        clash(&way[first..])
    }
}

/// The chain of pairs that pushed `call` beyond its end.
fn chain(call: usize, pushed: &[Option<Pair>]) -> Clash {
    let (mut way, mut place) = (Vec::new(), call);
    while let Some(pair) = pushed[place] {
        way.push(pair);
        place = pair.first as usize;
    }
    clash(&way)
}

/// `way` goes back in time.
fn clash(way: &[Pair]) -> Clash {
    let mut elements: Vec<usize> = way.iter().map(|pair| pair.why as usize).collect();
    elements.sort_unstable();
    elements.dedup();
    let ends = way.first().map(|pair| pair.second as usize);
    let mut calls: Vec<usize> = way.iter().rev().map(|pair| pair.first as usize).collect();
    calls.extend(ends.filter(|end| calls.first() != Some(end)));
    Clash { calls, elements }
}
