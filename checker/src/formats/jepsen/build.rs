//! From records to a history.

use super::completions::with_invocations;
use super::drains::{Drain, Placement, placements};
use super::pairs::partners;
use super::record::{Record, Source, Step, Who, fresh};
use super::style::Style;
use super::times::Times;
use super::values::Meaning;
use super::verb::Verb;
use crate::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use crate::formats::doubts::{Doubts, Foreign};
use crate::formats::edn::Refused;
use crate::formats::header::header;
use crate::hashing::Map;
use crate::history::History;
use crate::objects;
use crate::op::{Key, Op, Outcome, Value};

/// What is known of a file besides its records.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About {
    /// What its operations act on, if the caller knows.
    pub(crate) kind: Option<&'static objects::Kind>,
    /// Whether its values are pieces of text.
    pub(crate) texts: bool,
}

/// The history that `records` tell, what was left out or assumed, and what is left open.
///
/// # Errors
///
/// Names the place of what is malformed, or cannot be said in our vocabulary.
pub(crate) fn history(
    source: Source<'_>,
    records: &[Record<'_>],
    about: About,
) -> Result<Foreign, Refused> {
    let whole = with_invocations(records);
    let only_completions = whole.is_some();
    let records = whole.as_deref().unwrap_or(records);
    let style = Style::of(source, records, about.kind)?;
    let style = if about.texts { style.plain() } else { style };
    let times = Times::of(source, records);
    let (history, drains) = Build::new(source, records, style)?.history(times.times.clone())?;
    let mut notes = times.notes;
    notes.extend(style.notes());
    if records.iter().any(|record| record.process == Who::Unnamed) {
        notes
            .push("no `:process` is given: each operation is taken as another client's".to_owned());
    }
    notes.extend(drains.note());
    if only_completions {
        notes.push(
            "only completions are recorded: each operation is taken to have begun when the one \
             before it of its process had ended, and the file to hold all operations there were"
                .to_owned(),
        );
    }
    let doubts = Doubts {
        initial: true,
        by_times: times.contradict.then(|| by_times(source, records, style)).flatten(),
        only_completions,
        timeless: times.made_up,
        adds: style.adds_unread,
        broadcast: records.iter().any(|record| record.f == "broadcast"),
        texts: about.texts,
        drains: drains.overlapped.len(),
        drains_overlap: drains.overlapped.iter().any(|drain| drain.holds_another(records)),
        drained: drains.placed(source, records, (style, &times.times)),
    };
    Ok(Foreign { history, notes, doubts })
}

/// The history in the order of its times, if it is one. What is of one time is concurrent where it
/// can be: invocations come first, unless a process would then do two things at a time.
fn by_times(source: Source<'_>, records: &[Record<'_>], style: Style) -> Option<Box<History>> {
    let mut loose: Vec<Record<'_>> = records.to_vec();
    loose.sort_by_key(|record| (record.time, record.step != Step::Invoke));
    let mut strict = records.to_vec();
    strict.sort_by_key(|record| record.time);
    let built = [loose, strict].into_iter().find_map(|records| {
        let times = Times::of(source, &records).times;
        Build::new(source, &records, style).ok()?.history(times).ok()
    });
    built.map(|(history, _)| Box::new(history))
}

/// How the drains of a file were read.
#[derive(Debug, Default)]
struct Drains {
    all: usize,
    /// Those that other operations overlapped with.
    overlapped: Vec<Drain>,
}

impl Drains {
    fn note(&self) -> Option<String> {
        let order = match self.overlapped.len() {
            0 => "in its order".to_owned(),
            some => format!(
                "in its order; but for {some} that overlapped with other operations, whose order is \
                 left open"
            ),
        };
        (self.all > 0)
            .then(|| format!("{} `drain` became dequeues, one per element, {order}", self.all))
    }

    /// The histories in which the elements of those that overlapped were taken one after the other,
    /// in every way that matters; none if there are too many.
    fn placed(
        &self,
        source: Source<'_>,
        records: &[Record<'_>],
        (style, times): (Style, &[Nanos]),
    ) -> Vec<History> {
        if self.overlapped.is_empty() {
            return Vec::new();
        }
        let built = |placement: &Placement| {
            let build = Build { placement: Some(placement), ..Build::new(source, records, style)? };
            Ok::<_, Refused>(build.history(times.to_vec())?.0)
        };
        let all = placements(records, &self.overlapped).unwrap_or_default();
        // Each was built once already, but for the places of its dequeues.
        all.iter().map(built).collect::<Result<_, _>>().unwrap_or_default()
    }
}

struct Build<'r, 'a> {
    records: &'r [Record<'a>],
    meaning: Meaning<'a>,
    partners: Vec<Option<usize>>,
    times: Vec<Nanos>,
    /// The first event of each record.
    first: Vec<usize>,
    events: Vec<Event>,
    /// Where in the file each event comes from.
    places: Vec<usize>,
    /// The next number that no client has.
    fresh: u64,
    drains: Drains,
    /// Where the elements of drains that others overlap with are taken; none leaves it open.
    placement: Option<&'r Placement>,
    /// What such a drain took, by its begin.
    taken: Map<usize, (Key, Vec<Value>)>,
}

impl<'r, 'a> Build<'r, 'a> {
    fn new(source: Source<'a>, records: &'r [Record<'a>], style: Style) -> Result<Self, Refused> {
        Ok(Self {
            records,
            meaning: Meaning::new(source, style),
            partners: partners(records)?,
            times: Vec::new(),
            first: vec![0; records.len()],
            events: Vec::with_capacity(records.len()),
            places: Vec::with_capacity(records.len()),
            fresh: fresh(records),
            drains: Drains::default(),
            placement: None,
            taken: Map::default(),
        })
    }

    fn history(mut self, times: Vec<Nanos>) -> Result<(History, Drains), Refused> {
        self.times = times;
        for place in 0..self.records.len() {
            self.record(place)?;
            self.take_placed(place);
        }
        let places = self.places;
        let history = History::new(header(), self.events)
            .map_err(|malformed| Refused::new(places[malformed.position], malformed.reason))?;
        Ok((history, self.drains))
    }

    fn record(&mut self, place: usize) -> Result<(), Refused> {
        let record = &self.records[place];
        self.first[place] = self.events.len();
        let drain = Verb::named(record.f) == Some(Verb::Drain);
        match (record.step, drain) {
            (Step::Invoke, true) => self.invoke_drain(place),
            (Step::Ok, true) => self.complete_drain(place),
            (_, true) => Ok(()), // it took nothing, as its invocation made sure
            (Step::Invoke, false) => {
                let process = match record.process {
                    Who::Client(process) => process,
                    Who::Unnamed => self.next_process(),
                };
                let holder = if self.meaning.style.one_holder { 0 } else { process };
                let op = self.meaning.op(self.shape(place), holder)?;
                self.invoke(place, process, op);
                Ok(())
            }
            _ => self.complete(place),
        }
    }

    /// The record that tells what the invocation at `place` asks. A read of several registers that
    /// names none is told by its answer.
    fn shape(&self, place: usize) -> &'r Record<'a> {
        let record = &self.records[place];
        let read = self.meaning.style.maps && Verb::named(record.f) == Some(Verb::Read);
        let ended = self.partners[place].map(|end| &self.records[end]);
        let answer = ended.filter(|end| read && record.value.is_none() && end.step == Step::Ok);
        answer.unwrap_or(record)
    }

    fn next_process(&mut self) -> u64 {
        self.fresh = self.fresh.saturating_add(1);
        self.fresh - 1
    }

    fn push(&mut self, place: usize, kind: EventKind) {
        self.push_at(self.times[place], place, kind);
    }

    fn push_at(&mut self, time: Nanos, place: usize, kind: EventKind) {
        let index = self.events.len() as u64;
        self.events.push(Event { index, time, kind });
        self.places.push(self.records[place].at);
    }

    fn invoke(&mut self, place: usize, process: u64, op: Op) {
        self.push(place, EventKind::Invoke { process: ProcessId(process), node: None, op });
    }

    /// The event in which the operation of the completion at `place` began.
    fn invocation(&self, place: usize) -> (ProcessId, &Op) {
        let begun = self.partners[place].map_or(0, |invoked| self.first[invoked]);
        match &self.events[begun].kind {
            EventKind::Invoke { process, op, .. } => (*process, op),
            _ => unreachable!("the first event of an invocation is one"),
        }
    }

    fn complete(&mut self, place: usize) -> Result<(), Refused> {
        let record = &self.records[place];
        let (process, op) = self.invocation(place);
        let op = op.clone();
        let error = || {
            record.error.as_ref().map_or_else(String::new, |error| self.meaning.source.error(error))
        };
        let stamp = Stamp::default();
        let completion = match record.step {
            Step::Ok => Completion::Ok { outcome: self.meaning.outcome(record, &op)?, stamp },
            Step::Fail => match record.error.as_ref().and_then(|it| self.refusal(&op, it)) {
                Some(outcome) => Completion::Ok { outcome, stamp },
                None => Completion::Fail { error: error() },
            },
            Step::Info | Step::Invoke => Completion::Info { error: error() },
        };
        if record.step != Step::Ok {
            self.meaning.keeps_key(record, &op)?;
        }
        self.push(place, EventKind::Complete { process, completion });
        Ok(())
    }

    /// What a compare-and-set told by failing; none if it told nothing.
    fn refusal(&self, op: &Op, error: &std::ops::Range<usize>) -> Option<Outcome> {
        self.meaning.refusal(error).filter(|_| matches!(op, Op::Cas { .. }))
    }

    /// A drain takes elements one by one until none is left. Each is a dequeue somewhere within the
    /// drain.
    ///
    /// Where nothing else was recorded within it, they are put one after the other: whatever else
    /// was open was so all the time, so that this loses no order that is possible. Else each is of a
    /// process of its own, and no order among them is claimed, unless a placement says it.
    fn invoke_drain(&mut self, place: usize) -> Result<(), Refused> {
        let record = &self.records[place];
        let ended = self.partners[place].map(|end| (&self.records[end], end));
        let ((key, values), end) = match ended {
            Some((record, end)) if record.step == Step::Ok => (self.meaning.drained(record)?, end),
            Some((end, _)) if end.step == Step::Fail => return Ok(()),
            _ => {
                let reason = "a `drain` whose end is unknown, which may have taken anything";
                return Err(Refused::new(record.at, reason));
            }
        };
        self.drains.all += 1;
        if end == place + 1 {
            self.take_in_order(place, (key, values));
            return Ok(());
        }
        let count = values.len();
        self.drains.overlapped.push(Drain { begun: place, ended: end, count });
        if self.placement.is_some() {
            self.taken.insert(place, (key, values));
            return Ok(());
        }
        for _ in values {
            let process = self.next_process();
            self.invoke(place, process, Op::Dequeue { key: key.clone() });
        }
        Ok(())
    }

    /// Times leave room for two events per element.
    fn take_in_order(&mut self, place: usize, (key, values): (Key, Vec<Value>)) {
        let process = ProcessId(self.next_process());
        let mut time = self.times[place];
        for value in values {
            let op = Op::Dequeue { key: key.clone() };
            self.push_at(time, place, EventKind::Invoke { process, node: None, op });
            self.push_at(time + 1, place, took(process, value));
            time += 2;
        }
    }

    /// Takes the elements that are placed right after the record at `place`.
    fn take_placed(&mut self, place: usize) {
        let here = self.placement.and_then(|placement| placement.get(&place));
        let mut time = self.times[place];
        for (drain, number) in here.into_iter().flatten() {
            let Some((key, values)) = self.taken.get(drain) else { continue };
            let (op, value) = (Op::Dequeue { key: key.clone() }, values[*number].clone());
            let process = ProcessId(self.next_process());
            self.push_at(time + 1, place, EventKind::Invoke { process, node: None, op });
            self.push_at(time + 2, place, took(process, value));
            time += 2;
        }
    }

    fn complete_drain(&mut self, place: usize) -> Result<(), Refused> {
        let begun = self.partners[place].filter(|begun| begun + 1 != place);
        let begun = begun.filter(|_| self.placement.is_none());
        let Some(begun) = begun.map(|invoked| self.first[invoked]) else { return Ok(()) };
        let (_, values) = self.meaning.drained(&self.records[place])?;
        for (offset, value) in values.into_iter().enumerate() {
            let EventKind::Invoke { process, .. } = self.events[begun + offset].kind else {
                unreachable!("a drain began with one invocation per element");
            };
            self.push(place, took(process, value));
        }
        Ok(())
    }
}

/// A dequeue that took `value`.
fn took(process: ProcessId, value: Value) -> EventKind {
    let outcome = Outcome::Dequeue { value: Some(value) };
    let completion = Completion::Ok { outcome, stamp: Stamp::default() };
    EventKind::Complete { process, completion }
}
