//! Near-linear decision for registers in which every value that matters was written once.
//!
//! Group each write with the operations that saw its value. A compare-and-set sees one value and
//! writes the next with nothing in between, so groups chain into *blocks*, and a block is
//! contiguous in every legal order. Inside a block the order is forced; between blocks only real
//! time speaks. After Gibbons and Korach, “Testing shared memories” (1997), extended by chains and
//! indeterminate operations. Nothing is put into words here.

use crate::catalogue;
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::linearizability::finding::{Finding, Violation};
use crate::models::{Effect, Model, Register};
use crate::op::Value;

/// Why no legal order exists. The numbers are places in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// The value that `seen_by` saw was written by none.
    Unwritten { seen_by: usize },
    /// `seen_by` saw a value that depends on itself: a ring of compare-and-sets.
    Ring { seen_by: usize },
    /// Two compare-and-sets succeeded from the same write.
    Twice { first: usize, second: usize },
    /// `late` began after `done` had ended, but what `done` saw or wrote comes after `late`.
    Inverted { late: usize, done: usize },
    /// Two blocks would each have to come before the other.
    Crossed(Crossing),
}

/// Two blocks, each with an operation that ended before one of the other began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crossing {
    /// The operation that began last: what it saw was gone by then.
    pub(super) late: usize,
    /// An operation on the other value that ended before `late` began.
    pub(super) done: usize,
    /// An operation of the block of `late` that ended early; none for the initial state.
    pub(super) early: Option<usize>,
    /// An operation of the block of `done` that began after `early` had ended.
    pub(super) after: usize,
}

/// Decides whether `calls` of one register have a legal order.
pub(super) fn decide(calls: &[Call<'_>]) -> Finding {
    if let Some(reader) = unwritten(calls) {
        return Finding::refuted(catalogue::READ_OF_UNWRITTEN, vec![reader]);
    }
    match sweep(calls) {
        Ok(()) => Finding::Legal,
        Err(Doubt::Ambiguous) => Finding::Ambiguous,
        Err(Doubt::Conflict(conflict)) => Finding::Refuted(conflict.violation()),
    }
}

/// Why `calls` have no legal order, if the sweep can tell.
pub(super) fn conflict(calls: &[Call<'_>]) -> Option<Conflict> {
    match sweep(calls) {
        Err(Doubt::Conflict(conflict)) => Some(conflict),
        Err(Doubt::Ambiguous) | Ok(()) => None,
    }
}

fn sweep(calls: &[Call<'_>]) -> Result<(), Doubt> {
    let facts: Option<Vec<_>> =
        calls.iter().map(|call| Register::effect(call.op, call.outcome)).collect();
    Sweep::new(calls, facts.ok_or(Doubt::Ambiguous)?).run()
}

/// Why the sweep did not come to its end.
enum Doubt {
    Ambiguous,
    Conflict(Conflict),
}

impl Conflict {
    fn violation(&self) -> Violation {
        let class = match self {
            Self::Unwritten { .. } => catalogue::READ_OF_UNWRITTEN,
            Self::Twice { .. } => catalogue::LOST_UPDATE,
            Self::Ring { .. } => catalogue::NON_LINEARIZABLE,
            Self::Inverted { .. } | Self::Crossed(_) => catalogue::STALE_READ,
        };
        Violation { class, calls: Vec::new() }
    }
}

/// The first call to complete that saw a value whose every write began only after it had ended.
pub(super) fn unwritten(calls: &[Call<'_>]) -> Option<usize> {
    let mut written: Map<Register, Nanos> = Map::default();
    for call in calls {
        if let Some(leaves) = Register::effect(call.op, call.outcome).and_then(|one| one.leaves) {
            let first = written.entry(leaves).or_insert(call.start);
            *first = (*first).min(call.start);
        }
    }
    let unwritten = |place: &usize| {
        let call = &calls[*place];
        let needs = Register::effect(call.op, call.outcome).and_then(|one| one.needs);
        needs.filter(|needs| *needs != Register::default()).is_some_and(|needs| {
            let first = written.get(&needs);
            call.end.is_some_and(|end| first.is_none_or(|first| end < *first))
        })
    };
    (0..calls.len()).filter(unwritten).min_by_key(|place| calls[*place].end)
}

/// A value with its writer and everything that saw it.
#[derive(Default)]
struct Group {
    /// Who wrote it; none for the initial state.
    writer: Option<usize>,
    reads: Vec<usize>,
    /// The compare-and-set that replaced it.
    next: Option<usize>,
}

/// All groups, and the one that each write began.
struct Groups {
    list: Vec<Group>,
    of: Vec<usize>,
}

/// A contiguous part of every legal order. Times are one later than the clock says, so that 0 is
/// before all time.
struct Block {
    /// The smallest completion: 0 for the initial state, which ended before time began.
    f: (u64, Option<usize>),
    /// The largest invocation: 0 where the initial state was never read.
    s: (u64, Option<usize>),
}

struct Sweep<'a> {
    calls: &'a [Call<'a>],
    facts: Vec<Effect<Register>>,
    /// Every possible writer of a value: one of them, and whether there are more.
    writers: Map<Value, (usize, bool)>,
}

impl<'a> Sweep<'a> {
    fn new(calls: &'a [Call<'a>], facts: Vec<Effect<Register>>) -> Self {
        let mut writers: Map<Value, (usize, bool)> = Map::default();
        for (place, fact) in facts.iter().enumerate() {
            if let Some(Register(Some(value))) = &fact.leaves {
                writers
                    .entry(value.clone())
                    .and_modify(|known| known.1 = true)
                    .or_insert((place, false));
            }
        }
        Self { calls, facts, writers }
    }

    fn run(&self) -> Result<(), Doubt> {
        let groups = self.groups(&self.relevant()?)?;
        let mut visited = vec![false; groups.list.len()];
        let mut blocks = Vec::new();
        for (head, group) in groups.list.iter().enumerate() {
            let chained = group.writer.is_some_and(|cas| self.facts[cas].needs.is_some());
            if !chained {
                blocks.push(self.block(head, &groups, &mut visited)?);
            }
        }
        let unreached = groups.list.iter().zip(&visited).find(|(_, visited)| !**visited);
        if let Some(seen_by) = unreached.and_then(|(group, _)| group.writer) {
            return Err(Doubt::Conflict(Conflict::Ring { seen_by }));
        }
        match crossing(&blocks) {
            Some(crossing) => Err(Doubt::Conflict(Conflict::Crossed(crossing))),
            None => Ok(()),
        }
    }

    /// The only possible writer of what `place` needs; none for the initial state.
    fn writer_for(&self, place: usize, value: Option<&Value>) -> Result<Option<usize>, Doubt> {
        match value.map(|value| self.writers.get(value)) {
            None => Ok(None),
            Some(None) => Err(Doubt::Conflict(Conflict::Unwritten { seen_by: place })),
            Some(Some((_, true))) => Err(Doubt::Ambiguous),
            Some(Some((writer, false))) => Ok(Some(*writer)),
        }
    }

    /// Which calls took effect for certain: those that completed, and what they rest on. The
    /// others need not ever have happened, so a legal order does without them.
    ///
    /// That a value is ambiguous goes before that another was never written: then whatever is not
    /// ambiguous stays so in every earlier part of the history.
    fn relevant(&self) -> Result<Vec<bool>, Doubt> {
        let mut unwritten = None;
        let mut relevant: Vec<bool> = self.calls.iter().map(|call| call.end.is_some()).collect();
        let mut work: Vec<usize> = (0..relevant.len()).filter(|place| relevant[*place]).collect();
        while let Some(place) = work.pop() {
            let Some(Register(value)) = &self.facts[place].needs else { continue };
            match self.writer_for(place, value.as_ref()) {
                Ok(Some(writer)) if !relevant[writer] => {
                    relevant[writer] = true;
                    work.push(writer);
                }
                Err(Doubt::Ambiguous) => return Err(Doubt::Ambiguous),
                Err(refuted) => unwritten = Some(refuted),
                Ok(_) => {}
            }
        }
        unwritten.map_or(Ok(relevant), Err)
    }

    /// One group per write that took effect, after the group of the initial state.
    fn groups(&self, relevant: &[bool]) -> Result<Groups, Doubt> {
        let mut list = vec![Group::default()];
        let mut of = vec![0; self.calls.len()];
        for (place, fact) in self.facts.iter().enumerate() {
            if relevant[place] && fact.leaves.is_some() {
                of[place] = list.len();
                list.push(Group { writer: Some(place), ..Group::default() });
            }
        }
        for (place, fact) in self.facts.iter().enumerate().filter(|(place, _)| relevant[*place]) {
            let Some(Register(value)) = &fact.needs else { continue };
            let group = self.writer_for(place, value.as_ref())?.map_or(0, |writer| of[writer]);
            let group = &mut list[group];
            if fact.leaves.is_none() {
                group.reads.push(place);
            } else if let Some(first) = group.next.replace(place) {
                return Err(Doubt::Conflict(Conflict::Twice { first, second: place }));
            }
        }
        Ok(Groups { list, of })
    }

    /// Follows the chain that starts with `head` and checks the order that it forces.
    fn block(&self, head: usize, groups: &Groups, visited: &mut [bool]) -> Result<Block, Doubt> {
        let initial = groups.list[head].writer.is_none();
        let f = if initial { (0, None) } else { (u64::MAX, None) };
        let mut block = Block { f, s: (0, None) };
        let mut place = Some(head);
        while let Some(group) = place {
            visited[group] = true;
            let group = &groups.list[group];
            self.level(group.writer.as_slice(), &mut block)?;
            self.level(&group.reads, &mut block)?;
            place = group.next.map(|cas| groups.of[cas]);
        }
        Ok(block)
    }

    /// Adds operations that come after all earlier ones of the block, in any order among them.
    fn level(&self, members: &[usize], block: &mut Block) -> Result<(), Doubt> {
        for &member in members {
            let done = self.ended(member);
            if let (true, Some(late)) = (done < block.s.0, block.s.1) {
                return Err(Doubt::Conflict(Conflict::Inverted { late, done: member }));
            }
            if done < block.f.0 {
                block.f = (done, Some(member));
            }
        }
        for &member in members {
            let began = self.calls[member].start.saturating_add(1);
            if began > block.s.0 {
                block.s = (began, Some(member));
            }
        }
        Ok(())
    }

    fn ended(&self, place: usize) -> u64 {
        self.calls[place].end.map_or(u64::MAX, |end| end.saturating_add(1))
    }
}

/// Two blocks of which each must come before the other: one has an operation that ended before
/// one of the other began, and the reverse.
///
/// Pairs suffice. Write A → B for `f(A) < s(B)`. In any cycle let A be a member with the smallest
/// `f`, and P the one before it. The one before any other member B has `f` at least `f(A)` and
/// below `s(B)`, so A → B for all of them, and so A → P → A.
///
/// Sorting finds a pair: two *forward* blocks (`f < s`) cross if they overlap, and then some two
/// neighbours do; a *backward* one (`s ≤ f`) crosses a forward one that contains it; two backward
/// ones never cross.
fn crossing(blocks: &[Block]) -> Option<Crossing> {
    let (mut forward, backward): (Vec<&Block>, Vec<&Block>) =
        blocks.iter().partition(|block| block.f.0 < block.s.0);
    forward.sort_by_key(|block| block.f);
    if let Some(pair) = forward.windows(2).find(|pair| pair[1].f.0 < pair[0].s.0) {
        return crossed(pair[0], pair[1]);
    }
    backward.into_iter().find_map(|inner| {
        let before = forward.partition_point(|outer| outer.f.0 < inner.s.0);
        let outer = forward.get(before.checked_sub(1)?)?;
        if inner.f.0 < outer.s.0 { crossed(outer, inner) } else { None }
    })
}

/// Names the operations of a crossing, seen from the block of which something began last. The
/// initial state always counts as that one: nothing can be told of what ended before all time.
fn crossed(one: &Block, other: &Block) -> Option<Crossing> {
    let initial = |block: &Block| block.f.1.is_none();
    let one_late = initial(one) || (!initial(other) && one.s.0 >= other.s.0);
    let (late, done) = if one_late { (one, other) } else { (other, one) };
    Some(Crossing { late: late.s.1?, done: done.f.1?, early: late.f.1, after: done.s.1? })
}
