//! Refused compare-and-sets that do not tell what they found: “not `old` at that moment”.
//!
//! Such an answer needs an instant of its interval [a, b] at which the register held anything but
//! `old`. Given a legal order of everything else, choose an instant for every write, in that
//! order. Then each refusal stands alone: it fails only if the write of `old` came before a and
//! the next write after b. Refusals change nothing, so one that ended before another began is
//! placed before it by the instants alone.
//!
//! *Legal.* [`Schedule`] takes a legal order of the blocks and gives each write in turn the latest
//! instant that its own interval, what comes after it and the refusals before it allow. For one
//! order that is the best choice: the later a write, the fewer refusals of its value begin after
//! it, and the longer its successor may wait. Where the next block comes too late, one that may
//! stand anywhere by then is pulled forward to replace the refused value, or a write of unknown
//! outcome is taken to have happened. Every instant is checked as it is given, so they are the
//! proof, whatever order was tried.
//!
//! *Refuted.* By [`forced`]: with an operation of the group of `old` that ended before a,
//! either another of that group began after b, or the compare-and-set that replaced `old` did, or
//! every write that began by b belongs to a block that comes before. Then the register held `old`
//! from before a until after b in every legal order.
//!
//! Everything between is ambiguous. Counterexample to deciding it by the order alone: write 1 and
//! write 2 are done one after the other from 0 to 10, a refusal of 1 ends before a refusal of 2
//! begins, both within 2 to 9. Either has its place in the order, but not both.

use std::collections::BTreeSet;

use super::conflict::{Answer, Block, Conflict, Refused};
use super::groups::{Groups, NONE, Place};
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;

/// How many blocks are looked at to find one that can be pulled forward.
const LOOKED_AT: usize = 64;

/// The blocks of a history: those whose writes must stay before all that follows, and the others.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub(super) forward: &'a [Block],
    pub(super) backward: &'a [Block],
}

/// Decides whether the refusals have a place in some legal order of the blocks, of which there is
/// one. The forward blocks are sorted.
pub(super) fn decide(calls: &[Call<'_>], groups: &Groups<'_>, blocks: Blocks<'_>) -> Answer {
    let refusals = Refusals::new(calls, groups);
    if refusals.list.is_empty() {
        return Answer::Legal;
    }
    if !refusals.ambiguous && Schedule::new(calls, groups, blocks, &refusals).is_possible() {
        return Answer::Legal;
    }
    match forced(calls, groups, blocks, &refusals) {
        Some(refused) => Answer::Refuted(Conflict::Refused(refused)),
        None => Answer::Ambiguous,
    }
}

/// When a call ended, one later than the clock says.
fn ended(calls: &[Call<'_>], place: Place) -> u64 {
    let call = calls.get(place as usize);
    call.and_then(|call| call.end).map_or(u64::MAX, |end| end.saturating_add(1))
}

/// When a call began, one later than the clock says; 0 for none.
fn began(calls: &[Call<'_>], place: Place) -> u64 {
    calls.get(place as usize).map_or(0, |call| call.start.saturating_add(1))
}

/// One refusal: the group of the value it did not see, and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Refusal {
    group: Place,
    from: u64,
    to: u64,
    call: Place,
}

/// The refusals of values that may have been there by then, by group.
struct Refusals {
    list: Vec<Refusal>,
    /// Whether one is about a value with several writers.
    ambiguous: bool,
}

impl Refusals {
    fn new(calls: &[Call<'_>], groups: &Groups<'_>) -> Self {
        let refusal = |(call, group): &(Place, Place)| {
            let (from, to) = (began(calls, *call), ended(calls, *call));
            let writer = groups.list[*group as usize].writer;
            let matters = writer != NONE && began(calls, writer) <= to;
            matters.then_some(Refusal { group: *group, from, to, call: *call })
        };
        let mut list: Vec<Refusal> = groups.refusals.iter().filter_map(refusal).collect();
        list.sort_unstable();
        let ambiguous = list.iter().any(|refusal| groups.list[refusal.group as usize].many);
        Self { list, ambiguous }
    }

    /// By when the value of `group` must be replaced if it was written at `time`.
    fn deadline(&self, group: Place, time: u64) -> u64 {
        let from =
            self.list.partition_point(|refusal| (refusal.group, refusal.from) <= (group, time));
        let of_group = self.list[from..].iter().take_while(|refusal| refusal.group == group);
        of_group.map(|refusal| refusal.to).min().unwrap_or(u64::MAX)
    }
}

/// Instants for the writes, in one legal order.
struct Schedule<'a> {
    calls: &'a [Call<'a>],
    groups: &'a Groups<'a>,
    refusals: &'a Refusals,
    /// All blocks in a legal order, each as late as it may be; then the writes of unknown outcome
    /// on which nothing rests.
    order: Vec<Block>,
    /// How many of them took effect for certain.
    certain: usize,
    placed: Vec<bool>,
    /// Per group: before it, or anything after it in the order, ended.
    high: Vec<u64>,
    /// Compare-and-sets of unknown outcome, by the group they may end.
    loose: Map<Place, Place>,
    /// After everything so far had begun.
    low: u64,
    /// The instant of the last write, and by when the next one has to come.
    now: u64,
    deadline: u64,
    /// Before something that was not pulled forward ended.
    cap: u64,
}

impl<'a> Schedule<'a> {
    fn new(
        calls: &'a [Call<'a>],
        groups: &'a Groups<'a>,
        blocks: Blocks<'_>,
        refusals: &'a Refusals,
    ) -> Self {
        let mut order = latest(blocks.forward, blocks.backward);
        let high = highs(calls, groups, &order);
        let (certain, mut loose) = (order.len(), Map::default());
        for (place, group) in (0..).zip(&groups.list) {
            if group.certain || group.many || group.writer == NONE {
                continue;
            }
            let after = groups.after(place);
            if after != NONE {
                loose.entry(after).or_insert(place);
                continue;
            }
            let (ended, began_by, s) = (NONE, group.writer, began(calls, group.writer));
            order.push(Block { f: u64::MAX, s, ended, began: began_by, head: place, tail: place });
        }
        let placed = vec![false; order.len()];
        let (low, now, deadline, cap) = (0, 0, u64::MAX, u64::MAX);
        Self {
            calls,
            groups,
            refusals,
            order,
            certain,
            placed,
            high,
            loose,
            low,
            now,
            deadline,
            cap,
        }
    }

    /// Whether every write gets an instant that suits all refusals.
    fn is_possible(&mut self) -> bool {
        let mut by_start: Vec<usize> = (0..self.order.len()).collect();
        by_start.sort_unstable_by_key(|place| self.order[*place].s);
        let mut fillers = Fillers { by_start, next: 0, ready: BTreeSet::new() };
        for place in 0..self.certain {
            let head = self.order[place].head;
            if self.placed[place] {
                continue;
            }
            self.cap = self.high[head as usize];
            let possible = self.filled(self.start_of(head), &mut fillers);
            self.cap = u64::MAX;
            if !possible || (!self.placed[place] && !self.block(place)) {
                return false;
            }
        }
        self.filled(u64::MAX, &mut fillers)
    }

    /// Pulls something forward as long as the last value has to be replaced before `next`. Every
    /// turn uses up a block.
    fn filled(&mut self, next: u64, fillers: &mut Fillers) -> bool {
        while self.deadline < self.low.max(next) {
            let found = fillers.take(self.deadline, &self.order, &self.placed);
            let suits = self.low <= self.deadline;
            if !found.is_some_and(|place| suits && self.block(place)) {
                return false;
            }
        }
        true
    }

    fn start_of(&self, group: Place) -> u64 {
        began(self.calls, self.groups.list[group as usize].writer)
    }

    /// Gives the writes of a block their instants.
    fn block(&mut self, place: usize) -> bool {
        self.placed[place] = true;
        let Block { head, tail, .. } = self.order[place];
        let mut group = head;
        while self.write(group) {
            if group == tail {
                self.end_loosely(group);
                return true;
            }
            group = self.groups.next(group);
        }
        false
    }

    /// Gives a write its instant: as late as it may be.
    fn write(&mut self, place: Place) -> bool {
        let group = &self.groups.list[place as usize];
        let low = self.low.max(self.now).max(began(self.calls, group.writer));
        let time = self.high[place as usize].min(self.deadline).min(self.cap);
        let time = if time == u64::MAX { low } else { time };
        self.low = low.max(began(self.calls, group.last));
        self.now = time;
        self.deadline = self.refusals.deadline(place, time);
        time >= low
    }

    /// Takes a compare-and-set of unknown outcome to have replaced the value of `tail`, if that
    /// helps.
    fn end_loosely(&mut self, tail: Place) {
        let Some(cas) = self.loose.get(&tail).copied() else { return };
        let low = self.low.max(self.start_of(cas));
        let time = low.max(self.now);
        // What it leaves must not be refused in its turn.
        let suits = time <= self.deadline && self.refusals.deadline(cas, time) == u64::MAX;
        if self.deadline != u64::MAX && suits {
            (self.low, self.now, self.deadline) = (low, time, u64::MAX);
        }
    }
}

/// What may be pulled forward.
struct Fillers {
    /// All blocks by when the last of them began, and how many of them are ready.
    by_start: Vec<usize>,
    next: usize,
    /// Those that have begun, the one that must come first at the front.
    ready: BTreeSet<(u64, usize)>,
}

impl Fillers {
    /// A block of which everything began by `time`.
    fn take(&mut self, time: u64, order: &[Block], placed: &[bool]) -> Option<usize> {
        while let Some(place) =
            self.by_start.get(self.next).filter(|place| order[**place].s <= time)
        {
            self.ready.insert((order[*place].f, *place));
            self.next += 1;
        }
        while let Some(first) = self.ready.first().filter(|(_, place)| placed[*place]).copied() {
            self.ready.remove(&first);
        }
        let fits = |(_, place): &&(u64, usize)| !placed[*place] && order[*place].s <= time;
        let found = self.ready.iter().take(LOOKED_AT).find(fits).copied();
        // Writes of unknown outcome stand at the end.
        let found = found.or_else(|| self.ready.last().filter(|last| fits(last)).copied())?;
        self.ready.remove(&found);
        Some(found.1)
    }
}

/// The blocks in a legal order, each as late as it may be: a forward one at its `f`, a backward one
/// at its `f` too, or before the forward one that this lies in.
///
/// It is legal: let f(A) < s(B). Two forward ones do not overlap. If A is backward and B forward,
/// A lies before f(B), or is put there because f(A) lies within B. If B is backward, it is put at
/// s(B) or later, because no forward one contains it, and A at f(A) or earlier.
fn latest(forward: &[Block], backward: &[Block]) -> Vec<Block> {
    let mut order: Vec<((u64, bool), Block)> = Vec::with_capacity(forward.len() + backward.len());
    order.extend(forward.iter().map(|block| ((block.f, true), *block)));
    for block in backward {
        let before = forward.partition_point(|outer| outer.f < block.f);
        let outer = before.checked_sub(1).map(|place| &forward[place]);
        let latest = outer.filter(|outer| block.f < outer.s).map_or(block.f, |outer| outer.f);
        order.push(((latest, false), *block));
    }
    order.sort_by_key(|(key, block)| (*key, block.head));
    order.into_iter().map(|(_, block)| block).collect()
}

/// Per group, the earliest end of anything in it or after it in `order`.
fn highs(calls: &[Call<'_>], groups: &Groups<'_>, order: &[Block]) -> Vec<u64> {
    let mut high = vec![u64::MAX; groups.list.len()];
    let mut least = u64::MAX;
    for block in order.iter().rev() {
        let mut place = block.tail;
        loop {
            let group = &groups.list[place as usize];
            least = least.min(ended(calls, group.writer)).min(ended(calls, group.first));
            high[place as usize] = least;
            if place == block.head {
                break;
            }
            place = groups.after(place);
        }
    }
    high
}

/// The first refusal to end that no legal order allows, as far as can be told; see the head of this
/// file.
fn forced(
    calls: &[Call<'_>],
    groups: &Groups<'_>,
    blocks: Blocks<'_>,
    refusals: &Refusals,
) -> Option<Refused> {
    let others = Others::new(calls, groups, blocks.forward.iter().chain(blocks.backward));
    let refused = |refusal: &Refusal| -> Option<Refused> {
        let group = &groups.list[refusal.group as usize];
        let members = [group.writer, group.first];
        let since = *members.iter().min_by_key(|member| ended(calls, **member))?;
        if !group.certain || group.many || ended(calls, since) >= refusal.from {
            return None;
        }
        let next = groups.next(refusal.group);
        let replaced = groups.list.get(next as usize).map_or(NONE, |next| next.writer);
        let until = *[group.last, replaced].iter().max_by_key(|other| began(calls, **other))?;
        let (refused, since) = (refusal.call as usize, since as usize);
        if began(calls, until) > refusal.to {
            return Some(Refused { refused, since, until: Some(until as usize) });
        }
        let held = next == NONE && !others.may_follow(refusal.group, refusal.to);
        held.then_some(Refused { refused, since, until: None })
    };
    refusals.list.iter().filter_map(refused).min_by_key(|refusal| calls[refusal.refused].end)
}

/// Every write that could come after a block.
struct Others {
    /// When the first operation of each block began, sorted, with the largest and the second
    /// largest `f` of all blocks up to there, and whose they are.
    by_start: Vec<(u64, [(u64, Place); 2])>,
    /// The block of every tail: when the last of its operations began.
    tails: Map<Place, u64>,
}

impl Others {
    fn new<'a>(
        calls: &[Call<'_>],
        groups: &Groups<'_>,
        blocks: impl Iterator<Item = &'a Block>,
    ) -> Self {
        let mut tails = Map::default();
        let mut starts: Vec<(u64, u64, Place)> = Vec::new();
        for block in blocks {
            tails.insert(block.tail, block.s);
            let writer = groups.list[block.head as usize].writer;
            starts.push((began(calls, writer), block.f, block.tail));
        }
        for (place, group) in (0..).zip(&groups.list) {
            if !group.certain && group.writer != NONE {
                starts.push((began(calls, group.writer), u64::MAX, place));
            }
        }
        starts.sort_unstable();
        let mut most = [(0, NONE); 2];
        let by_start = starts.into_iter().map(|(start, f, tail)| {
            if f >= most[0].0 {
                most = [(f, tail), most[0]];
            } else if f > most[1].0 {
                most[1] = (f, tail);
            }
            (start, most)
        });
        Self { by_start: by_start.collect(), tails }
    }

    /// Whether any write that began by `time` need not come before the block that ends with `tail`.
    fn may_follow(&self, tail: Place, time: Nanos) -> bool {
        let Some(s) = self.tails.get(&tail) else { return true };
        let begun = self.by_start.partition_point(|(start, _)| *start <= time);
        let Some((_, most)) = begun.checked_sub(1).map(|last| self.by_start[last]) else {
            return false;
        };
        most.iter().any(|(f, of)| *of != tail && *of != NONE && f >= s)
    }
}
