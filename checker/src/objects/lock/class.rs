//! The words for a refuted lock.
//!
//! They only tell what the holds already proved; where no hold does, no narrow class fits.

use super::crossings::{all, crossing_of};
use super::holds::{Hold, holds};
use crate::catalogue;
use crate::history::Operation;
use crate::linearizability::finding::Finding;
use crate::linearizability::object::Object;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::models::Lock;
use crate::op::Op;
use crate::words;

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let calls = &refuted.small;
    let Finding::Refuted(violation) = Lock::decide_fast(calls) else { return None };
    if violation.class == catalogue::RELEASE_NOT_HELD {
        return not_held(refuted);
    }
    match holds(calls)? {
        Ok(held) => {
            let certain: Vec<Hold> = all(&held).copied().collect();
            let crossed = crossing_of(calls, certain.iter(), std::iter::empty())?;
            let crosses = |hold: &&Hold| crossed.calls.contains(&hold.acquire);
            let mut two: Vec<&Hold> = certain.iter().filter(crosses).collect();
            two.sort_by_key(|hold| hold.zone(calls).first.0);
            twice(refuted, two.first()?, two.get(1)?)
        }
        Err(_) => again(refuted),
    }
}

/// The last of `small` to complete, of those that `wanted` holds of.
fn last<'a>(refuted: &Refuted<'a>, wanted: impl Fn(&Op) -> bool) -> Option<&'a Operation> {
    let mut places: Vec<usize> = (0..refuted.small.len()).collect();
    places.retain(|place| refuted.small[*place].end.is_some() && wanted(refuted.small[*place].op));
    let place = places.into_iter().max_by_key(|place| refuted.small[*place].end)?;
    refuted.operation(place)
}

fn holder(op: &Op) -> Option<u64> {
    match op {
        Op::Acquire { holder, .. } | Op::Release { holder, .. } => Some(*holder),
        _ => None,
    }
}

fn when(operation: &Operation) -> String {
    operation.ok().map_or(String::new(), |(time, ..)| words::at(time))
}

/// A release succeeded that nobody can have been the holder of.
fn not_held<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let late = last(refuted, |op| matches!(op, Op::Release { .. }))?;
    let (key, holder) = (refuted.name(), holder(&late.op)?);
    Some(Explanation {
        class: catalogue::RELEASE_NOT_HELD,
        headline: format!(
            "Release without a hold: process {} gave {key} back for holder {holder} at {}, which \
             cannot have held it then",
            late.process,
            when(late)
        ),
        because: format!(
            "Only who holds {key} can give it back, and holder {holder} had acquired it less often \
             than that."
        ),
        late: Some(late),
        done: None,
        also: Vec::new(),
        later: None,
    })
}

/// One holder was granted what it had not given back.
fn again<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let late = last(refuted, |op| matches!(op, Op::Acquire { .. }))?;
    let (key, holder) = (refuted.name(), holder(&late.op)?);
    Some(Explanation {
        class: catalogue::LOCK_HELD_TWICE,
        headline: format!(
            "Lock held twice: {key} was granted to holder {holder} again at {}, which had not \
             given it back",
            when(late)
        ),
        because: format!("{key} is not re-entrant: the grant had to wait for the release."),
        late: Some(late),
        done: None,
        also: Vec::new(),
        later: None,
    })
}

/// Two holders held it at once. `former` is the hold of which something had been shown first.
fn twice<'a>(refuted: &Refuted<'a>, former: &Hold, latter: &Hold) -> Option<Explanation<'a>> {
    let key = refuted.name();
    let (first, second) = (refuted.operation(former.acquire)?, refuted.operation(latter.acquire)?);
    let calls = &refuted.small;
    let (since, granted) = (calls[former.acquire].end, calls[latter.acquire].end);
    // Granted before anybody asked to give it back.
    let within = granted.is_some_and(|time| time.saturating_add(1) < former.zone(calls).last.0);
    let headline = if since.is_some() && since <= granted && within {
        format!(
            "Lock held twice: {key} was granted to holder {} at {}, while holder {} had held it \
             since {}",
            latter.holder,
            when(second),
            former.holder,
            when(first)
        )
    } else {
        format!(
            "Lock held twice: holders {} and {} both held {key}: {}, and {}",
            former.holder,
            latter.holder,
            shown(refuted, former, first),
            shown(refuted, latter, second)
        )
    };
    Some(Explanation {
        class: catalogue::LOCK_HELD_TWICE,
        headline,
        because: format!(
            "{key} has one holder at a time: each of the two would have had to give it back before \
             the other was granted it."
        ),
        late: Some(second),
        done: Some(first),
        also: Vec::new(),
        later: None,
    })
}

/// What shows that a hold was.
fn shown(refuted: &Refuted<'_>, hold: &Hold, acquire: &Operation) -> String {
    match (refuted.small[hold.acquire].end, hold.release) {
        (None, Some(release)) => {
            let gave_back = refuted.operation(release).map(when).unwrap_or_default();
            format!("holder {} gave it back at {gave_back}", hold.holder)
        }
        _ => format!("holder {} acquired it at {}", hold.holder, when(acquire)),
    }
}
