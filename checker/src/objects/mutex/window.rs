//! The witness of a refuted mutex: a span of time with too many calls of one side in it.
//!
//! What takes effect within a span is contiguous in a legal order, and there the two sides take
//! turns: the calls of one side that lie within it are at most one more than those of the other
//! that touch it. From the beginning, where the mutex is free, releases are not even one more. A
//! span that breaks this proves that the whole has no legal order, and so do its calls alone.
//!
//! *What may go.* Where locks change hands all the time such a span may hold hundreds of calls: of
//! 131 grants 129 were given back, and nobody can say which one was too many. Then pairs go: a call
//! of the side that is too many, within the span, and one of the other side that began within it.
//! Let a legal order be given. Of what takes effect within the span, each pair takes away one call
//! of the first side, and one of the other or none if that never took effect. So if the rest
//! may take effect anywhere in the span, and the other side need not, it still can take turns, and
//! leaves the mutex as it was or as the next call needs it. Taking pairs away within the span makes
//! no legal mutex illegal in this sense, and the rest is refuted even in this sense: by the same
//! count. A release alone must never go: of two grants it makes one too many.
//!
//! The pairs are holds where holders are told, a release with the acquire of the same holder just
//! before it. So what is left is what nobody who was granted it had given back; and what of the
//! other side had begun before the span, each with one more call.

use std::cmp::Reverse;

use crate::catalogue;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::history::Operation;
use crate::linearizability::call::Call;
use crate::linearizability::object::Object;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Mutex;
use crate::op::Op;
use crate::words;

/// The most calls that are told as they are: of so few no pairs go, and nothing that is left out has
/// to be believed.
const PLAIN: usize = 10;

/// Whether a call acquires; otherwise it releases.
fn acquires(call: &Call<'_>) -> bool {
    super::acquires(call.op)
}

/// A span from some begin up to the end of everything that has too many calls of one side.
#[derive(Debug, Clone)]
struct Span<'a> {
    /// When it begins.
    from: Nanos,
    /// As many calls of that side within it as are needed to be too many.
    own: Vec<Call<'a>>,
    /// Calls of the other side that began before it and touch it.
    open: Vec<Call<'a>>,
    /// Calls of the other side that began within it.
    begun: Vec<Call<'a>>,
    /// How many of these go, each with a call of its own side.
    pairs: usize,
}

/// A small part of `calls`, refuted by the same count as the whole.
pub(super) fn smallest<'a>(calls: &[Call<'a>]) -> Option<Vec<Call<'a>>> {
    Some(best(calls)?.small())
}

/// The shortest span if it is short, or that which leaves the fewest calls.
fn best<'a>(calls: &[Call<'a>]) -> Option<Span<'a>> {
    let found = [true, false].map(|acquire| Side::new(calls, acquire).span());
    found.into_iter().flatten().min_by_key(|span| (span.left(), span.begun.len()))
}

/// The calls by side, of which one may have too many.
struct Side<'a> {
    acquire: bool,
    /// Definite ones, the last to begin first.
    own: Vec<Call<'a>>,
    others: Vec<Call<'a>>,
    /// When the others began and ended, sorted.
    starts: Vec<Nanos>,
    ends: Vec<Nanos>,
}

impl<'a> Side<'a> {
    fn new(calls: &[Call<'a>], acquire: bool) -> Self {
        let (mut own, others): (Vec<Call<'a>>, Vec<Call<'a>>) =
            calls.iter().copied().partition(|call| acquires(call) == acquire);
        own.retain(|call| call.end.is_some());
        own.sort_by_key(|call| Reverse((call.start, call.id)));
        let mut starts: Vec<Nanos> = others.iter().map(|call| call.start).collect();
        let mut ends: Vec<Nanos> = others.iter().map(|call| call.end.unwrap_or(NEVER)).collect();
        starts.sort_unstable();
        ends.sort_unstable();
        Self { acquire, own, others, starts, ends }
    }

    /// The latest span that has too many, if few calls are left of it; else that of which the fewest
    /// are.
    fn span(&self) -> Option<Span<'a>> {
        let mut best: Option<(usize, Nanos, usize)> = None;
        let starts = self.own.iter().map(|call| call.start);
        for (within, from) in (1..).zip(starts).chain([(self.own.len(), 0)]) {
            let (open, needed) = self.needed(from);
            if within < needed || best.is_some_and(|(fewest, ..)| fewest <= open) {
                continue;
            }
            best = Some((open, from, needed));
            if 2 * open + 2 <= PLAIN {
                break;
            }
        }
        best.map(|(_, from, needed)| self.up_from(from, needed))
    }

    /// How many of the other side touch the span after `from` and began before it; and how many of
    /// this side are too many.
    fn needed(&self, from: Nanos) -> (usize, usize) {
        let touching = self.ends.len() - self.ends.partition_point(|end| *end < from);
        let begun = self.starts.len() - self.starts.partition_point(|start| *start < from);
        // At the beginning of time the mutex is free.
        let free = from == 0 && !self.acquire;
        (touching - begun, touching + if free { 1 } else { 2 })
    }

    fn up_from(&self, from: Nanos, needed: usize) -> Span<'a> {
        let mut own: Vec<Call<'a>> =
            self.own.iter().filter(|call| call.start >= from).copied().collect();
        // Whatever ends last shows it.
        own.sort_by_key(|call| Reverse((call.end, call.id)));
        own.truncate(needed);
        let touches = |call: &&Call<'a>| call.end.is_none_or(|end| end >= from);
        let touching = self.others.iter().filter(touches).copied();
        let (begun, open): (Vec<_>, Vec<_>) = touching.partition(|call| call.start >= from);
        let plain = own.len() + open.len() + begun.len() <= PLAIN;
        let pairs = if plain { 0 } else { begun.len() };
        Span { from, own, open, begun, pairs }
    }
}

/// The end of what may take effect at any later time.
const NEVER: Nanos = Nanos::MAX;

impl<'a> Span<'a> {
    /// How many calls are left.
    fn left(&self) -> usize {
        self.own.len() + self.open.len() + self.begun.len() - 2 * self.pairs
    }

    /// What is left, in the order of invocation.
    fn small(mut self) -> Vec<Call<'a>> {
        if self.pairs == 0 {
            self.open.append(&mut self.begun);
        } else {
            let (paired, needed) = (self.paired(), self.own.len() - self.pairs);
            self.own.retain(|call| !paired.contains_key(&call.id));
            // Where holders are not told, any call will do; the last ones are those to look at.
            self.own.truncate(needed);
        }
        self.own.append(&mut self.open);
        self.own.sort_by_key(|call| (call.start, call.id));
        self.own
    }

    /// Those of the first side, by id, that are one hold with one of the other that began within.
    fn paired(&self) -> Map<u64, ()> {
        let mut calls: Vec<&Call<'a>> = self.own.iter().chain(&self.begun).collect();
        calls.sort_by_key(|call| (call.start, call.id));
        let last = self.own.first().map(|call| call.id);
        let (mut granted, mut paired) = (Map::<u64, u64>::default(), Map::default());
        for call in calls.into_iter().filter(|call| Some(call.id) != last) {
            match call.op {
                Op::Acquire { holder, .. } => drop(granted.insert(*holder, call.id)),
                Op::Release { holder, .. } => {
                    if let Some(acquire) = granted.remove(holder) {
                        paired.extend([(acquire, ()), (call.id, ())]);
                    }
                }
                _ => {}
            }
        }
        paired
    }
}

/// The class and the words.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let small = &refuted.small;
    let granted = small.iter().filter(|call| acquires(call)).count();
    let (returned, key) = (small.len() - granted, refuted.name());
    let at = small.iter().position(|call| call.end == Some(refuted.at))?;
    let late = refuted.operation(at)?;
    let (time, process) = (words::at(refuted.at), late.process);
    let without = LeftOut::of(refuted);
    let (class, headline, because) = if granted > returned {
        let between = match (returned, &without) {
            (_, Some(LeftOut { pairs, since })) => {
                let (all, back) = (granted + pairs, returned + pairs);
                format!("of {all} grants {since} at most {back} can have been given back")
            }
            (0, None) => "nobody had given it back in between".to_owned(),
            _ => format!("{returned} of {granted} grants can have been given back in between"),
        };
        (
            catalogue::LOCK_HELD_TWICE,
            format!(
                "Lock held twice: {key} was granted to process {process} at {time}, and {between}"
            ),
            format!("{key} is granted only while it is free."),
        )
    } else {
        let between = match (granted, &without) {
            (_, Some(LeftOut { pairs, since })) => {
                let (all, held) = (returned + pairs, granted + pairs);
                format!("{all} releases {since} share {held} grants at most")
            }
            (0, None) => "nobody can have held it".to_owned(),
            _ => format!("{returned} releases share {granted} that can have been granted"),
        };
        (
            catalogue::RELEASE_NOT_HELD,
            format!(
                "Release without a hold: process {process} gave {key} back at {time}, and {between}"
            ),
            format!("{key} is given back only while it is held."),
        )
    };
    let because = without.map_or_else(|| because.clone(), |without| without.and(&because));
    Some(Explanation {
        class,
        headline,
        because,
        late: Some(late),
        done: None,
        also: Vec::new(),
        later: None,
    })
}

/// What the witness does not hold of the span that it stands for.
struct LeftOut {
    pairs: usize,
    since: String,
}

impl LeftOut {
    /// None if the witness is the whole span.
    fn of(refuted: &Refuted<'_>) -> Option<Self> {
        let on_it = |operation: &&Operation| {
            Mutex::KINDS.contains(&operation.op.kind()) && operation.op.key() == refuted.key
        };
        let operations = refuted.history.operations().iter().filter(on_it);
        let calls: Vec<Call<'_>> =
            operations.filter_map(Call::of).filter_map(|call| call.at(refuted.at)).collect();
        let span = best(&calls).filter(|span| span.left() == refuted.small.len())?;
        let since = match span.from {
            0 => "so far".to_owned(),
            from => format!("since {}", words::at(from)),
        };
        (span.pairs > 0).then_some(Self { pairs: span.pairs, since })
    }

    fn and(&self, because: &str) -> String {
        format!(
            "{because} Left out are {} grants and as many releases of that time: whatever their \
             order, they leave it as they found it.",
            self.pairs
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::linearizability::{Algorithm, answer};
    use crate::objects::register::drawn::Dice;
    use crate::op::Outcome;

    type Drawn = (Op, Option<Outcome>, Nanos, Option<Nanos>);

    /// A few calls around their instants, mostly in turns; some nobody saw the end of.
    fn draw(dice: &mut Dice) -> Vec<Drawn> {
        let mut held = false;
        let step = |place: u64| {
            held = if dice.below(6) == 0 { held } else { !held };
            let (key, holder, now) = ("m".into(), dice.below(3), 8 * place + 20);
            let (start, end) = (now - dice.below(20), now + dice.below(20));
            let end = (dice.below(4) > 0).then_some(end);
            match held {
                true => {
                    let granted = end.map(|_| Outcome::Acquire { token: None });
                    (Op::Acquire { key, holder, ttl: None }, granted, start, end)
                }
                false => (Op::Release { key, holder }, end.map(|_| Outcome::Release), start, end),
            }
        };
        (0..7).map(step).collect()
    }

    fn calls(drawn: &[Drawn]) -> Vec<Call<'_>> {
        let call = |(id, drawn): (u64, _)| {
            let (op, outcome, start, end): &Drawn = drawn;
            Call { id, op, outcome: outcome.as_ref(), start: *start, end: *end }
        };
        (0..).zip(drawn).map(call).collect()
    }

    fn is_legal(calls: &[Call<'_>]) -> bool {
        let answer = answer::<Mutex>(calls, Algorithm::BruteForce, &Budget::unlimited_time());
        answer.expect("few calls")
    }

    #[test]
    fn some_span_has_too_many_iff_there_is_no_legal_order() {
        let (mut dice, mut refuted) = (Dice(9), 0);
        for _ in 0..20_000 {
            let drawn = draw(&mut dice);
            let calls = calls(&drawn);
            let mut ends: Vec<Nanos> = calls.iter().filter_map(|call| call.end).collect();
            ends.sort_unstable();
            let cut = |end: &Nanos| calls.iter().filter_map(|call| call.at(*end)).collect();
            let cut: Vec<Vec<Call<'_>>> = ends.iter().map(cut).collect();
            // Up to the first completion that shows it.
            let Some(first) = cut.iter().find(|calls| !is_legal(calls)) else {
                assert!(cut.iter().all(|calls| best(calls).is_none()), "{calls:#?}");
                continue;
            };
            let span = best(first).expect("too many");
            let paired = Span { pairs: span.begun.len(), ..span.clone() };
            let fewest = 2 * span.open.len() + 2;
            assert!(paired.left() <= fewest, "{calls:#?}");
            assert!(!is_legal(&span.small()) && !is_legal(&paired.small()), "{calls:#?}");
            refuted += 1;
        }
        assert!(refuted > 2_000, "{refuted}");
    }

    /// `call` anywhere in the span after `from`, if it touches that; one of the other side need not
    /// happen.
    fn widened<'a>(call: &Call<'a>, (acquire, from): (bool, Nanos)) -> Call<'a> {
        if call.end.is_some_and(|end| end < from) {
            return *call;
        }
        let start = call.start.min(from);
        match call.end.filter(|_| acquires(call) == acquire) {
            Some(_) => Call { start, end: Some(NEVER), ..*call },
            None => Call { start, end: None, outcome: None, ..*call },
        }
    }

    #[test]
    fn pairs_within_a_span_may_go() {
        let (mut dice, mut went) = (Dice(10), 0);
        for _ in 0..4_000 {
            let drawn = draw(&mut dice);
            let calls = calls(&drawn);
            if !is_legal(&calls) {
                continue;
            }
            for (own, other) in
                calls.iter().flat_map(|own| calls.iter().map(move |other| (own, other)))
            {
                let (acquire, from) = (acquires(own), own.start.min(other.start));
                if own.end.is_none() || acquires(other) == acquire {
                    continue;
                }
                let left = calls.iter().filter(|call| call.id != own.id && call.id != other.id);
                let left: Vec<Call<'_>> = left.map(|call| widened(call, (acquire, from))).collect();
                assert!(is_legal(&left), "without {own:?} and {other:?}: {calls:#?}");
                went += 1;
            }
        }
        assert!(went > 5_000, "{went}");
    }
}
