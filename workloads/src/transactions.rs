//! What workloads of transactions have in common: parts on several keys, and looks that only read.

use fracas_checker::event::{Key, Op};
use fracas_checker::transaction::{Micro, ReadValue};

use crate::Draw;
use crate::look::{Look, Until};

/// The most objects that one transaction acts on.
pub(crate) const MOST: u16 = 4;

/// A part that reads.
pub(crate) fn read(key: Key) -> Micro {
    Micro::Read { key, seen: ReadValue::Unknown }
}

/// A transaction that only reads.
pub(crate) fn reads(keys: &[Key]) -> Op {
    Op::Txn { ops: keys.iter().cloned().map(read).collect() }
}

/// One to [`MOST`] numbers below `numbers`, each once.
pub(crate) fn some(draw: &mut Draw, numbers: u16) -> Vec<u16> {
    let count = 1 + draw.below(MOST.min(numbers));
    let mut all: Vec<u16> = (0..numbers).collect();
    let take = |_| all.swap_remove(usize::from(draw.below(u16::try_from(all.len()).unwrap_or(1))));
    (0..count).map(take).collect()
}

/// Reads `keys`, a few at a time.
pub(crate) fn looks(keys: &[Key]) -> Vec<Look> {
    let look = |keys: &[Key]| Look { ops: vec![reads(keys)], until: Until::Answered };
    keys.chunks(usize::from(MOST)).map(look).collect()
}
