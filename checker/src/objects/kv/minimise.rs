//! Takes away from a refuted store of texts whatever the refutation does not need.
//!
//! What may go without making a legal history illegal:
//!
//! - a read;
//! - a write or append that nobody who is left has seen;
//! - an append, together with its text out of every text that was read;
//! - a write, together with everybody who read its epoch.

use std::sync::Arc;

use super::parse::{apart, texts};
use super::sweep::{Conflict, conflict};
use crate::linearizability::call::Call;
use crate::linearizability::minimise::{EFFORT, Part, by_parts};
use crate::objects::Weakened;
use crate::objects::unseen::{Traces, without_unseen};
use crate::op::{Op, Outcome, Value};

/// The most calls of which it is looked for whose text is part of whose.
const LOOKED_INTO: usize = 400;

/// The writes and appends that the refutation of `calls` is about, by their place, sorted.
fn guilty(calls: &[Call<'_>], texts: &[Arc<str>]) -> Option<Vec<usize>> {
    let mut about = match conflict(calls)? {
        Conflict::Unwritten { .. } => return None,
        Conflict::Twice { seen_by, piece } => vec![seen_by, piece],
        Conflict::Incompatible { one, other } => return Some(parting(calls, texts, [one, other])),
        Conflict::Inverted { late, done } => vec![late, done],
        Conflict::Crossed { late, done, early, after } => {
            [Some(late), Some(done), early, Some(after)].into_iter().flatten().collect()
        }
    };
    let readers: Vec<usize> =
        about.iter().copied().filter(|place| matches!(calls[*place].op, Op::Read { .. })).collect();
    about.retain(|place| !readers.contains(place));
    for pieces in apart(calls, texts, &readers) {
        about.extend(pieces.first());
        about.extend(pieces.last());
    }
    about.sort_unstable();
    about.dedup();
    Some(about)
}

/// Where the texts of two reads part: their first piece, and the first in which they differ.
fn parting(calls: &[Call<'_>], texts: &[Arc<str>], readers: [usize; 2]) -> Vec<usize> {
    let pieces = apart(calls, texts, &readers);
    let [one, other] = &pieces[..] else { return Vec::new() };
    let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let mut about: Vec<usize> = [one.first(), one.get(same), other.first(), other.get(same)]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    about.sort_unstable();
    about.dedup();
    about
}

/// Reads that show what the refutation is about and nothing else; by invocation. Who read the
/// epoch of another write is left out.
pub(super) fn weakened(calls: &[Call<'_>]) -> Weakened {
    let texts = texts(calls).unwrap_or_default();
    let Some(guilty) = guilty(calls, &texts) else { return Weakened::new() };
    let is_read = |place: &usize| matches!(calls[*place].op, Op::Read { .. });
    let readers: Vec<usize> = (0..calls.len()).filter(is_read).collect();
    let mut weakened = Weakened::new();
    for (reader, pieces) in readers.iter().zip(apart(calls, &texts, &readers)) {
        let kept = |place: &&usize| guilty.binary_search(place).is_ok();
        let other_epoch = pieces
            .first()
            .is_some_and(|first| matches!(calls[*first].op, Op::Write { .. }) && !kept(&first));
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
    if let Some(Conflict::Unwritten { seen_by }) = conflict(calls) {
        return vec![calls[seen_by]];
    }
    let texts = texts(calls).unwrap_or_default();
    let guilty = guilty(calls, &texts).unwrap_or_default();
    let narrow = |(place, call): (usize, &Call<'a>)| match call.op {
        Op::Read { .. } => {
            let (op, outcome) = weakened.get(&call.id)?;
            Some(Call { op, outcome: Some(outcome), ..*call })
        }
        _ => guilty.binary_search(&place).is_ok().then_some(*call),
    };
    let narrowed: Vec<Call<'a>> = calls.iter().enumerate().filter_map(narrow).collect();
    let small = if refuted(&narrowed) { narrowed } else { without_reads(calls, refuted) };
    if small.len() > LOOKED_INTO {
        return small;
    }
    let texts = super::parse::texts(&small).unwrap_or_default();
    let pieces: Vec<(Arc<str>, u64)> = small
        .iter()
        .zip(&texts)
        .filter(|(call, _)| !matches!(call.op, Op::Read { .. }))
        .map(|(call, text)| (Arc::clone(text), call.id))
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
fn traces(call: &Call<'_>, pieces: &[(Arc<str>, u64)]) -> Traces<u64> {
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
