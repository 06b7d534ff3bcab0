//! Near-linear decision for registers in which every value that matters was written once.
//!
//! Group each write with the operations that saw its value. A compare-and-set sees one value and
//! writes the next with nothing in between, so groups chain into *blocks*, and a block is
//! contiguous in every legal order. Inside a block the order is forced; between blocks only real
//! time speaks. After Gibbons and Korach, “Testing shared memories” (1997), extended by chains and
//! indeterminate operations. Nothing is put into words here.

use super::call::Call;
use super::hashing::Map;
use crate::event::Value;
use crate::models::{Effect, Model, Register};

/// What the sweep found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A legal order exists.
    Legal,
    /// Some value that matters has more than one possible writer: ask the general search.
    Ambiguous,
    /// No legal order exists.
    Refuted(Conflict),
}

/// Why no legal order exists. The numbers are places in the slice of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
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
pub(crate) struct Crossing {
    /// The operation that began last: what it saw was gone by then.
    pub(crate) late: usize,
    /// An operation on the other value that ended before `late` began.
    pub(crate) done: usize,
    /// An operation of the block of `late` that ended early; none for the initial state.
    pub(crate) early: Option<usize>,
    /// An operation of the block of `done` that began after `early` had ended.
    pub(crate) after: usize,
}

/// Decides whether `calls` of one register have a legal order.
pub(crate) fn decide(calls: &[Call<'_>]) -> Finding {
    let facts: Option<Vec<_>> =
        calls.iter().map(|call| Register::effect(call.op, call.outcome)).collect();
    match facts {
        Some(facts) => Sweep::new(calls, facts).run().err().unwrap_or(Finding::Legal),
        None => Finding::Ambiguous,
    }
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
            if let Some(Register(Some(value))) = fact.leaves {
                writers.entry(value).and_modify(|known| known.1 = true).or_insert((place, false));
            }
        }
        Self { calls, facts, writers }
    }

    fn run(&self) -> Result<(), Finding> {
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
            return Err(Finding::Refuted(Conflict::Ring { seen_by }));
        }
        match crossing(&blocks) {
            Some(crossing) => Err(Finding::Refuted(Conflict::Crossed(crossing))),
            None => Ok(()),
        }
    }

    /// The only possible writer of what `place` needs; none for the initial state.
    fn writer_for(&self, place: usize, value: Option<Value>) -> Result<Option<usize>, Finding> {
        match value.map(|value| self.writers.get(&value)) {
            None => Ok(None),
            Some(None) => Err(Finding::Refuted(Conflict::Unwritten { seen_by: place })),
            Some(Some((_, true))) => Err(Finding::Ambiguous),
            Some(Some((writer, false))) => Ok(Some(*writer)),
        }
    }

    /// Which calls took effect for certain: those that completed, and what they rest on. The
    /// others need not ever have happened, so a legal order does without them.
    ///
    /// That a value is ambiguous goes before that another was never written: then whatever is not
    /// ambiguous stays so in every earlier part of the history.
    fn relevant(&self) -> Result<Vec<bool>, Finding> {
        let mut unwritten = None;
        let mut relevant: Vec<bool> = self.calls.iter().map(|call| call.end.is_some()).collect();
        let mut work: Vec<usize> = (0..relevant.len()).filter(|place| relevant[*place]).collect();
        while let Some(place) = work.pop() {
            let Some(Register(value)) = self.facts[place].needs else { continue };
            match self.writer_for(place, value) {
                Ok(Some(writer)) if !relevant[writer] => {
                    relevant[writer] = true;
                    work.push(writer);
                }
                Err(Finding::Ambiguous) => return Err(Finding::Ambiguous),
                Err(refuted) => unwritten = Some(refuted),
                Ok(_) => {}
            }
        }
        unwritten.map_or(Ok(relevant), Err)
    }

    /// One group per write that took effect, after the group of the initial state.
    fn groups(&self, relevant: &[bool]) -> Result<Groups, Finding> {
        let mut list = vec![Group::default()];
        let mut of = vec![0; self.calls.len()];
        for (place, fact) in self.facts.iter().enumerate() {
            if relevant[place] && fact.leaves.is_some() {
                of[place] = list.len();
                list.push(Group { writer: Some(place), ..Group::default() });
            }
        }
        for (place, fact) in self.facts.iter().enumerate().filter(|(place, _)| relevant[*place]) {
            let Some(Register(value)) = fact.needs else { continue };
            let group = self.writer_for(place, value)?.map_or(0, |writer| of[writer]);
            let group = &mut list[group];
            if fact.leaves.is_none() {
                group.reads.push(place);
            } else if let Some(first) = group.next.replace(place) {
                return Err(Finding::Refuted(Conflict::Twice { first, second: place }));
            }
        }
        Ok(Groups { list, of })
    }

    /// Follows the chain that starts with `head` and checks the order that it forces.
    fn block(&self, head: usize, groups: &Groups, visited: &mut [bool]) -> Result<Block, Finding> {
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
    fn level(&self, members: &[usize], block: &mut Block) -> Result<(), Finding> {
        for &member in members {
            let done = self.ended(member);
            if let (true, Some(late)) = (done < block.s.0, block.s.1) {
                return Err(Finding::Refuted(Conflict::Inverted { late, done: member }));
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
