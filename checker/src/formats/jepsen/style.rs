//! How a whole file uses the words that leave something open.
//!
//! Decided once, by every record of the file and by what the caller knows; never by one value
//! alone. Wrong guesses here make wrong verdicts, so what is guessed is told in the notes.

use super::record::{Record, Source, Step};
use super::shapes::{is_tuple, looks_like_one, pair_of};
use super::verb::Verb;
use crate::formats::edn::{Form, Kind, Refused, Strings};
use crate::objects;
use crate::op::OpKind;

/// How a file uses the words that leave something open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Values are `[key value]`, as jepsen.independent writes them.
    pub(super) keyed: bool,
    /// How strings become values.
    pub(super) strings: Strings,
    /// Whether the file has `:add` at all, and whether it counts there, rather than putting an
    /// element into a set.
    pub(super) adds: bool,
    pub(super) counts: bool,
    /// `:read` reads a whole set.
    pub(super) reads_all: bool,
    /// Collections that are read within a transaction are lists, rather than a register's value.
    pub(super) lists: bool,
    /// What is read, where it has no name, is a counter; or what a lock guards.
    pub(super) reads_counter: bool,
    pub(super) reads_guarded: bool,
    /// Locks are taken by nobody in particular.
    pub(super) one_holder: bool,
    /// Values are maps of several registers.
    pub(super) maps: bool,
    /// Something is added, and nothing that was read tells to what; nor did the caller.
    pub(super) adds_unread: bool,
}

/// What was seen of a file.
#[derive(Debug, Default)]
struct Tally {
    /// Values that can be `[key value]`, that cannot, and tuples that say so themselves.
    pairs: usize,
    others: usize,
    tuples: usize,
    /// Answers to `:read`, when values are not `[key value]`, and when they are.
    plain: Answers,
    within: Answers,
    adds: usize,
    /// Functions that only counters, guarded resources, sets, registers and text stores have.
    increments: usize,
    guarded: usize,
    sets: usize,
    registers: usize,
    texts: usize,
    appended: usize,
    written: usize,
    lost_locks: usize,
    /// What was written to registers, maps and other values.
    maps_written: usize,
    others_written: usize,
    /// Where the first map was read.
    map_read: Option<usize>,
}

/// What `:read` answered.
#[derive(Debug, Default, Clone, Copy)]
struct Answers {
    collections: usize,
    numbers: usize,
    maps: usize,
    others: usize,
}

impl Answers {
    fn count(&mut self, answer: Form<'_, '_>) {
        match answer.kind() {
            Kind::List | Kind::Vector | Kind::Set => self.collections += 1,
            Kind::Int => self.numbers += 1,
            Kind::Map => self.maps += 1,
            Kind::Nil => {}
            _ => self.others += 1,
        }
    }

    /// Those that are no element of a set or counter.
    fn values(self) -> usize {
        self.maps + self.others
    }

    fn none(self) -> bool {
        self.collections + self.numbers + self.values() == 0
    }
}

impl Style {
    /// The style of a file, from all its records and from the kind that it is said to be about.
    pub(super) fn of(
        source: Source<'_>,
        records: &[Record<'_>],
        kind: Option<&objects::Kind>,
    ) -> Result<Self, Refused> {
        let mut seen = Tally::default();
        for record in records {
            seen.record(source, record)?;
        }
        match seen.map_read {
            Some(at) if seen.nothing_written() => Err(Refused::new(
                at,
                "a read that answers a map, where nothing was written that could be in it: accounts \
                 of a bank, perhaps; no model judges them, expected reads of what was written",
            )),
            _ => Ok(seen.style(kind)),
        }
    }

    /// Whether an operation is a transaction: by its name or by its value.
    pub(super) fn is_transaction(self, verb: Verb, form: Option<Form<'_, '_>>) -> bool {
        match verb {
            Verb::Txn => true,
            Verb::Read | Verb::Write => self.maps || form.is_some_and(looks_like_one),
            _ => false,
        }
    }

    /// The name of the object of `verb` where the file has only one of its kind and gives it no name.
    pub(super) fn object(self, verb: Verb) -> &'static str {
        match verb {
            Verb::Read if self.reads_all => "set",
            Verb::Read | Verb::ReadValue if self.reads_counter => "counter",
            Verb::Read | Verb::ReadValue if self.reads_guarded => "lock",
            Verb::Add if self.counts => "counter",
            Verb::Read
            | Verb::ReadValue
            | Verb::Write
            | Verb::Cas
            | Verb::Swap
            | Verb::Append
            | Verb::Txn => "register",
            Verb::Add | Verb::AddElement | Verb::Remove | Verb::Contains | Verb::ReadAll => "set",
            Verb::Enqueue | Verb::Dequeue | Verb::Drain => "queue",
            Verb::Acquire | Verb::Renew | Verb::Release | Verb::GuardedWrite => "lock",
            Verb::Increment | Verb::Decrement => "counter",
            Verb::Generate => "ids",
            Verb::ReadVersion | Verb::Update => "configuration",
        }
    }

    /// The same style for values that are pieces of text.
    pub(super) fn plain(self) -> Self {
        Self { strings: Strings::Plain, ..self }
    }

    /// What was assumed, for the reader of the notes.
    pub(super) fn notes(self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.keyed {
            notes.push("values `[key value]` are taken as a key and its value".to_owned());
        }
        match (self.adds && !self.adds_unread, self.counts) {
            (true, true) => {
                notes.push("`add` is taken as counting, not as adding to a set".to_owned());
            }
            (true, false) => {
                notes.push("`add` is taken as adding to a set, not as counting".to_owned());
            }
            (false, _) => {}
        }
        if self.maps {
            notes.push("maps are taken as several registers, written and read at once".to_owned());
        }
        if self.one_holder {
            notes.push(
                "the end of an acquire or release is unknown, after which a client has another \
                 number: who holds a lock is not judged, only that one does"
                    .to_owned(),
            );
        }
        notes
    }
}

impl Tally {
    fn record(&mut self, source: Source<'_>, record: &Record<'_>) -> Result<(), Refused> {
        let verb = Verb::named(record.f);
        if record.step == Step::Info && matches!(verb, Some(Verb::Acquire | Verb::Release)) {
            self.lost_locks += 1;
        }
        if record.step == Step::Invoke {
            self.verb(verb);
        }
        let Some(value) = record.value.as_ref().filter(|_| record.key.is_none()) else {
            self.others += usize::from(record.step == Step::Invoke && verb != Some(Verb::Txn));
            return self.keyed_answer(source, record, verb);
        };
        if matches!(record.step, Step::Fail | Step::Info) {
            return Ok(()); // their value may say anything
        }
        source.value(value, |form| {
            match verb {
                None | Some(Verb::Txn) => self.transaction(form),
                Some(Verb::Read | Verb::Write) if looks_like_one(form) => self.transaction(form),
                Some(verb) if record.step == Step::Invoke => self.pair(verb, form),
                Some(Verb::Read) => {
                    let map = form.kind() == Kind::Map;
                    self.map_read = self.map_read.or(map.then_some(form.at()));
                    self.plain.count(form);
                    if let Some((_, answer)) = pair_of(form) {
                        self.within.count(answer);
                    }
                }
                Some(_) => {}
            }
            Ok(())
        })
    }

    /// An answer whose key stands apart.
    fn keyed_answer(
        &mut self,
        source: Source<'_>,
        record: &Record<'_>,
        verb: Option<Verb>,
    ) -> Result<(), Refused> {
        match &record.value {
            Some(value) if record.step == Step::Ok && verb == Some(Verb::Read) => {
                source.value(value, |form| {
                    self.plain.count(form);
                    Ok(())
                })
            }
            _ => Ok(()),
        }
    }

    fn verb(&mut self, verb: Option<Verb>) {
        match verb {
            Some(Verb::Add) => self.adds += 1,
            Some(Verb::Remove | Verb::Contains | Verb::AddElement | Verb::ReadAll) => {
                self.sets += 1;
            }
            Some(Verb::Increment | Verb::Decrement) => self.increments += 1,
            Some(Verb::GuardedWrite) => self.guarded += 1,
            Some(Verb::Write | Verb::Cas | Verb::Swap) => self.registers += 1,
            Some(Verb::Append) => self.texts += 1,
            _ => {}
        }
    }

    /// Whether what was asked with can be `[key value]`.
    fn pair(&mut self, verb: Verb, form: Form<'_, '_>) {
        match (verb, form.kind()) {
            (Verb::Write, Kind::Map) => self.maps_written += 1,
            (Verb::Write | Verb::Cas | Verb::Swap, _) => self.others_written += 1,
            _ => {}
        }
        if is_tuple(form) {
            self.tuples += 1;
            return;
        }
        let pair = form.pair().filter(|_| form.kind() == Kind::Vector);
        // A compare-and-set of `[old new]` is no pair of a key and another pair.
        let fits = pair.is_some_and(|(_, value)| verb != Verb::Cas || value.pair().is_some());
        *if fits { &mut self.pairs } else { &mut self.others } += 1;
    }

    fn transaction(&mut self, form: Form<'_, '_>) {
        let value = form.pair().filter(|(key, _)| key.sequence().is_none()).map(|(_, value)| value);
        for micro in value.unwrap_or(form).parts() {
            match micro.parts().next().map(Form::text) {
                Some(":append" | "\"append\"") => self.appended += 1,
                Some(":w" | "\"w\"") => self.written += 1,
                _ => {}
            }
        }
    }

    fn nothing_written(&self) -> bool {
        let filled = self.registers + self.texts + self.adds + self.sets + self.increments;
        filled + self.guarded + self.written + self.appended == 0
    }

    /// Whether values are maps of several registers: all of them, unless the caller knows better.
    fn maps(&self, kind: Option<&objects::Kind>) -> bool {
        let asked = kind.is_none_or(|kind| kind.serves.contains(&OpKind::Txn));
        let others = self.others_written + self.plain.others + self.plain.numbers;
        asked && self.maps_written > 0 && others + self.plain.collections == 0
    }

    fn style(&self, kind: Option<&objects::Kind>) -> Style {
        let keyed = self.tuples > 0 || (self.pairs > 0 && self.others == 0);
        let answers = if keyed { self.within } else { self.plain };
        let serves = |op| kind.is_some_and(|kind| kind.serves.contains(&op));
        let only_numbers = answers.numbers > 0 && answers.collections == 0;
        let counts = match (serves(OpKind::Add), serves(OpKind::Increment)) {
            _ if self.adds == 0 => false,
            (true, false) => false,
            (false, true) => true,
            _ => self.sets == 0 && only_numbers,
        };
        let only_collections =
            answers.collections > 0 && answers.numbers + answers.values() + self.registers == 0;
        let holds_elements = self.sets > 0 || (self.adds > 0 && !counts);
        let no_register = self.registers + self.texts == 0;
        let reads_all = match (serves(OpKind::ReadAll), serves(OpKind::Read)) {
            (true, false) => true,
            (false, true) => false,
            _ => (holds_elements && self.registers == 0) || only_collections,
        };
        Style {
            keyed,
            adds: self.adds > 0,
            strings: if self.texts > 0 { Strings::Plain } else { Strings::Distinct },
            counts,
            reads_all,
            reads_counter: counts || (self.increments > 0 && no_register),
            reads_guarded: self.guarded > 0 && no_register,
            lists: self.appended > 0 || self.written == 0,
            one_holder: self.lost_locks > 0,
            maps: !keyed && self.maps(kind),
            adds_unread: self.adds > 0 && self.sets == 0 && kind.is_none() && answers.none(),
        }
    }
}
