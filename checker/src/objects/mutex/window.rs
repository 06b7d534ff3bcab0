//! The witness of a refuted mutex: a span of time with too many calls of one side in it.
//!
//! What takes effect within a span is contiguous in a legal order, and there the two sides take
//! turns: the calls of one side that lie within it are at most one more than those of the other
//! that touch it. From the beginning, where the mutex is free, releases are not even one more. A
//! span that breaks this proves that the whole has no legal order, and so do its calls alone.

use super::acquires;
use crate::catalogue;
use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::linearizability::explain::{Refuted, Told};
use crate::words;

/// The calls of the shortest span up to the end that has too many of one side.
pub(super) fn smallest<'a>(calls: &[Call<'a>]) -> Option<Vec<Call<'a>>> {
    let spans = [true, false].into_iter().filter_map(|side| span(calls, side));
    let mut small: Vec<Call<'a>> = spans.min_by_key(Vec::len)?;
    small.sort_by_key(|call| (call.start, call.id));
    Some(small)
}

/// The calls of the shortest such span, of which there are too many that acquire, or release.
fn span<'a>(calls: &[Call<'a>], acquire: bool) -> Option<Vec<Call<'a>>> {
    let (mut own, others): (Vec<Call<'a>>, Vec<Call<'a>>) =
        calls.iter().copied().partition(|call| acquires(call) == acquire);
    own.retain(|call| call.end.is_some());
    own.sort_by_key(|call| std::cmp::Reverse(call.start));
    let mut ends: Vec<Nanos> = others.iter().map(|call| call.end.unwrap_or(Nanos::MAX)).collect();
    ends.sort_unstable();
    let touching = |from: Nanos| ends.len() - ends.partition_point(|end| *end < from);
    let too_many = |place: &usize| *place > touching(own[*place].start);
    let (count, from) = match (0..own.len()).find(too_many) {
        Some(place) => (place + 1, own[place].start),
        None if !acquire && own.len() > others.len() => (others.len() + 1, 0),
        None => return None,
    };
    let touches = |call: &&Call<'a>| call.end.is_none_or(|end| end >= from);
    Some(own[..count].iter().chain(others.iter().filter(touches)).copied().collect())
}

/// The class and the words.
pub(super) fn told<'a>(refuted: &Refuted<'a>) -> Option<Told<'a>> {
    let small = &refuted.small;
    let granted = small.iter().filter(|call| acquires(call)).count();
    let (returned, key) = (small.len() - granted, refuted.name());
    let at = small.iter().position(|call| call.end == Some(refuted.at))?;
    let late = refuted.operation(at)?;
    let (time, process) = (words::at(refuted.at), late.process);
    let (class, headline, because) = if granted > returned {
        let between = match returned {
            0 => "nobody had given it back in between".to_owned(),
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
        let between = match granted {
            0 => "nobody can have held it".to_owned(),
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
    Some(Told { class, headline, because, late: Some(late), done: None, also: Vec::new() })
}
