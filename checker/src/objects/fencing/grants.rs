//! Which grants of a lock with tokens cannot both be: the rule, during a run and afterwards, and who
//! contradicts whom.

use std::collections::BTreeSet;

use super::stairs::Stairs;
use crate::catalogue;
use crate::event::Nanos;
use crate::linearizability::call::Call;
use crate::linearizability::monitor::Stop;
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

/// The first grant to complete that cannot be, with the one that contradicts it: the one with the
/// same token, else of those that it had to wait for the one with the lowest token that is higher.
pub(super) fn misgranted(calls: &[Call<'_>]) -> Option<Misgranted> {
    let grant = |place: usize| Some((calls[place].end?, place, token(&calls[place])?));
    let mut order: Vec<(Nanos, usize, u64)> = (0..calls.len()).filter_map(grant).collect();
    order.sort_unstable();
    let mut grants = Grants::default();
    let refused = |(_, (end, place, token)): &(usize, &(Nanos, usize, u64))| {
        grants.granted(*token, calls[*place].start, *end).is_err()
    };
    let (earlier, &(_, second, own)) = order.iter().enumerate().find(refused)?;
    let earlier = &order[..earlier];
    if let Some((_, first, _)) = earlier.iter().find(|(.., token)| *token == own) {
        return Some(Misgranted { first: *first, second, same: true });
    }
    let above = |(_, place, token): &&(Nanos, usize, u64)| {
        *token > own && calls[*place].precedes(&calls[second])
    };
    let (_, first, _) = earlier.iter().filter(above).min_by_key(|(.., token)| *token)?;
    Some(Misgranted { first: *first, second, same: false })
}

/// The tokens that were granted so far, grant by grant in the order in which they complete: no token
/// twice, and none that is lower than one that was granted before this grant was asked for.
///
/// That is all that is asked of grants: tokens that contradict no other are in a legal order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    tokens: BTreeSet<u64>,
    highest: Stairs,
}

impl Grants {
    /// `token` is granted at `end` to whoever asked for it at `start`.
    pub(crate) fn granted(&mut self, token: u64, start: Nanos, end: Nanos) -> Result<(), Stop> {
        if self.highest.before(start) >= Some(token) || !self.tokens.insert(token) {
            return Err(Stop::Refuted);
        }
        self.highest.push(end, token);
        Ok(())
    }

    /// Forgets what makes no difference to whoever asked at `oldest` or later.
    pub(crate) fn forget(&mut self, oldest: Nanos) {
        let floor = self.highest.forget(oldest);
        while self.tokens.first().is_some_and(|token| Some(*token) <= floor) {
            self.tokens.pop_first();
        }
    }

    /// How much memory they take. Nodes of a B-tree are at least half full.
    pub(crate) fn bytes(&self) -> usize {
        2 * size_of::<u64>() * self.tokens.len() + self.highest.bytes()
    }
}
