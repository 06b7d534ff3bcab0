//! What simulated users saw of objects, and whether it can be. For every kind there is a question
//! that is right by inspection, mostly of two requests at a time; none of them flags what is legal.
//! Of a cluster without a bug more is asked: that every answer is the one which the committed log
//! gives, at a place between asking and answering.

use std::collections::{BTreeMap, BTreeSet};

use fracas_regent::messages::{Answer, Ask, Command, Content, Entry, Index, Query};
use fracas_regent::objects::transactions::Part;
use fracas_regent::objects::{Objects, mutexes, queues, sets, texts};

use super::history::{self, Op, Operation, contradiction};
use super::users::{End, KINDS, Kind, Use};

impl Use {
    fn before(&self, other: &Self) -> bool {
        self.end.as_ref().is_some_and(|(end, _)| *end < other.start)
    }

    /// What was answered.
    fn answer(&self) -> Option<&Answer> {
        match &self.end {
            Some((_, End::Told(Ok(answer), _))) => Some(answer),
            _ => None,
        }
    }

    /// Whether it may have changed something.
    fn may_have_happened(&self) -> bool {
        self.end.is_none() || self.answer().is_some()
    }

    /// Whether it may have taken effect before the other ended.
    fn begun_before_end_of(&self, other: &Self) -> bool {
        other.end.as_ref().is_none_or(|(end, _)| self.start < *end)
    }
}

/// The first thing that cannot be, for every kind of object.
pub(crate) fn breaches(uses: &[Use]) -> Vec<(Kind, String)> {
    let found = KINDS.iter().filter_map(|kind| {
        let uses: Vec<&Use> = uses.iter().filter(|usage| usage.kind == *kind).collect();
        let why = match kind {
            Kind::Set => set(&uses),
            Kind::Queue => queue(&uses),
            Kind::Counter => counter(&uses),
            Kind::Ids => ids(&uses),
            Kind::Mutex => mutex(&uses),
            Kind::Versioned => versioned(&uses),
            Kind::Text => text(&uses),
            Kind::List => lists(&uses),
            Kind::Register => registers(&uses),
        };
        why.map(|why| (*kind, why))
    });
    found.collect()
}

fn pair<'a>(uses: &[&'a Use], breaks: impl Fn(&Use, &Use) -> bool) -> Option<(&'a Use, &'a Use)> {
    let all = || uses.iter().copied();
    all().enumerate().find_map(|(i, first)| {
        let others = all().enumerate().filter(|(j, _)| i != *j).map(|(_, second)| second);
        others.into_iter().find(|other| breaks(first, other)).map(|other| (first, other))
    })
}

fn told(pair: Option<(&Use, &Use)>) -> Option<String> {
    pair.map(|(first, second)| format!("{first:?} and {second:?}"))
}

/// No id is given twice, and none is smaller than one that had been given before it was asked for.
fn ids(uses: &[&Use]) -> Option<String> {
    let given = |usage: &Use| match usage.answer() {
        Some(Answer::Value { value }) => *value,
        _ => None,
    };
    told(pair(uses, |a, b| {
        let (Some(first), Some(second)) = (given(a), given(b)) else { return false };
        first == second || first > second && a.before(b)
    }))
}

/// The element that is added or removed.
fn element(usage: &Use) -> Option<(bool, i64)> {
    match &usage.ask {
        Ask::Write(Command::Set { change: sets::Change::Add { value }, .. }) => {
            Some((true, *value))
        }
        Ask::Write(Command::Set { change: sets::Change::Remove { value }, .. }) => {
            Some((false, *value))
        }
        _ => None,
    }
}

/// An element is there from its add to its removal. Every element is added once, and removed only
/// when it certainly was added.
fn set(uses: &[&Use]) -> Option<String> {
    told(pair(uses, |read, change| {
        let Some(Answer::Values { values }) = read.answer() else { return false };
        let Some((adds, value)) = element(change) else { return false };
        let done = change.answer().is_some() && change.before(read);
        let removed = |usage: &&&Use| element(usage) == Some((false, value));
        let may_be_gone =
            || uses.iter().any(|usage| removed(&usage) && usage.begun_before_end_of(read));
        let there = values.contains(&value);
        if adds { done && !there && !may_be_gone() } else { done && there }
    }))
}

fn enqueued(usage: &Use) -> Option<i64> {
    match &usage.ask {
        Ask::Write(Command::Queue { change: queues::Change::Enqueue { value }, .. }) => {
            Some(*value)
        }
        _ => None,
    }
}

fn dequeued(usage: &Use) -> Option<i64> {
    match (&usage.ask, usage.answer()) {
        (
            Ask::Write(Command::Queue { change: queues::Change::Dequeue, .. }),
            Some(Answer::Value { value }),
        ) => *value,
        _ => None,
    }
}

/// No element is handed out twice, nor after one that was put in later.
fn queue(uses: &[&Use]) -> Option<String> {
    let enqueues: BTreeMap<i64, &Use> =
        uses.iter().filter_map(|usage| Some((enqueued(usage)?, *usage))).collect();
    let enqueue = |value: i64| enqueues.get(&value);
    let dequeues: Vec<&Use> = uses.iter().copied().filter(|u| dequeued(u).is_some()).collect();
    told(pair(&dequeues, |a, b| {
        let (Some(first), Some(second)) = (dequeued(a), dequeued(b)) else { return false };
        let overtaken = || {
            let (Some(early), Some(late)) = (enqueue(second), enqueue(first)) else { return false };
            early.answer().is_some() && early.before(late)
        };
        first == second || (a.before(b) && overtaken())
    }))
}

/// A read shows at least what was done before it, and at most what was asked by its end.
fn counter(uses: &[&Use]) -> Option<String> {
    let adds = || uses.iter().filter(|usage| matches!(usage.ask, Ask::Write(_)));
    let breaks = |read: &&&Use| {
        let Some(Answer::Value { value: Some(value) }) = read.answer() else { return false };
        let least = adds().filter(|add| add.answer().is_some() && add.before(read)).count();
        let most = adds().filter(|a| a.may_have_happened() && a.begun_before_end_of(read)).count();
        !(least..=most).contains(&usize::try_from(*value).unwrap_or(usize::MAX))
    };
    let reads = || uses.iter().filter(|usage| matches!(usage.ask, Ask::Read(_)));
    reads().find(breaks).map(|read| format!("{read:?}"))
}

/// The mutex, the holder, and whether it is taken.
fn holding(usage: &Use) -> Option<(&str, u64, bool)> {
    match &usage.ask {
        Ask::Write(Command::Mutex { key, change: mutexes::Change::Acquire { holder } }) => {
            Some((key, *holder, true))
        }
        Ask::Write(Command::Mutex { key, change: mutexes::Change::Release { holder } }) => {
            Some((key, *holder, false))
        }
        _ => None,
    }
}

/// Nobody is granted a mutex while another certainly holds it: from the answer to the grant until it
/// asks to give it back and may have succeeded.
fn mutex(uses: &[&Use]) -> Option<String> {
    let held = |usage: &Use| -> Option<(String, u64, u64)> {
        let (key, holder, true) = holding(usage)? else { return None };
        usage.answer()?;
        let gives_back = |other: &&&Use| {
            holding(other) == Some((key, holder, false)) && other.may_have_happened()
        };
        let release = uses.iter().find(gives_back);
        let until = release.map_or(u64::MAX, |release| release.start);
        Some((key.to_owned(), usage.end.as_ref()?.0, until))
    };
    let grants: Vec<(&Use, (String, u64, u64))> =
        uses.iter().filter_map(|usage| Some((*usage, held(usage)?))).collect();
    grants.iter().enumerate().find_map(|(i, (usage, (key, from, until)))| {
        let shares = |(_, (other_key, other_from, other_until)): &&(&Use, (String, u64, u64))| {
            key == other_key && from < other_until && other_from < until
        };
        let other = grants[i + 1..].iter().find(shares)?;
        Some(format!("{usage:?} and {:?}", other.0))
    })
}

/// The version and number that were read or made.
fn version(usage: &Use) -> Option<(u64, Option<i64>)> {
    use fracas_regent::objects::versioned::Change;
    match (&usage.ask, usage.answer()?) {
        (_, Answer::Versioned { version, value }) => Some((*version, *value)),
        (
            Ask::Write(Command::Versioned { change: Change::Update { value, .. }, .. }),
            Answer::Version { version },
        ) => Some((*version, Some(*value))),
        _ => None,
    }
}

/// A version has one number and one update, and versions do not go back.
fn versioned(uses: &[&Use]) -> Option<String> {
    told(pair(uses, |a, b| {
        let (Some((first, value)), Some((second, other_value))) = (version(a), version(b)) else {
            return false;
        };
        let updates = |usage: &Use| matches!(usage.ask, Ask::Write(_));
        let same = first == second;
        (same && (value != other_value || (updates(a) && updates(b))))
            || (a.before(b) && first > second)
    }))
}

/// A sequence that is only appended to: nothing is there twice, nothing that was appended before a
/// read is missing in it, and of two reads one begins with the other.
fn sequence(appends: &[(i64, &Use)], reads: &[(Vec<i64>, &Use)]) -> Option<String> {
    for (values, read) in reads {
        let distinct: BTreeSet<i64> = values.iter().copied().collect();
        if distinct.len() < values.len() {
            return Some(format!("twice in {read:?}"));
        }
        let missing = appends.iter().find(|(value, append)| {
            append.answer().is_some() && append.before(read) && !distinct.contains(value)
        });
        if let Some((value, _)) = missing {
            return Some(format!("{value} is missing in {read:?}"));
        }
    }
    let differ = |a: &[i64], b: &[i64]| !a.starts_with(b) && !b.starts_with(a);
    let goes_back = |first: &(Vec<i64>, &Use), second: &(Vec<i64>, &Use)| {
        differ(&first.0, &second.0) || (first.1.before(second.1) && first.0.len() > second.0.len())
    };
    let broken = reads.iter().flat_map(|first| reads.iter().map(move |second| (first, second)));
    broken
        .into_iter()
        .find(|(first, second)| goes_back(first, second))
        .map(|(first, second)| format!("{:?} and {:?}", first.1, second.1))
}

fn text(uses: &[&Use]) -> Option<String> {
    let number = |word: &str| word.parse::<i64>().expect("users append numbers");
    let appends = uses.iter().filter_map(|usage| match &usage.ask {
        Ask::Write(Command::Text { change: texts::Change::Append { value }, .. }) => {
            Some((number(value.trim()), *usage))
        }
        _ => None,
    });
    let reads = uses.iter().filter_map(|usage| match usage.answer() {
        Some(Answer::Text { value }) => Some((
            value.iter().flat_map(|all| all.split_whitespace()).map(number).collect(),
            *usage,
        )),
        _ => None,
    });
    sequence(&appends.collect::<Vec<_>>(), &reads.collect::<Vec<_>>())
}

/// The parts of a transaction, each with what it found if it was answered.
fn parts(usage: &Use) -> Vec<(&Part, Option<&Option<Content>>)> {
    let Ask::Write(Command::Transaction { change, .. }) = &usage.ask else { return Vec::new() };
    let results = match usage.answer() {
        Some(Answer::Results { results }) => Some(results),
        _ => None,
    };
    let found = |i: usize| results.and_then(|results| results.get(i));
    change.parts().iter().enumerate().map(|(i, part)| (part, found(i))).collect()
}

fn lists(uses: &[&Use]) -> Option<String> {
    let keys: BTreeSet<&str> =
        uses.iter().flat_map(|usage| parts(usage)).map(|(part, _)| part.key()).collect();
    keys.into_iter().find_map(|list| {
        let (mut appends, mut reads) = (Vec::new(), Vec::new());
        for usage in uses {
            for (part, found) in parts(usage).into_iter().filter(|(part, _)| part.key() == list) {
                match (part, found) {
                    (Part::Append { value, .. }, _) => appends.push((*value, *usage)),
                    (Part::Read { .. }, Some(Some(Content::List(values)))) => {
                        reads.push((values.clone(), *usage));
                    }
                    (Part::Read { .. }, Some(None)) => reads.push((Vec::new(), *usage)),
                    _ => {}
                }
            }
        }
        sequence(&appends, &reads)
    })
}

/// A transaction that reads a register and writes it is a compare-and-set from what it read; if it
/// never returned it is a write.
fn registers(uses: &[&Use]) -> Option<String> {
    let mut operations: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
    for usage in uses.iter().filter(|usage| usage.may_have_happened()) {
        let parts = parts(usage);
        let Some((first, found)) = parts.first() else { continue };
        let number = |content: &Content| match content {
            Content::Number(number) => *number,
            Content::List(_) => -1, // never written
        };
        let read = found.map(|content| content.as_ref().map(number));
        let done = history::Outcome::Done;
        let (op, outcome) = match (parts.get(1), read) {
            (Some((Part::Write { value, .. }, _)), Some(old)) => (Op::Cas(old, *value), done),
            (Some((Part::Write { value, .. }, _)), None) => (Op::Write(*value), done),
            (_, read) => (Op::Read, history::Outcome::Value(read.flatten())),
        };
        let end = usage.end.as_ref().map(|(end, _)| (*end, outcome));
        let key = first.key().to_owned();
        let operation = Operation { key, op, start: usage.start, end };
        operations.entry(first.key()).or_default().push(operation);
    }
    operations.into_values().find_map(|all| contradiction(&all))
}

/// The first answer that the log does not give at the place it names, or whose place is not between
/// question and answer as others saw it. With this, all answers together are linearizable.
pub(crate) fn not_as_logged(uses: &[Use], log: &[Entry]) -> Option<String> {
    let mut told: BTreeMap<Index, Vec<(&Use, &End)>> = BTreeMap::new();
    for usage in uses {
        if let Some((_, end @ End::Told(_, at))) = &usage.end {
            told.entry(*at).or_default().push((usage, end));
        }
    }
    let mut objects = Objects::new(None);
    for index in 0..=log.len() {
        let entry = index.checked_sub(1).map(|i| &log[i]);
        let outcome = entry.map(|e| objects.apply(&e.command, e.request.as_ref(), false));
        for (usage, end) in told.get(&(index as Index)).into_iter().flatten() {
            let End::Told(answered, _) = end else { continue };
            let right = match &usage.ask {
                Ask::Read(query) => *answered == Ok(objects.look(query)),
                Ask::Write(command) => {
                    entry.map(|e| &e.command) == Some(command) && outcome.as_ref() == Some(answered)
                }
            };
            if !right {
                return Some(format!("at {index}: {usage:?}, but there is {entry:?}: {outcome:?}"));
            }
        }
    }
    out_of_time(uses)
}

/// The first request whose place is not after that of one which had ended before it was asked.
fn out_of_time(uses: &[Use]) -> Option<String> {
    let mut moments: Vec<(u64, bool, Index, &Use)> = Vec::new();
    for usage in uses {
        if let Some((end, End::Told(_, at))) = &usage.end {
            moments.extend([(usage.start, true, *at, usage), (*end, false, *at, usage)]);
        }
    }
    moments.sort_by_key(|(moment, ..)| *moment);
    let mut ended = 0;
    for (_, starts, at, usage) in moments {
        let least = if matches!(usage.ask, Ask::Write(_)) { ended + 1 } else { ended };
        if starts && at < least {
            return Some(format!("{usage:?} is at {at}, but {ended} had been answered before"));
        }
        if !starts {
            ended = ended.max(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(kind: Kind, ask: Ask, (start, end): (u64, u64), answer: Answer) -> Use {
        Use::new(kind, ask, start, Some((end, End::Told(Ok(answer), start))))
    }

    fn add(value: i64, time: (u64, u64)) -> Use {
        let change = sets::Change::Add { value };
        let ask = Ask::Write(Command::Set { key: "s".into(), change });
        usage(Kind::Set, ask, time, Answer::Done {})
    }

    fn remove(value: i64, time: (u64, u64)) -> Use {
        let change = sets::Change::Remove { value };
        let ask = Ask::Write(Command::Set { key: "s".into(), change });
        usage(Kind::Set, ask, time, Answer::Done {})
    }

    fn all(values: &[i64], time: (u64, u64)) -> Use {
        let ask = Ask::Read(Query::Set { key: "s".into(), query: sets::Query::All });
        usage(Kind::Set, ask, time, Answer::Values { values: values.to_vec() })
    }

    #[track_caller]
    fn check(uses: &[Use], breaks: bool) {
        let found = breaches(uses);
        assert_eq!(!found.is_empty(), breaks, "{found:?}");
    }

    #[test]
    fn an_element_may_be_missing_while_it_is_added_or_removed_only() {
        check(&[add(1, (1, 2)), all(&[], (3, 4))], true);
        check(&[add(1, (1, 3)), all(&[], (2, 4))], false);
        check(&[add(1, (1, 2)), remove(1, (3, 6)), all(&[], (4, 5)), all(&[1], (4, 5))], false);
        check(&[add(1, (1, 2)), remove(1, (3, 4)), all(&[1], (5, 6))], true);
    }

    #[test]
    fn an_answer_has_its_place_in_the_log_between_question_and_answer() {
        let entry = |value| {
            let change = sets::Change::Add { value };
            Entry::own(1, Command::Set { key: "s".into(), change })
        };
        let log = [entry(7), entry(8)];
        assert_eq!(
            not_as_logged(&[add(7, (1, 5)), add(8, (2, 6)), all(&[7, 8], (2, 4))], &log),
            None
        );
        assert!(not_as_logged(&[add(8, (1, 2))], &log).is_some(), "there is another entry");
        assert!(not_as_logged(&[all(&[7], (2, 4))], &log).is_some(), "it misses an element");
        let early = [add(8, (2, 3)), all(&[7], (1, 9))];
        assert_eq!(not_as_logged(&early, &log), None);
        let late = End::Told(Ok(Answer::Values { values: vec![7] }), 1);
        let late = Use::new(Kind::Set, all(&[], (0, 0)).ask, 4, Some((5, late)));
        assert!(not_as_logged(&[add(8, (2, 3)), late], &log).is_some(), "it is out of date");
    }
}
