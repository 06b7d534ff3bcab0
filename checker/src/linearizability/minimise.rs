//! Takes away from a refuted set of calls whatever the refutation does not need.
//!
//! Only what cannot make a legal history illegal may go, so that what is left proves something of
//! the whole. What that is depends on the kind of object: it says so by the [`Part`] of each call.

use super::call::Call;
use crate::hashing::Map;
use crate::op::Value;

/// With which others a call may be taken away.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// It never may: others may rest on it.
    Needed,
    /// It may alone: it only looked.
    Alone,
    /// It may together with every other call on this element, as an element of a queue with its
    /// enqueue and its dequeue.
    Element(Value),
    /// It may together with every other call of this number, as a hold with its acquire and release.
    Number(u64),
}

/// How many calls may be looked at while making a set smaller.
pub(crate) const EFFORT: usize = 20_000_000;

/// A set that `refuted` still holds of, and that taking away one more part would spoil; or the
/// smallest found before `effort` calls were looked at.
pub(crate) fn by_parts<'a>(
    calls: &[Call<'a>],
    part: impl Fn(&Call<'a>) -> Part,
    mut effort: usize,
    refuted: &dyn Fn(&[Call<'a>]) -> bool,
) -> Vec<Call<'a>> {
    let (needed, mut parts) = parts(calls, part);
    let mut size = parts.len().div_ceil(2).max(1);
    loop {
        let (before, mut place) = (parts.len(), 0);
        while place < parts.len() && effort > 0 {
            effort = effort.saturating_sub(calls.len());
            let gone = place..parts.len().min(place + size);
            let mut fewer = parts.clone();
            fewer.drain(gone);
            if refuted(&joined(&needed, &fewer)) {
                parts = fewer;
            } else {
                place += size;
            }
        }
        if effort == 0 || (size == 1 && parts.len() == before) {
            return joined(&needed, &parts);
        }
        size = (size / 2).max(1);
    }
}

/// The calls that must stay, and the parts that may go.
fn parts<'a>(
    calls: &[Call<'a>],
    part: impl Fn(&Call<'a>) -> Part,
) -> (Vec<Call<'a>>, Vec<Vec<Call<'a>>>) {
    let (mut needed, mut parts, mut places) = (Vec::new(), Vec::new(), Map::default());
    for call in calls {
        match part(call) {
            Part::Needed => needed.push(*call),
            Part::Alone => parts.push(vec![*call]),
            together => {
                let place = *places.entry(together).or_insert_with(|| {
                    parts.push(Vec::new());
                    parts.len() - 1
                });
                parts[place].push(*call);
            }
        }
    }
    (needed, parts)
}

/// All of them, in the order of invocation.
fn joined<'a>(needed: &[Call<'a>], parts: &[Vec<Call<'a>>]) -> Vec<Call<'a>> {
    let mut calls: Vec<Call<'a>> = needed.iter().chain(parts.iter().flatten()).copied().collect();
    calls.sort_by_key(|call| (call.start, call.id));
    calls
}
