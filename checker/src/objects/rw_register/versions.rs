//! The versions of registers that transactions left, and what they say of the order of
//! transactions.
//!
//! Where every value that was found was left by one transaction only, each version has a writer and
//! readers. A transaction that found one version and left the next follows it directly, so versions
//! chain into *blocks* (Adya's version order, as Elle infers it), and no other writer of that
//! register comes in between. Inside a block the order is forced: a writer, its readers, the next
//! writer. Of two blocks of one register one comes first as a whole; the initial one comes before
//! all others. If something of the one ended before something of the other began it is the first;
//! else that is open, and [`super::order`] finds out.

use std::collections::BTreeMap;

use super::graph::{Graph, Node};
use crate::event::Nanos;
use crate::hashing::Map;
use crate::linearizability::call::Call;
use crate::op::{Key, Value};

/// What a transaction did with one register.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Own<'a> {
    /// What it found there: the inner none is “absent”.
    pub(super) found: Option<Option<&'a Value>>,
    /// What it left there.
    pub(super) wrote: Option<&'a Value>,
}

/// What each transaction did with each register, by register and in the order of the transactions.
pub(super) type Registers<'a> = BTreeMap<&'a Key, Vec<(Node, Own<'a>)>>;

/// The end of time.
const NEVER: Nanos = Nanos::MAX;

/// Versions of one register that directly follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// The transaction that left the first version.
    pub(super) head: Node,
    /// An instant after all that belongs to the block.
    pub(super) end: Node,
    /// When the first of its transactions ended, and when the last of them began.
    pub(super) ended: Nanos,
    pub(super) began: Nanos,
}

/// Two blocks of which nobody knows which comes first.
pub(super) type Open = (Block, Block);

/// What is known of the order of transactions.
pub(super) struct Versions {
    pub(super) graph: Graph,
    pub(super) open: Vec<Open>,
    /// Whether each transaction took effect for certain; the others are left out.
    pub(super) counts: Vec<bool>,
}

/// Why nothing was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// A value that was found may have been left by more than one transaction, or there are too
    /// many open pairs.
    Ambiguous,
    /// There is no legal order.
    Refuted,
}

/// The most pairs of blocks that may be open.
const PAIRS: usize = 1 << 20;

/// One version of a register. The initial one has no writer.
#[derive(Debug, Default, Clone)]
struct Version {
    writer: Option<Node>,
    /// Who found it and left it.
    readers: Vec<Node>,
    /// The version that whoever found this one put in its place.
    next: Option<usize>,
    /// Whether its writer is known to have found another one.
    follows: bool,
}

/// The number of the initial version.
const INITIAL: usize = 0;

impl Versions {
    /// What `registers` show of `calls`.
    ///
    /// # Errors
    ///
    /// That they have no legal order, or that this cannot tell.
    pub(super) fn of(calls: &[Call<'_>], registers: &Registers<'_>) -> Result<Self, Doubt> {
        let counts = counted(calls, registers)?;
        let window = |call: &Call<'_>| (call.start, call.end.unwrap_or(NEVER));
        let graph = Graph::new(calls.iter().map(window).collect());
        let mut versions = Self { graph, open: Vec::new(), counts };
        for steps in registers.values() {
            let list = list(steps, &versions.counts)?;
            let mut blocks = versions.blocks(calls, &list)?;
            blocks.sort_by_key(|block| (block.began, block.head));
            versions.compare(&blocks)?;
        }
        Ok(versions)
    }

    /// The blocks of a register but the initial one, with the order inside each.
    fn blocks(&mut self, calls: &[Call<'_>], list: &[Version]) -> Result<Vec<Block>, Doubt> {
        let (mut blocks, mut walked) = (Vec::new(), 0);
        let initial = self.graph.instant();
        for first in (0..list.len()).filter(|version| !list[*version].follows) {
            let end = if first == INITIAL { initial } else { self.graph.instant() };
            let head = list[first].writer.unwrap_or(initial);
            let mut block = Block { head, end, ended: NEVER, began: 0 };
            let mut version = Some(first);
            while let Some(number) = version {
                walked += 1;
                self.version(list, number, end);
                for member in list[number].writer.iter().chain(&list[number].readers) {
                    block.ended = block.ended.min(calls[*member].end.unwrap_or(NEVER));
                    block.began = block.began.max(calls[*member].start);
                }
                version = list[number].next;
            }
            if first != INITIAL {
                self.graph.state(initial, head);
                blocks.push(block);
            }
        }
        // What was not met replaced each other in a ring.
        if walked < list.len() { Err(Doubt::Refuted) } else { Ok(blocks) }
    }

    /// States the order between a version's writer, its readers and what comes next.
    fn version(&mut self, list: &[Version], number: usize, end: Node) {
        let Version { writer, readers, next, .. } = &list[number];
        let after = next.and_then(|next| list[next].writer).unwrap_or(end);
        for reader in readers {
            writer.iter().for_each(|writer| self.graph.state(*writer, *reader));
            self.graph.state(*reader, after);
        }
        writer.iter().for_each(|writer| self.graph.state(*writer, after));
    }

    /// States which of two blocks comes first where time tells, and keeps the pairs that are open.
    /// The blocks are sorted by the last begin.
    ///
    /// Whoever begins after something of the block has ended comes after it: an instant for every
    /// block, each after the one before it, stands between many and many.
    fn compare(&mut self, blocks: &[Block]) -> Result<(), Doubt> {
        let mut after: Vec<Node> = Vec::with_capacity(blocks.len());
        for block in blocks {
            let instant = self.graph.instant();
            after.last().iter().for_each(|before| self.graph.state(**before, instant));
            after.push(instant);
            self.graph.state(instant, block.head);
        }
        for (place, block) in blocks.iter().enumerate() {
            let later = blocks.partition_point(|other| other.began <= block.ended);
            // One that spans some time of its own comes before those only that begin after itself.
            let from = later.max(place + 1);
            after.get(from).iter().for_each(|instant| self.graph.state(block.end, **instant));
            for other in &blocks[place + 1..later.max(place + 1)] {
                if other.ended < block.began {
                    self.graph.state(other.end, block.head);
                } else {
                    self.open.push((*block, *other));
                }
            }
            for other in blocks.get(later..place).unwrap_or_default() {
                // It began last before this one did, but after something of this one had ended.
                if other.ended < block.began {
                    return Err(Doubt::Refuted);
                }
                self.graph.state(block.end, other.head);
            }
            if self.open.len() > PAIRS {
                return Err(Doubt::Ambiguous);
            }
        }
        Ok(())
    }
}

/// Who took effect for certain: whoever ended, and whose values they found.
fn counted(calls: &[Call<'_>], registers: &Registers<'_>) -> Result<Vec<bool>, Doubt> {
    let mut counts: Vec<bool> = calls.iter().map(|call| call.end.is_some()).collect();
    let mut rests: Map<Node, Vec<Node>> = Map::default();
    for steps in registers.values() {
        let writers = writers(steps);
        for (txn, own) in steps {
            let Some(Some(value)) = own.found else { continue };
            match writers.get(value).map(Vec::as_slice) {
                Some([writer]) => rests.entry(*txn).or_default().push(*writer),
                Some(_) => return Err(Doubt::Ambiguous),
                None => return Err(Doubt::Refuted),
            }
        }
    }
    let mut work: Vec<Node> = (0..counts.len()).filter(|txn| counts[*txn]).collect();
    while let Some(txn) = work.pop() {
        for writer in rests.get(&txn).into_iter().flatten() {
            if !std::mem::replace(&mut counts[*writer], true) {
                work.push(*writer);
            }
        }
    }
    Ok(counts)
}

/// Who leaves each value.
fn writers<'a>(steps: &[(Node, Own<'a>)]) -> Map<&'a Value, Vec<Node>> {
    let mut writers: Map<&Value, Vec<Node>> = Map::default();
    for (txn, own) in steps {
        own.wrote.iter().for_each(|value| writers.entry(value).or_default().push(*txn));
    }
    writers
}

/// The versions of a register that was used in `steps`, by those that count.
fn list(steps: &[(Node, Own<'_>)], counts: &[bool]) -> Result<Vec<Version>, Doubt> {
    let mut list = vec![Version::default()];
    let (mut left_by, mut of_value) = (Map::default(), Map::<&Value, usize>::default());
    let counted = || steps.iter().filter(|(txn, _)| counts[*txn]);
    for (txn, own) in counted() {
        if let Some(value) = own.wrote {
            left_by.insert(*txn, list.len());
            of_value.insert(value, list.len());
            list.push(Version { writer: Some(*txn), ..Version::default() });
        }
    }
    for (txn, own) in counted() {
        let Some(found) = own.found else { continue };
        let version = found.map_or(Some(INITIAL), |value| of_value.get(value).copied());
        let version = version.ok_or(Doubt::Refuted)?;
        match left_by.get(txn).copied() {
            None => list[version].readers.push(*txn),
            // Two that found the same version and replaced it.
            Some(_) if list[version].next.is_some() => return Err(Doubt::Refuted),
            Some(own) => {
                list[version].next = Some(own);
                list[own].follows = true;
            }
        }
    }
    Ok(list)
}
