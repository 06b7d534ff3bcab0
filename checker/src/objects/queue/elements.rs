//! The calls of a queue, element by element, and what each element by itself can show.
//!
//! Whether the queue keeps an order is not asked here.

use crate::catalogue;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Violation;
use crate::op::{Op, Outcome, Value};

/// Why a queue has no legal order. The numbers are places in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// `dequeue` answered what nobody can have enqueued by then.
    Phantom { dequeue: usize },
    /// Both answered the same element, and it was enqueued less often.
    Twice { first: usize, second: usize },
    /// The element of `ahead` was enqueued before that of `behind`, and was still there when that
    /// one had left.
    Overtaken { ahead: Times, behind: Times },
    /// `empty` was answered that the queue is empty, and at no instant can it have been.
    NotEmpty { empty: usize },
}

impl Conflict {
    /// Its class, and the calls that prove it: all on the elements that it is about, and every
    /// unseen dequeue that may have taken one of them in time.
    pub(crate) fn violation(&self, elements: &Elements<'_>) -> Violation {
        let (class, calls) = match self {
            Self::Phantom { dequeue } => (catalogue::PHANTOM_ELEMENT, elements.beside(*dequeue)),
            Self::Twice { second, .. } => (catalogue::DUPLICATE_DEQUEUE, elements.beside(*second)),
            Self::Overtaken { ahead, behind } => {
                let both = [ahead, behind].map(|times| times.enqueue);
                let both = both.into_iter().flat_map(|enqueue| elements.beside(enqueue));
                let mut calls: Vec<usize> = both.collect();
                // If nobody is known to have taken it, one unseen dequeue may have; and then what
                // came before it is owed by the same time, and takes one each.
                if ahead.going == NEVER && !elements.unseen.is_empty() {
                    let owed = |times: &Times| {
                        times.going == NEVER
                            && times.there <= ahead.there
                            && times.enqueue != ahead.enqueue
                    };
                    calls.extend(elements.of_times(owed));
                    calls.extend(elements.unseen_by(behind.gone));
                }
                (catalogue::OUT_OF_ORDER_DEQUEUE, calls)
            }
            Self::NotEmpty { empty } => {
                let call = elements.calls[*empty];
                let end = call.end.unwrap_or(NEVER);
                let there = |times: &Times| times.there < end && call.start < times.going;
                let mut calls = elements.of_times(there);
                calls.extend(elements.unseen_by(end));
                calls.push(*empty);
                (catalogue::FALSE_EMPTY, calls)
            }
        };
        Violation { class, calls }
    }
}

/// When an element that was enqueued once came and went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) enqueue: usize,
    /// None: nobody is known to have taken it.
    pub(crate) dequeue: Option<usize>,
    /// When it began to be enqueued.
    pub(crate) coming: Nanos,
    /// When it was certainly enqueued; the end of time if nobody knows.
    pub(crate) there: Nanos,
    /// When it began to be dequeued; the end of time if it never was.
    pub(crate) going: Nanos,
    /// When it was certainly gone.
    pub(crate) gone: Nanos,
}

/// The end of time.
pub(crate) const NEVER: Nanos = Nanos::MAX;

/// All calls on one value.
#[derive(Debug, Default)]
struct Both {
    enqueues: Vec<usize>,
    dequeues: Vec<usize>,
}

/// The calls of a queue, sorted by what they are about.
#[derive(Debug)]
pub(crate) struct Elements<'a> {
    calls: &'a [Call<'a>],
    /// By value, in the order in which the values first appear.
    values: Vec<Both>,
    /// Dequeues that were answered “empty”.
    pub(crate) empties: Vec<usize>,
    /// When dequeues began of which nobody saw the answer, sorted.
    pub(crate) unseen: Vec<Nanos>,
}

impl<'a> Elements<'a> {
    /// None if some call is not one that a queue answers.
    pub(crate) fn of(calls: &'a [Call<'a>]) -> Option<Self> {
        let mut elements =
            Self { calls, values: Vec::new(), empties: Vec::new(), unseen: Vec::new() };
        let mut numbers: Map<&Value, usize> = Map::default();
        for (place, call) in calls.iter().enumerate() {
            let mut both = |value| {
                let number = *numbers.entry(value).or_insert(elements.values.len());
                if number == elements.values.len() {
                    elements.values.push(Both::default());
                }
                number
            };
            match (call.op, call.outcome) {
                (Op::Enqueue { value, .. }, Some(Outcome::Enqueue) | None) => {
                    let number = both(value);
                    elements.values[number].enqueues.push(place);
                }
                (Op::Dequeue { .. }, Some(Outcome::Dequeue { value: Some(value) })) => {
                    let number = both(value);
                    elements.values[number].dequeues.push(place);
                }
                (Op::Dequeue { .. }, Some(Outcome::Dequeue { value: None })) => {
                    elements.empties.push(place);
                }
                (Op::Dequeue { .. }, None) => elements.unseen.push(call.start),
                _ => return None,
            }
        }
        elements.unseen.sort_unstable();
        Some(elements)
    }

    /// All calls on the value of `place`.
    fn beside(&self, place: usize) -> Vec<usize> {
        let of_it = |both: &&Both| both.enqueues.contains(&place) || both.dequeues.contains(&place);
        let both = self.values.iter().find(of_it);
        both.map_or_else(Vec::new, |both| [&both.enqueues[..], &both.dequeues].concat())
    }

    /// The calls on the elements whose times `fit`.
    fn of_times(&self, fit: impl Fn(&Times) -> bool) -> Vec<usize> {
        let times = self.times().unwrap_or_default();
        let fit = times.iter().filter(|times| fit(times));
        fit.flat_map(|times| std::iter::once(times.enqueue).chain(times.dequeue)).collect()
    }

    /// The dequeues of which nobody saw the answer and that had begun by `time`.
    fn unseen_by(&self, time: Nanos) -> impl Iterator<Item = usize> {
        let is_unseen = move |call: &Call<'_>| {
            matches!(call.op, Op::Dequeue { .. }) && call.outcome.is_none() && call.start <= time
        };
        (0..self.calls.len()).filter(move |place| is_unseen(&self.calls[*place]))
    }

    /// What the calls on one value show by themselves: that it was handed out more often than it
    /// came in, by some instant.
    ///
    /// If it was not, for no value, then a queue without order has a legal order in which no
    /// dequeue is answered “empty”: every enqueue takes effect when it begins and every dequeue
    /// when it ends.
    pub(crate) fn unbalanced(&self) -> Option<Conflict> {
        self.values.iter().find_map(|both| self.short(both))
    }

    fn short(&self, both: &Both) -> Option<Conflict> {
        let calls = self.calls;
        let mut starts: Vec<Nanos> =
            both.enqueues.iter().map(|place| calls[*place].start).collect();
        let mut dequeues = both.dequeues.clone();
        starts.sort_unstable();
        dequeues.sort_unstable_by_key(|place| (calls[*place].end, *place));
        let late = dequeues.iter().enumerate().position(|(count, place)| {
            starts.get(count).is_none_or(|start| calls[*place].end.is_some_and(|end| end < *start))
        })?;
        let dequeue = dequeues[late];
        match late.checked_sub(1) {
            Some(before) => Some(Conflict::Twice { first: dequeues[before], second: dequeue }),
            None => Some(Conflict::Phantom { dequeue }),
        }
    }

    /// When every element came and went; none if some value was enqueued more than once.
    ///
    /// What nobody saw taken and nobody knows to have been enqueued is left out. In a legal order
    /// it can be left out as well, together with the unseen dequeue that took it, if one did.
    pub(crate) fn times(&self) -> Option<Vec<Times>> {
        let mut times = Vec::with_capacity(self.values.len());
        for both in &self.values {
            let ([enqueue], [] | [_]) = (&both.enqueues[..], &both.dequeues[..]) else {
                return None;
            };
            let dequeue = both.dequeues.first().copied();
            let (came, went) = (self.calls[*enqueue], dequeue.map(|place| self.calls[place]));
            if came.end.is_some() || went.is_some() {
                times.push(Times {
                    enqueue: *enqueue,
                    dequeue,
                    coming: came.start,
                    there: came.end.unwrap_or(NEVER),
                    going: went.map_or(NEVER, |went| went.start),
                    gone: went.and_then(|went| went.end).unwrap_or(NEVER),
                });
            }
        }
        Some(times)
    }
}
