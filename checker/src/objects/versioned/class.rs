//! The classes and words for a refuted configuration.
//!
//! They only tell what the chain already proved; where no rule fits, no narrow class does.

use super::chain::{Conflict, Doubt, judge, made};
use crate::catalogue;
use crate::history::Operation;
use crate::linearizability::call::Call;
use crate::linearizability::refuted::{Explanation, Refuted};
use crate::op::{Op, Outcome};
use crate::words;

/// The class of a conflict.
pub(super) fn of(calls: &[Call<'_>], conflict: &Conflict) -> &'static str {
    let reads = |place: usize| matches!(calls[place].op, Op::ReadVersion { .. });
    match *conflict {
        Conflict::Twice { .. } => catalogue::LOST_UPDATE,
        Conflict::Forked { .. } => catalogue::VERSION_FORKED,
        Conflict::NotHigher { .. } | Conflict::Jumped { .. } => catalogue::VERSION_WENT_BACK,
        Conflict::Unmade { seen_by } if reads(seen_by) => catalogue::READ_OF_UNWRITTEN,
        Conflict::Inverted { late, done, makers: [first, second], .. } => {
            // A generation was read before an update that leads to it began.
            if !reads(late) && reads(done) && first == second {
                catalogue::READ_OF_UNWRITTEN
            } else if reads(late) {
                catalogue::STALE_READ
            } else if made(&calls[late]).is_some() {
                catalogue::VERSION_WENT_BACK
            } else {
                catalogue::NON_LINEARIZABLE
            }
        }
        Conflict::Unmade { .. } => catalogue::NON_LINEARIZABLE,
    }
}

/// Two operations that an anomaly is about.
type Pair<'a> = (&'a Operation, Option<&'a Operation>);

/// Names what was refuted.
pub(super) fn explanation<'a>(refuted: &Refuted<'a>) -> Option<Explanation<'a>> {
    let Err(Doubt::Conflict(conflict)) = judge(&refuted.small) else { return None };
    let class = of(&refuted.small, &conflict);
    if class == catalogue::NON_LINEARIZABLE {
        return None;
    }
    let at = |place: usize| refuted.operation(place);
    let (pair, (sentence, because)) = match conflict {
        Conflict::NotHigher { update } => ((at(update)?, None), not_higher(refuted, at(update)?)?),
        Conflict::Twice { first, second, .. } => {
            let pair = (at(second)?, Some(at(first)?));
            (pair, twice(refuted, pair)?)
        }
        Conflict::Forked { first, second } => {
            let pair = (at(second)?, Some(at(first)?));
            (pair, forked(refuted, pair)?)
        }
        Conflict::Jumped { update, between } => {
            let pair = (at(between)?, Some(at(update)?));
            (pair, jumped(refuted, pair)?)
        }
        Conflict::Unmade { seen_by } => ((at(seen_by)?, None), unmade(refuted, at(seen_by)?)?),
        Conflict::Inverted { late, done, .. } if class == catalogue::READ_OF_UNWRITTEN => {
            let pair = (at(done)?, Some(at(late)?));
            (pair, unmade(refuted, pair.0)?)
        }
        Conflict::Inverted { late, done, .. } => {
            let pair = (at(late)?, Some(at(done)?));
            (pair, overtaken(refuted, pair)?)
        }
    };
    let (late, done) = pair;
    Some(Explanation {
        class,
        headline: sentence,
        because,
        late: Some(late),
        done,
        also: Vec::new(),
        later: None,
    })
}

fn when(operation: &Operation) -> String {
    operation.ok().map_or_else(|| "an unknown time".to_owned(), |(time, ..)| words::at(time))
}

/// The generation that an operation was told, and what it knows the configuration to hold then.
fn seen(operation: &Operation) -> Option<(u64, String)> {
    match (&operation.op, operation.ok()?.1) {
        (_, Outcome::ReadVersion { generation, value: Some(value) })
        | (Op::Update { value, .. }, Outcome::Update { generation }) => {
            Some((*generation, value.to_string()))
        }
        (_, Outcome::ReadVersion { generation, value: None }) => {
            Some((*generation, "nothing".to_owned()))
        }
        _ => None,
    }
}

fn replaced(operation: &Operation) -> Option<u64> {
    match &operation.op {
        Op::Update { expected, .. } => Some(*expected),
        _ => None,
    }
}

/// The headline, and why that cannot be.
type Words = Option<(String, String)>;

fn not_higher(refuted: &Refuted<'_>, update: &Operation) -> Words {
    let (key, (generation, _)) = (refuted.name(), seen(update)?);
    let sentence = format!(
        "Version went back: process {} updated {key} from generation {}, and that made generation \
         {generation} at {}",
        update.process,
        replaced(update)?,
        when(update)
    );
    Some((sentence, "Every update makes a higher generation than the one it replaces.".to_owned()))
}

fn twice(refuted: &Refuted<'_>, (second, first): Pair<'_>) -> Words {
    let (key, first) = (refuted.name(), first?);
    let from = replaced(first)?;
    let sentence = format!(
        "Lost update: processes {} and {} both updated {key} from generation {from}, to generations \
         {} and {}",
        first.process,
        second.process,
        seen(first)?.0,
        seen(second)?.0
    );
    let because = format!(
        "The first update replaced generation {from} for good: the second one must not have found it."
    );
    Some((sentence, because))
}

fn forked(refuted: &Refuted<'_>, (second, first): Pair<'_>) -> Words {
    let (key, first) = (refuted.name(), first?);
    let ((generation, content), (_, own)) = (seen(second)?, seen(first)?);
    let how = if replaced(first).is_some() { "was acknowledged" } else { "saw" };
    let sentence = format!(
        "Version forked: process {} saw {key} = {content} in generation {generation} at {}, but \
         process {} {how} {own} in that generation at {}",
        second.process,
        when(second),
        first.process,
        when(first)
    );
    Some((sentence, "A generation stands for one content.".to_owned()))
}

fn jumped(refuted: &Refuted<'_>, (between, update): Pair<'_>) -> Words {
    let (key, update) = (refuted.name(), update?);
    let (from, to) = (replaced(update)?, seen(update)?.0);
    let inside = |generation: &u64| *generation > from && *generation <= to;
    let named = seen(between).map(|(generation, _)| generation).filter(inside);
    let named = named.or_else(|| replaced(between))?;
    let how = match &between.op {
        Op::ReadVersion { .. } => "saw",
        _ if seen(between).is_some_and(|(made, _)| made == named) => "made",
        _ => "replaced",
    };
    let sentence = format!(
        "Version went back: process {} updated {key} from generation {from} to {to} by {}, but \
         process {} {how} generation {named} by {}",
        update.process,
        when(update),
        between.process,
        when(between)
    );
    let because = format!(
        "Generations only rise, and nothing stands between {from} and {to}: {named} can have been \
         neither before that update nor after it."
    );
    Some((sentence, because))
}

fn unmade(refuted: &Refuted<'_>, reader: &Operation) -> Words {
    let (key, (generation, content)) = (refuted.name(), seen(reader)?);
    let why = format!("no update that had begun by then can have made generation {generation} so");
    let sentence = format!(
        "Read of an unwritten value: process {} saw {key} = {content} in generation {generation} at \
         {}, but {why}",
        reader.process,
        when(reader)
    );
    Some((sentence, format!("A configuration holds only what an update wrote: {why}.")))
}

fn overtaken(refuted: &Refuted<'_>, (late, done): Pair<'_>) -> Words {
    let (key, done) = (refuted.name(), done?);
    let ((old, content), (late_end, ..)) = (seen(late)?, late.ok()?);
    // An update that began with a generation shows it, too.
    let newer = seen(done).map(|(generation, _)| generation).or_else(|| replaced(done))?;
    let how = if replaced(done).is_some() { "acknowledged" } else { "read" };
    let gap = words::lasting(late_end.saturating_sub(done.ok()?.0));
    let process = late.process;
    let sentence = if replaced(late).is_none() {
        format!(
            "Stale read: process {process} read {key} = {content} of generation {old} at {}, {gap} \
             after generation {newer} had been {how}",
            words::at(late_end)
        )
    } else {
        format!(
            "Version went back: process {process} made generation {old} of {key} at {}, {gap} after \
             generation {newer} had been {how}",
            words::at(late_end)
        )
    };
    let because = format!(
        "Generation {newer} had been {how} before that began, and generations only rise: {old} must \
         not have come after it."
    );
    Some((sentence, because))
}
