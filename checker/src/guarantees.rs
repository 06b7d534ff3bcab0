//! What a broken register breaks besides linearizability, and what it is not shown to break.
//!
//! The guarantees are those of Terry et al., “Session guarantees for weakly consistent replicated
//! data” (1994), and sequential consistency (Lamport 1979). All are judged on one key, in whatever
//! time the operations took: none of them knows real time.
//!
//! # What they mean
//!
//! A *session* is a process. (A worker whose operation ended `info` goes on under a new process; a
//! history does not tell which, so the two are two sessions: that can only hide a violation.) The
//! writes of a key have one *version order* `≺`, in which “absent” comes first and what a
//! compare-and-set wrote comes after what it replaced. A guarantee asks that, within every session,
//! where the earlier one comes strictly before the later one:
//!
//! | guarantee | earlier | later | so that |
//! |---|---|---|---|
//! | read-your-writes | wrote `v` | saw `u` | `v ≼ u` |
//! | monotonic-reads | saw `v` | saw `u` | `v ≼ u` |
//! | monotonic-writes | wrote `v` | wrote `u` | `v ≺ u` |
//! | writes-follow-reads | saw `v` | wrote `u` | `v ≺ u` |
//!
//! Why that is what Terry's definition says of one key: there a read is answered by a server that
//! holds a set of writes, and returns the last of them. If such sets exist, then so do these
//! inequalities, because “the set holds `v`” means `v ≼ u` for the value `u` returned. If the
//! inequalities hold, give every read the set of all writes up to the one it saw.
//!
//! So guarantees hold *together* iff some total order satisfies all their inequalities: iff these
//! have no cycle through two versions. A set of guarantees is told as broken if it is and no smaller
//! one is. The classic case: a process writes 1 and 2, another reads 2 and then 1. Either the reads
//! went back or the writes were swapped, and nobody can tell which: *monotonic-reads +
//! monotonic-writes* is broken, neither alone is.
//!
//! # Unknown outcomes
//!
//! A write that ended `info` may take effect after everything else, so it comes before nothing in
//! its session; but after what its session did before it. An unread one says nothing. A
//! compare-and-set that ended `info` told its session nothing.
//!
//! What is not judged: reads of a value that has no writer or several, refused compare-and-sets
//! that did not tell what they found, and what only several keys together show. So *not shown
//! broken* means no more than that; *broken* is proven.

mod guarantee;
mod order;
mod sequential;
mod sessions;

use crate::event::Nanos;
use crate::hashing::Map;
use crate::history::{History, Operation};
use crate::op::{Key, Value};
pub use guarantee::{Guarantee, LINEARIZABLE, SEQUENTIAL, SESSION, Standing};
use order::{Inequalities, Rules};
use sessions::Sessions;

/// What the operations on one register keep and break, the strongest guarantee first.
///
/// Linearizability is not looked at: see [`broken_register`].
#[must_use]
pub fn of_register<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Vec<Guarantee> {
    let operations: Vec<&Operation> = operations.into_iter().collect();
    let sessions = Sessions::of(&operations);
    let guarantee = |name: &str, standing| Guarantee { name: name.to_owned(), standing };
    let sequential = sequential::standing(&sessions);
    // An order of all operations is one of the versions as well, which keeps every guarantee.
    let broken = match sequential {
        Standing::Broken => broken_sets(&sessions),
        Standing::Holds | Standing::NotShownBroken => Vec::new(),
    };
    let mut told = vec![guarantee(SEQUENTIAL, sequential)];
    for (rules, name) in Rules::ALL.into_iter().zip(SESSION) {
        let is_broken = broken.contains(&rules);
        told.push(guarantee(
            name,
            if is_broken { Standing::Broken } else { Standing::NotShownBroken },
        ));
    }
    let together = broken.iter().filter(|rules| rules.count() > 1);
    told.extend(together.map(|rules| guarantee(&rules.name(), Standing::Broken)));
    told
}

/// The most operations on a register that are looked at, besides writes of what they saw.
const MOST: usize = 100_000;

/// What the register `key` of `history`, which is known since `at` not to be linearizable, keeps and
/// breaks.
///
/// If each of several keys is sequentially consistent, all keys together need not be. Of a long
/// history only the part before `at` is looked at: a guarantee that this part breaks is broken by
/// the whole history, and a guarantee that it does not break counts as not shown broken.
#[must_use]
pub fn broken_register(history: &History, key: Option<&Key>, at: Nanos) -> Vec<Guarantee> {
    let objects = history.objects();
    let of_key = objects.iter().find(|object| object.key.as_ref() == key);
    let places = of_key.map_or(&[][..], |object| object.places.as_slice());
    let all: Vec<&Operation> =
        places.iter().filter_map(|place| history.operations().get(*place as usize)).collect();
    let in_part = all.len() > MOST;
    let operations = if in_part { part(&all, at) } else { all };
    let mut told = vec![Guarantee { name: LINEARIZABLE.to_owned(), standing: Standing::Broken }];
    told.extend(of_register(operations));
    for guarantee in &mut told {
        if guarantee.standing == Standing::Holds && (in_part || objects.len() > 1) {
            guarantee.standing = Standing::NotShownBroken;
        }
    }
    told
}

/// The last operations that began by `at`, and before them every write of a value that they saw.
fn part<'a>(all: &[&'a Operation], at: Nanos) -> Vec<&'a Operation> {
    let end = all.partition_point(|operation| operation.invoked.1 <= at);
    let (before, last) = all[..end].split_at(end.saturating_sub(MOST));
    let seen: Map<&Value, ()> =
        last.iter().filter_map(|operation| Some((operation.saw()??, ()))).collect();
    let was_seen =
        |write: &&&Operation| write.writes().is_some_and(|value| seen.contains_key(value));
    before.iter().filter(was_seen).chain(last).copied().collect()
}

/// Every set of session guarantees that is broken and has no smaller one within it that is, the
/// smallest first.
fn broken_sets(sessions: &Sessions<'_>) -> Vec<Rules> {
    let every = Inequalities::of(sessions, Rules::EVERY);
    let mut broken: Vec<Rules> = Vec::new();
    // What all of them together allow, fewer allow as well.
    let circling = every.circling();
    if circling.is_empty() && !Rules::EVERY.is_absurd(sessions) {
        return broken;
    }
    // And what fewer contradict, they contradict among the same versions.
    let few = sessions.only(&circling);
    let is_broken =
        |rules: Rules| rules.is_absurd(sessions) || Inequalities::of(&few, rules).contradict();
    for rules in Rules::sets() {
        if !broken.iter().any(|smaller| smaller.within(rules)) && is_broken(rules) {
            broken.push(rules);
        }
    }
    broken
}

/// “Breaks: linearizable, sequential. Not shown broken: read-your-writes.” None if there is nothing
/// to tell.
#[must_use]
pub fn sentence(guarantees: &[Guarantee]) -> Option<String> {
    let told = [
        ("Breaks", Standing::Broken),
        ("Still holds", Standing::Holds),
        ("Not shown broken", Standing::NotShownBroken),
    ];
    let told = told.into_iter().filter_map(|(intro, standing)| {
        let names: Vec<&Guarantee> =
            guarantees.iter().filter(|guarantee| guarantee.standing == standing).collect();
        let names: Vec<&str> = names.iter().map(|guarantee| guarantee.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{intro}: {}.", names.join(", ")))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(" "))
}
