//! Near-linear decision for a resource that is guarded by tokens.
//!
//! A write with everything that read its value is contiguous in every legal order (a zone). Writes
//! with a lower token come before those with a higher one; among those with the same token only
//! real time speaks. So no zone of a higher token may have to come before one of a lower one, and
//! within a token no two may cross. Both suffice: tokens are a total order between the groups that
//! share one, so a cycle would lie within one group, and there pairs show it.
//!
//! An indeterminate write that nobody read is left out: without it the guard has accepted less, and
//! nothing rests on it. Where a value that was read has two writes that may have been seen, a search
//! decides, unless the writes alone are in the wrong order.

use std::collections::BTreeMap;

use crate::catalogue;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};
use crate::objects::zones::{Zone, crossing, ended};
use crate::op::{Op, Outcome, Value};

/// The writes of one value and what saw it.
#[derive(Default)]
struct Group {
    writers: Vec<usize>,
    reads: Vec<usize>,
}

/// Zones by token, lowest first; the initial state comes before all tokens.
type Zones = BTreeMap<Option<u64>, Vec<(Zone, Vec<usize>)>>;

/// Decides whether the guarded resource has a legal order. Grants among `calls` are not looked at.
pub(super) fn judge(calls: &[Call<'_>]) -> Finding {
    // The writes alone first: that needs no values.
    if let Some(violation) = out_of_order(calls, &alone(calls)) {
        return Finding::Refuted(violation);
    }
    let groups = groups(calls);
    if let Some(reader) = unwritten(calls, &groups) {
        return Finding::refuted(catalogue::READ_OF_UNWRITTEN, vec![reader]);
    }
    let Some(zones) = zones(calls, &groups) else { return Finding::Ambiguous };
    match out_of_order(calls, &zones).or_else(|| crossed(&zones)) {
        Some(violation) => Finding::Refuted(violation),
        None => Finding::Legal,
    }
}

/// Calls that refute by themselves, if they are known.
pub(super) fn witness(calls: &[Call<'_>]) -> Vec<usize> {
    match judge(calls) {
        Finding::Refuted(violation) => violation.calls,
        _ => Vec::new(),
    }
}

/// The token of a write.
pub(super) fn shown_token(call: &Call<'_>) -> Option<u64> {
    match call.op {
        Op::GuardedWrite { token, .. } => Some(*token),
        _ => None,
    }
}

/// Every definite write as a zone of its own.
fn alone(calls: &[Call<'_>]) -> Zones {
    let mut zones = Zones::new();
    for (place, call) in calls.iter().enumerate().filter(|(_, call)| call.end.is_some()) {
        if let Some(token) = shown_token(call) {
            let zone = Zone::EMPTY.with(calls, place);
            zones.entry(Some(token)).or_default().push((zone, vec![place]));
        }
    }
    zones
}

/// Writes and reads by value; none for what is absent.
fn groups<'a>(calls: &[Call<'a>]) -> Vec<(Option<&'a Value>, Group)> {
    let mut places: Map<Option<&Value>, usize> = Map::default();
    let mut groups: Vec<(Option<&Value>, Group)> = Vec::new();
    let mut group = |groups: &mut Vec<(Option<&'a Value>, Group)>, value: Option<&'a Value>| {
        *places.entry(value).or_insert_with(|| {
            groups.push((value, Group::default()));
            groups.len() - 1
        })
    };
    for (place, call) in calls.iter().enumerate() {
        match (call.op, call.outcome) {
            (Op::GuardedWrite { value, .. }, _) => {
                let at = group(&mut groups, Some(value));
                groups[at].1.writers.push(place);
            }
            (_, Some(Outcome::Read { value })) => {
                let at = group(&mut groups, value.as_ref());
                groups[at].1.reads.push(place);
            }
            _ => {}
        }
    }
    groups
}

/// The first read to complete of a value whose every write began only after it had ended.
fn unwritten(calls: &[Call<'_>], groups: &[(Option<&Value>, Group)]) -> Option<usize> {
    let never = |(value, group): &(Option<&Value>, Group)| {
        let first = group.writers.iter().map(|writer| calls[*writer].start).min();
        let read = group.reads.iter().copied().min_by_key(|read| calls[*read].end)?;
        let begun = first.is_some_and(|first| calls[read].end.is_none_or(|end| first <= end));
        (value.is_some() && !begun).then_some(read)
    };
    groups.iter().filter_map(never).min_by_key(|read| (calls[*read].end, *read))
}

/// The zones of all that took effect for certain; none if a value has several possible writers.
fn zones(calls: &[Call<'_>], groups: &[(Option<&Value>, Group)]) -> Option<Zones> {
    let mut zones = alone_unread(calls, groups);
    for (value, group) in groups.iter().filter(|(_, group)| !group.reads.is_empty()) {
        let (token, zone) = match (value, group.writers.as_slice()) {
            (None, _) => (None, Zone::INITIAL),
            (_, [writer]) => (shown_token(&calls[*writer]), Zone::EMPTY),
            _ => return None,
        };
        let members: Vec<usize> = group.writers.iter().chain(&group.reads).copied().collect();
        let zone = members.iter().fold(zone, |zone, place| zone.with(calls, *place));
        zones.entry(token).or_default().push((zone, members));
    }
    Some(zones)
}

/// Every definite write that nobody read.
fn alone_unread(calls: &[Call<'_>], groups: &[(Option<&Value>, Group)]) -> Zones {
    let mut zones = Zones::new();
    for (_, group) in groups.iter().filter(|(_, group)| group.reads.is_empty()) {
        for writer in group.writers.iter().filter(|writer| calls[**writer].end.is_some()) {
            let zone = Zone::EMPTY.with(calls, *writer);
            zones.entry(shown_token(&calls[*writer])).or_default().push((zone, vec![*writer]));
        }
    }
    zones
}

/// Two zones of which the one with the higher token has to come first.
fn out_of_order(calls: &[Call<'_>], zones: &Zones) -> Option<Violation> {
    // Of the lower tokens, the zone that began something last.
    let mut lower: Option<&(Zone, Vec<usize>)> = None;
    for same in zones.values() {
        if let Some(old) = lower
            && let Some(newer) = same.iter().find(|newer| newer.0.precedes(&old.0))
        {
            let members = [old.1.as_slice(), newer.1.as_slice()].concat();
            let class = if accepted_late(calls, &old.1, &newer.1) {
                catalogue::STALE_TOKEN_ACCEPTED
            } else {
                catalogue::STALE_READ
            };
            return Some(Violation { class, calls: members });
        }
        lower = lower.into_iter().chain(same).max_by_key(|zone| zone.0.last.0);
    }
    None
}

/// Whether a write of `old` began after something of `newer` had ended: then the guard took it.
fn accepted_late(calls: &[Call<'_>], old: &[usize], newer: &[usize]) -> bool {
    let writes = |place: &&usize| shown_token(&calls[**place]).is_some();
    let first = newer.iter().map(|place| ended(&calls[*place])).min();
    old.iter().find(writes).is_some_and(|writer| {
        first.is_some_and(|first| first < crate::objects::zones::began(&calls[*writer]))
    })
}

/// Two zones of one token that would each have to come first.
fn crossed(zones: &Zones) -> Option<Violation> {
    zones.values().find_map(|same| {
        let alone: Vec<Zone> = same.iter().map(|(zone, _)| *zone).collect();
        let (first, second) = crossing(&alone)?;
        let calls = [same[first].1.as_slice(), same[second].1.as_slice()].concat();
        Some(Violation { class: catalogue::STALE_READ, calls })
    })
}
