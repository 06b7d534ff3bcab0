//! Near-linear decision for stores of texts in which every text was written or appended once.
//!
//! An epoch, from a write to the last that was seen of it, is contiguous in every legal order, and
//! the order inside is forced: the write, who read it as it was, the first append, who read that,
//! and so on. What nobody saw came at the end of some epoch, after all who read that, so it is a
//! block of its own; an indeterminate one need not have happened. Between blocks only real time
//! speaks. Write A → B if something of A ended before something of B began. If A → B and B → A
//! there is no legal order, and otherwise there is one: in any cycle let A be a member with the
//! earliest end `f(A)`, and P the one before it. Whatever comes before another member B ends no
//! earlier than that, and before the latest begin `s(B)`: so A → B for every member B, and A → P →
//! A. The first epoch of all ended before time began. (Gibbons and Korach, “Testing shared
//! memories”, 1997, with texts that grow.)

use super::conflict::{Conflict, Doubt};
use super::parse::{Epoch, Parsed, parse, texts};
use crate::linearizability::call::Call;
use crate::op::Op;
use crate::text::Text;

/// Why `calls` have no legal order, if the sweep can tell.
pub(super) fn conflict(calls: &[Call<'_>]) -> Option<Conflict> {
    match decide(calls) {
        Err(Doubt::Conflict(conflict)) => Some(conflict),
        Err(Doubt::Ambiguous) | Ok(()) => None,
    }
}

/// Decides whether `calls` of one key have a legal order.
///
/// # Errors
///
/// Why they have none, or that it cannot be told.
pub(super) fn decide(calls: &[Call<'_>]) -> Result<(), Doubt> {
    swept(calls, &texts(calls).ok_or(Doubt::Ambiguous)?)
}

/// The same of calls that write, append or read these texts.
pub(super) fn swept(calls: &[Call<'_>], texts: &[Text]) -> Result<(), Doubt> {
    let parsed = parse(calls, texts)?;
    let mut blocks = Vec::new();
    for epoch in &parsed.epochs {
        blocks.push(Block::of(calls, epoch)?);
    }
    for place in unseen(calls, texts, &parsed) {
        let writes = matches!(calls[place].op, Op::Write { .. });
        let mut block = Block { writes, ..Block::default() };
        block.level(calls, &[place])?;
        blocks.push(block);
    }
    crossing(&blocks).map_or(Ok(()), |conflict| Err(Doubt::Conflict(conflict)))
}

/// What certainly happened and nobody saw.
fn unseen<'a>(
    calls: &'a [Call<'_>],
    texts: &'a [Text],
    parsed: &'a Parsed,
) -> impl Iterator<Item = usize> + 'a {
    (0..calls.len()).filter(|place| {
        let call = &calls[*place];
        let changes = !matches!(call.op, Op::Read { .. }) && !texts[*place].is_empty();
        changes && call.end.is_some() && !parsed.seen[*place]
    })
}

/// Calls that are contiguous in every legal order. Times are shifted by one, so that 0 is before
/// all time.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// The earliest end; none for the first epoch of all.
    f: (u64, Option<usize>),
    /// The latest begin.
    s: (u64, Option<usize>),
    /// Whether it begins with a write.
    writes: bool,
}

impl Default for Block {
    fn default() -> Self {
        Self { f: (u64::MAX, None), s: (0, None), writes: false }
    }
}

impl Block {
    /// Checks the order that is forced inside an epoch.
    fn of(calls: &[Call<'_>], epoch: &Epoch) -> Result<Self, Doubt> {
        let mut block = Self { writes: epoch.write.is_some(), ..Self::default() };
        if epoch.write.is_none() {
            block.f = (0, None);
        }
        block.level(calls, epoch.write.as_slice())?;
        let mut reads = epoch.reads.chunk_by(|first, second| first.1 == second.1).peekable();
        for appends in 0..=epoch.appends.len() {
            if let Some(reads) = reads.next_if(|reads| reads[0].1 == appends) {
                let readers: Vec<usize> = reads.iter().map(|(reader, _)| *reader).collect();
                block.level(calls, &readers)?;
            }
            if let Some(append) = epoch.appends.get(appends) {
                block.level(calls, &[*append])?;
            }
        }
        Ok(block)
    }

    /// Adds calls that come after all earlier ones of the block, in any order among them.
    fn level(&mut self, calls: &[Call<'_>], members: &[usize]) -> Result<(), Doubt> {
        for &done in members {
            let ended = calls[done].end.map_or(u64::MAX, |end| end.saturating_add(1));
            if let (true, Some(late)) = (ended < self.s.0, self.s.1) {
                return Err(Doubt::Conflict(Conflict::Inverted { late, done }));
            }
            if ended < self.f.0 {
                self.f = (ended, Some(done));
            }
        }
        for &member in members {
            let began = calls[member].start.saturating_add(1);
            if began > self.s.0 {
                self.s = (began, Some(member));
            }
        }
        Ok(())
    }
}

/// Two blocks of which each must come before the other. Two *forward* ones (`f < s`) do if they
/// overlap, and then some two neighbours do; a *backward* one does with a forward one around it.
fn crossing(blocks: &[Block]) -> Option<Conflict> {
    let (mut forward, backward): (Vec<&Block>, Vec<&Block>) =
        blocks.iter().partition(|block| block.f.0 < block.s.0);
    forward.sort_by_key(|block| block.f);
    if let Some(pair) = forward.windows(2).find(|pair| pair[1].f.0 < pair[0].s.0) {
        return crossed(pair[0], pair[1]);
    }
    let outer = |inner: &Block| {
        let before = forward.partition_point(|outer| outer.f.0 < inner.s.0);
        forward[..before].last().copied().filter(|outer| inner.f.0 < outer.s.0)
    };
    let first = backward.iter().find_map(|inner| outer(inner))?;
    let inside =
        backward.into_iter().filter(|inner| outer(inner).is_some_and(|outer| outer.f == first.f));
    crossed(first, newest(inside)?)
}

/// Of blocks that should all have been seen, the one that certainly should: what was put there by
/// the last of them to end, or what a write put there that may have replaced that.
///
/// The counterexample to any other is an append, then a write, then a read that shows neither: the
/// write is missing, and nobody expects the append.
fn newest<'b>(inside: impl Iterator<Item = &'b Block>) -> Option<&'b Block> {
    let mut inside: Vec<&Block> = inside.collect();
    inside.sort_by_key(|block| block.f);
    let last = inside.last().copied()?;
    let replaces = |block: &&&Block| block.writes && block.f.0 >= last.s.0;
    inside.iter().rev().find(replaces).copied().or(Some(last))
}

/// Names a crossing, seen from the block of which something began last; the first epoch of all
/// always counts as that one.
fn crossed(first: &Block, second: &Block) -> Option<Conflict> {
    let initial = |block: &Block| block.f.1.is_none();
    let one_late = initial(first) || (!initial(second) && first.s.0 >= second.s.0);
    let (late, done) = if one_late { (first, second) } else { (second, first) };
    Some(Conflict::Crossed { late: late.s.1?, done: done.f.1?, early: late.f.1, after: done.s.1? })
}
