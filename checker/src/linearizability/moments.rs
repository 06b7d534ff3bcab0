//! The instants at which a search has something to do, in the order of time.
//!
//! Intervals are closed: at equal times invocations come before completions, so that what ends
//! when another begins is concurrent with it.

use super::call::Call;
use super::space::{Deed, Space, State};
use crate::event::Nanos;
use crate::hashing::Map;
use crate::models::Model;

/// One instant. The order of the variants is the order at equal times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A call begins.
    Invoke { time: Nanos, call: usize },
    /// A definite call has ended.
    Complete { time: Nanos, call: usize },
    /// Nothing rests on an indeterminate deed any more.
    Forget { time: Nanos, deed: Deed },
}

impl Moment {
    pub(crate) fn time(self) -> Nanos {
        match self {
            Self::Invoke { time, .. } | Self::Complete { time, .. } | Self::Forget { time, .. } => {
                time
            }
        }
    }

    fn order(self) -> (Nanos, u8, usize) {
        match self {
            Self::Invoke { time, call } => (time, 0, call),
            Self::Complete { time, call } => (time, 1, call),
            Self::Forget { time, deed } => (time, 2, deed as usize),
        }
    }
}

/// Every moment of `calls`, sorted. Indeterminate calls that nothing rests on are left out.
pub(crate) fn moments<M: Model>(
    calls: &[Call<'_, M::Op, M::Outcome>],
    deeds: &[Deed],
    space: &Space<'_, M>,
) -> Vec<Moment> {
    let rests = Rests::new(calls, deeds, space);
    let mut moments = Vec::with_capacity(2 * calls.len());
    let mut forgotten: Map<Deed, ()> = Map::default();
    for (place, call) in calls.iter().enumerate() {
        let invoke = Moment::Invoke { time: call.start, call: place };
        match call.end {
            Some(time) => moments.extend([invoke, Moment::Complete { time, call: place }]),
            None => match rests.until(space, deeds[place]) {
                Until::Always => moments.push(invoke),
                Until::Time(time) if time >= call.start => {
                    moments.push(invoke);
                    if forgotten.insert(deeds[place], ()).is_none() {
                        moments.push(Moment::Forget { time, deed: deeds[place] });
                    }
                }
                Until::Time(_) | Until::Never => {}
            },
        }
    }
    moments.sort_unstable_by_key(|moment| moment.order());
    moments
}

/// Until when something may rest on an indeterminate deed.
enum Until {
    Never,
    Time(Nanos),
    Always,
}

/// Until when each state is needed: the last completion of an operation that succeeds in it only.
///
/// Why an indeterminate operation may be dropped afterwards: take a legal order in which it takes
/// effect and nothing needs the state it leaves. Then nothing follows it but operations that
/// forget the state, so the order is legal without it.
struct Rests {
    /// None if some deed may need any state.
    needed: Option<Map<State, Nanos>>,
}

impl Rests {
    fn new<M: Model>(
        calls: &[Call<'_, M::Op, M::Outcome>],
        deeds: &[Deed],
        space: &Space<'_, M>,
    ) -> Self {
        let mut needed: Map<State, Nanos> = Map::default();
        let mut through: Map<State, Vec<State>> = Map::default();
        let mut work = Vec::new();
        for (call, deed) in calls.iter().zip(deeds) {
            let Some(known) = space.known(*deed) else { return Self { needed: None } };
            match (call.end, known.needs, known.leaves) {
                (Some(end), Some(needs), _) => work.push((needs, end)),
                (None, Some(needs), Some(leaves)) => {
                    through.entry(leaves).or_default().push(needs);
                }
                _ => {}
            }
        }
        // Latest first, so that every state is settled when it is first met.
        work.sort_unstable_by_key(|(_, end)| *end);
        while let Some((state, end)) = work.pop() {
            if needed.get(&state).is_some_and(|known| *known >= end) {
                continue;
            }
            needed.insert(state, end);
            let before = through.get(&state).into_iter().flatten();
            work.extend(before.map(|needs| (*needs, end)));
        }
        Self { needed: Some(needed) }
    }

    fn until<M: Model>(&self, space: &Space<'_, M>, deed: Deed) -> Until {
        let leaves = space.known(deed).and_then(|known| known.leaves);
        match (&self.needed, leaves) {
            (Some(needed), Some(leaves)) => {
                needed.get(&leaves).map_or(Until::Never, |time| Until::Time(*time))
            }
            (Some(_), None) => Until::Never,
            (None, _) => Until::Always,
        }
    }
}
