//! Takes away from a refuted store of texts whatever the refutation does not need.
//!
//! What may go without making a legal history illegal:
//!
//! - a read;
//! - a write or append that nobody who is left has seen;
//! - an append, together with its text out of every text that was read;
//! - a write, together with everybody who read its epoch.

use super::conflict::Conflict;
use super::parse::{apart, texts};
use super::sweep::conflict;
use crate::linearizability::call::Call;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::linearizability::object::{Weakened, only};
use crate::objects::unseen::{Traces, without_unseen};
use crate::op::{Op, Outcome, Value};
use crate::text::Text;

/// The most calls of which it is looked for whose text is part of whose.
const LOOKED_INTO: usize = 400;

/// The writes and appends that the refutation of `calls` is about, by their place, sorted.
fn guilty(calls: &[Call<'_>], texts: &[Text]) -> Option<Vec<usize>> {
    let mut about = match conflict(calls)? {
        Conflict::Unwritten { .. } => return None,
        Conflict::Twice { seen_by, piece } => vec![seen_by, piece],
        Conflict::Incompatible { first, second } => {
            return Some(parting(calls, texts, [first, second]));
        }
        Conflict::Inverted { late, done } => vec![late, done],
        Conflict::Crossed { late, done, early, after } => {
            [Some(late), Some(done), early, Some(after)].into_iter().flatten().collect()
        }
    };
    let readers: Vec<usize> =
        about.iter().copied().filter(|place| is_a_read(&calls[*place])).collect();
    about.retain(|place| !readers.contains(place));
    for pieces in apart(calls, texts, &readers, |_| true) {
        about.extend(pieces.first());
        about.extend(pieces.last());
    }
    about.sort_unstable();
    about.dedup();
    Some(about)
}

fn is_a_read(call: &Call<'_>) -> bool {
    matches!(call.op, Op::Read { .. })
}

/// Where the texts of two reads part: their first piece, and the first in which they differ.
fn parting(calls: &[Call<'_>], texts: &[Text], readers: [usize; 2]) -> Vec<usize> {
    let pieces = apart(calls, texts, &readers, |_| true);
    let [first, second] = &pieces[..] else { return Vec::new() };
    let same = first.iter().zip(second).take_while(|(first, second)| first == second).count();
    let mut about: Vec<usize> = [first.first(), first.get(same), second.first(), second.get(same)]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    about.sort_unstable();
    about.dedup();
    about
}

/// The writes and appends that the refutation is about, and the reads as if there were no others; by
/// invocation. Who read the epoch of another write is left out.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let texts = texts(calls).unwrap_or_default();
    let Some(guilty) = guilty(calls, &texts) else { return Weakened::new() };
    let readers: Vec<usize> = (0..calls.len()).filter(|place| is_a_read(&calls[*place])).collect();
    // Without an answer none is given.
    let same = |call: &Call<'_>| call.outcome.cloned().unwrap_or(Outcome::Append);
    let put = guilty.iter().map(|place| &calls[*place]).filter(|call| !is_a_read(call));
    let mut weakened: Weakened = put.map(|call| (call.id, (call.op.clone(), same(call)))).collect();
    let kept = |place: &&usize| guilty.binary_search(place).is_ok();
    let other = |first: usize| matches!(calls[first].op, Op::Write { .. }) && !kept(&&first);
    let apart = apart(calls, &texts, &readers, |first| !other(first));
    for (reader, pieces) in readers.iter().zip(apart) {
        let other_epoch = pieces.first().is_some_and(|first| other(*first));
        let whole = pieces.iter().map(|place| texts[*place].len()).sum::<usize>();
        if !other_epoch && whole == texts[*reader].len() {
            let text: String = pieces.iter().filter(kept).map(|place| &*texts[*place]).collect();
            let outcome = Outcome::Read { value: Some(Value::Text(text.into())) };
            weakened.insert(calls[*reader].id, (calls[*reader].op.clone(), outcome));
        }
    }
    weakened
}

/// A small part of `calls` that `refuted` holds of as well.
pub(super) fn smallest<'a>(
    calls: &[Call<'a>],
    weakened: &'a Weakened,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let narrowed = only(calls, weakened);
    if narrowed.is_empty()
        && let Some(Conflict::Unwritten { seen_by }) = conflict(calls)
    {
        return vec![calls[seen_by]];
    }
    let small = if !narrowed.is_empty() && refuted(&narrowed) {
        narrowed
    } else {
        without_reads(calls, refuted)
    };
    if small.len() > LOOKED_INTO {
        return small;
    }
    let texts = texts(&small).unwrap_or_default();
    let pieces: Vec<(Text, u64)> = small
        .iter()
        .zip(&texts)
        .filter(|(call, _)| !matches!(call.op, Op::Read { .. }))
        .map(|(call, text)| (Text::clone(text), call.id))
        .collect();
    let traces = |call: &Call<'a>| traces(call, &pieces);
    without_unseen(&small, traces, refuted)
}

/// Without as many reads as can go.
fn without_reads<'a>(calls: &[Call<'a>], refuted: &dyn Fn(&[Call<'a>]) -> bool) -> Vec<Call<'a>> {
    let part = |call: &Call<'a>| {
        if matches!(call.op, Op::Read { .. }) { Part::Alone } else { Part::Needed }
    };
    by_parts(calls, part, EFFORT, refuted)
}

/// Whose text a read may hold: everybody's whose text is part of it.
fn traces(call: &Call<'_>, pieces: &[(Text, u64)]) -> Traces<u64> {
    match (call.op, call.outcome) {
        (Op::Read { .. }, Some(Outcome::Read { value: Some(value) })) => {
            let text = crate::models::kv::text(value);
            let inside = pieces.iter().filter(|(piece, _)| text.contains(&**piece));
            Traces { put: Vec::new(), saw: inside.map(|(_, id)| *id).collect() }
        }
        (Op::Read { .. }, _) => Traces { put: Vec::new(), saw: Vec::new() },
        _ => Traces { put: vec![call.id], saw: Vec::new() },
    }
}
