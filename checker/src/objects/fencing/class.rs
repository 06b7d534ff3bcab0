//! The words for a refuted lock with tokens, or a refuted guarded resource.
//!
//! They only tell what tokens and zones already proved; where no rule fits, no narrow class does.

use super::grants::{Misgranted, misgranted, shown, token};
use super::guard::{self, shown_token};
use crate::catalogue;
use crate::linearizability::call::Call;
use crate::linearizability::finding::Finding;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::words;

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    if let Some(pair) = misgranted(&refuted.small) {
        return grants(refuted, &pair);
    }
    let Finding::Refuted(violation) = guard::judge(&refuted.small) else { return None };
    match violation.class {
        catalogue::READ_OF_UNWRITTEN => unwritten(refuted, *violation.calls.first()?),
        catalogue::STALE_TOKEN_ACCEPTED => accepted(refuted),
        _ => stale(refuted),
    }
}

/// Two grants with the same token, or with tokens that fall.
fn grants<'a>(refuted: &Refuted<'a>, pair: &Misgranted) -> Option<Explanation<'a>> {
    let (done, late) = (refuted.operation(pair.first)?, refuted.operation(pair.second)?);
    let (own, other) = (token(&refuted.small[pair.first])?, token(&refuted.small[pair.second])?);
    let (done_end, late_end) = (words::at(done.ok()?.0), words::at(late.ok()?.0));
    let (key, first, second) = (refuted.name(), done.process, late.process);
    let (headline, because) = if pair.same {
        (
            format!(
                "Token reused: {key} was granted with token {own} to process {first} by {done_end} \
                 and to process {second} by {late_end}"
            ),
            "A guard cannot tell the two holders apart.".to_owned(),
        )
    } else {
        (
            format!(
                "Token went back: {key} was granted to process {second} with token {other} at \
                 {late_end}, after process {first} had been granted token {own} at {done_end}"
            ),
            format!("Tokens rise from grant to grant: {other} must not come after {own}."),
        )
    };
    let class = pair.class();
    Some(Explanation {
        class,
        headline,
        because,
        late: Some(late),
        done: Some(done),
        also: Vec::new(),
        later: None,
    })
}

/// A read of what nothing can have written.
fn unwritten<'a>(refuted: &Refuted<'a>, place: usize) -> Option<Explanation<'a>> {
    let (late, key) = (refuted.operation(place)?, refuted.name());
    let value = shown(&refuted.small[place])?;
    let why = "no guarded write of it that can have been accepted had begun by then";
    Some(Explanation {
        class: catalogue::READ_OF_UNWRITTEN,
        headline: format!(
            "Read of an unwritten value: process {} saw {key} = {value} at {}, but {why}",
            late.process,
            words::at(late.ok()?.0)
        ),
        because: format!("A guarded resource holds only what was written: {why}."),
        late: Some(late),
        done: None,
        also: Vec::new(),
        later: None,
    })
}

/// The write with the lowest token that began after something of a higher one had ended.
fn accepted<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let small = &refuted.small;
    let of = |place: usize| effective_token(small, place).map(|token| (token, place));
    let known: Vec<(u64, usize)> = (0..small.len()).filter_map(of).collect();
    let (low, late) =
        *known.iter().filter(|(_, place)| shown_token(&small[*place]).is_some()).min()?;
    let newer =
        |(token, place): &&(u64, usize)| *token > low && small[*place].precedes(&small[late]);
    let (high, done) = *known.iter().filter(newer).min_by_key(|(_, place)| small[*place].end)?;
    let (write, seen) = (refuted.operation(late)?, refuted.operation(done)?);
    let how = if shown_token(&small[done]).is_some() { "accepted" } else { "read" };
    let (key, since) = (refuted.name(), words::at(seen.ok()?.0));
    let accepted = match write.ok() {
        Some((time, ..)) => format!("accepted at {}", words::at(time)),
        None => "accepted, as a read of it showed".to_owned(),
    };
    Some(Explanation {
        class: catalogue::STALE_TOKEN_ACCEPTED,
        headline: format!(
            "Stale token accepted: a write to {key} of process {} with token {low} was {accepted}, \
             though one with token {high} had been {how} by {since}",
            write.process
        ),
        because: format!(
            "Once it has taken token {high}, the guard must refuse every lower one: the holder of \
             {low} had been replaced before it asked."
        ),
        late: Some(write),
        done: Some(seen),
        also: Vec::new(),
        later: None,
    })
}

/// The token of a write, or of the write of what a read showed.
fn effective_token(small: &[Call<'_>], place: usize) -> Option<u64> {
    let written = |value| {
        let writes = |call: &&Call<'_>| call.op.values().contains(&value);
        small.iter().find(writes).and_then(shown_token)
    };
    shown_token(&small[place]).or_else(|| shown(&small[place]).and_then(written))
}

/// A read showed what had been overwritten before it began.
fn stale<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let small = &refuted.small;
    let reads = |place: &usize| shown_token(&small[*place]).is_none();
    let late = (0..small.len()).filter(reads).max_by_key(|place| small[*place].start)?;
    let value = shown(&small[late]);
    let other = |place: &usize| {
        let holds = shown(&small[*place]).or_else(|| small[*place].op.values().first().copied());
        holds != value && small[*place].precedes(&small[late])
    };
    let done = (0..small.len()).filter(other).min_by_key(|place| small[*place].end)?;
    let newer = shown(&small[done]).or_else(|| small[done].op.values().first().copied())?;
    let (read, seen) = (refuted.operation(late)?, refuted.operation(done)?);
    let how = if reads(&done) { "read" } else { "accepted" };
    let (key, end) = (refuted.name(), read.ok()?.0);
    let shown =
        value.map_or_else(|| format!("{key} as absent"), |value| format!("{key} = {value}"));
    let gap = words::lasting(end.saturating_sub(seen.ok()?.0));
    Some(Explanation {
        class: catalogue::STALE_READ,
        headline: format!(
            "Stale read: process {} read {shown} at {}, {gap} after {newer} had been {how}",
            read.process,
            words::at(end)
        ),
        because: format!(
            "{newer} had been {how} before that read began, and nothing brought the old state back."
        ),
        late: Some(read),
        done: Some(seen),
        also: Vec::new(),
        later: None,
    })
}
