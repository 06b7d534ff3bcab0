//! Which grants of a lock with tokens cannot both be.

use crate::catalogue;
use crate::linearizability::call::Call;
use crate::op::Outcome;
use crate::value::Value;

/// What a read showed.
pub(super) fn shown<'a>(call: &Call<'a>) -> Option<&'a Value> {
    match call.outcome {
        Some(Outcome::Read { value }) => value.as_ref(),
        _ => None,
    }
}

/// Two grants that cannot both be: the second one did not have to wait for the first, or has no
/// higher token although it did.
pub(super) struct Misgranted {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) same: bool,
}

impl Misgranted {
    pub(super) fn class(&self) -> &'static str {
        if self.same { catalogue::TOKEN_REUSED } else { catalogue::TOKEN_WENT_BACK }
    }
}

pub(super) fn token(call: &Call<'_>) -> Option<u64> {
    match call.outcome {
        Some(Outcome::Acquire { token }) => *token,
        _ => None,
    }
}

/// Two grants whose tokens are the same, or not in the order of time.
pub(super) fn misgranted(calls: &[Call<'_>]) -> Option<Misgranted> {
    let grant = |place: usize| token(&calls[place]).map(|token| (token, place));
    let mut grants: Vec<(u64, usize)> = (0..calls.len()).filter_map(grant).collect();
    grants.sort_unstable_by_key(|(token, place)| (*token, calls[*place].end, *place));
    if let Some(pair) = grants.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Some(Misgranted { first: pair[0].1, second: pair[1].1, same: true });
    }
    // Of the lower tokens, the grant that was asked for last.
    let mut last: Option<usize> = None;
    for (_, first) in grants {
        if let Some(second) = last
            && calls[first].precedes(&calls[second])
        {
            return Some(Misgranted { first, second, same: false });
        }
        last = last.filter(|last| calls[*last].start >= calls[first].start).or(Some(first));
    }
    None
}
