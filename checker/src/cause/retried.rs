//! Why a swap finds what it wrote itself.

use super::context::Context;
use super::sums::changes;
use crate::words;

/// A swap was executed again by a new leader.
///
/// Must hold: it was answered the value that it wrote itself, and the lead went to another node, by
/// proof, at a time at which it may have been open. Refuted by: a lead that changed before it was
/// asked, or after it was answered.
pub(super) fn executed_again(context: &Context<'_>) -> Option<String> {
    let swap = context.suspects()?.late?;
    let found = swap.saw().flatten();
    let (end, ..) = swap.ok().filter(|_| found.is_some() && swap.writes() == found)?;
    let (old, new) = changes(&context.evidence)
        .into_iter()
        .find(|(old, new)| new.time >= swap.invoked.1 && old.time <= end)?;
    Some(format!(
        "The lead went from {} to {}, generation {}, between {} and {}, and this swap was open for a \
         part of that time. What is handed on to a new leader, or asked of it again, and is not told \
         from its repetition, is executed twice: the second time it finds what it wrote itself.",
        old.node,
        new.node,
        new.proves_leading()?,
        words::at(old.since),
        words::at(new.time)
    ))
}
