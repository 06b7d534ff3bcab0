//! From records to a history.

use super::meaning::Meaning;
use super::pairs::partners;
use super::record::{Record, Source, Step, Who};
use super::style::Style;
use super::verb::Verb;
use crate::event::{Completion, Event, EventKind, Nanos, ProcessId, Stamp};
use crate::formats;
use crate::formats::edn::Refused;
use crate::history::History;
use crate::objects;
use crate::op::{Op, Outcome, Value};

/// How far apart records are put that have no time: a millisecond.
const APART: Nanos = 1_000_000;

/// What is known of a file besides its records.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About {
    /// What its operations act on, if the caller knows.
    pub(crate) kind: Option<&'static objects::Kind>,
    /// Whether its values are pieces of text.
    pub(crate) texts: bool,
}

/// The history that `records` tell, and what was left out or assumed.
///
/// # Errors
///
/// Names the place of what is malformed, or cannot be said in our vocabulary.
pub(crate) fn history(
    source: Source<'_>,
    records: &[Record<'_>],
    about: About,
) -> Result<(History, Vec<String>), Refused> {
    let style = Style::of(source, records, about.kind)?;
    let style = if about.texts { style.plain() } else { style };
    let partners = partners(records)?;
    let (times, mut notes) = times(records);
    notes.extend(style.notes());
    let unnamed = records.iter().any(|record| record.who == Who::Unnamed);
    if unnamed {
        notes
            .push("no `:process` is given: each operation is taken as another client's".to_owned());
    }
    let mut build = Build {
        records,
        meaning: Meaning::new(source, style),
        partners,
        times,
        first: vec![0; records.len()],
        events: Vec::with_capacity(records.len()),
        places: Vec::with_capacity(records.len()),
        fresh: fresh(records),
        drains: 0,
    };
    for place in 0..records.len() {
        build.record(place)?;
    }
    if build.drains > 0 {
        notes.push(format!("{} `drain` became dequeues, one per element", build.drains));
    }
    let places = build.places;
    let history = History::new(formats::header(), build.events)
        .map_err(|malformed| Refused::new(places[malformed.position], malformed.reason))?;
    Ok((history, notes))
}

/// The first number that no client of the file has.
fn fresh(records: &[Record<'_>]) -> u64 {
    let clients = records.iter().filter_map(|record| match record.who {
        Who::Client(process) => Some(process),
        Who::Unnamed => None,
    });
    clients.max().map_or(0, |last| last.saturating_add(1))
}

/// When each record was made.
///
/// Where a time is less than that of a record before it, it is raised to that one: the order of the
/// records is the order in which they were made, an invocation before anything is sent and a
/// completion after everything was received. Raised times touch, so that their operations are
/// concurrent: nothing is called an anomaly that the clock would have allowed.
fn times(records: &[Record<'_>]) -> (Vec<Nanos>, Vec<String>) {
    let timed: Option<Vec<i64>> = records.iter().map(|record| record.time).collect();
    let Some(timed) = timed else {
        let note = "not every record has a time: their order is taken for it, a millisecond apart";
        return (
            (0..).step_by(APART as usize).take(records.len()).collect(),
            vec![note.to_owned()],
        );
    };
    let (mut last, mut raised) = (0, 0_usize);
    let times = timed.into_iter().map(|time| {
        let time = Nanos::try_from(time).unwrap_or(0);
        raised += usize::from(time < last);
        last = last.max(time);
        last
    });
    let times: Vec<Nanos> = times.collect();
    let note = format!("{raised} times were less than one before them, and were raised to it");
    (times, if raised > 0 { vec![note] } else { Vec::new() })
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
    drains: usize,
}

impl<'r, 'a> Build<'r, 'a> {
    fn record(&mut self, place: usize) -> Result<(), Refused> {
        let record = &self.records[place];
        self.first[place] = self.events.len();
        let drain = Verb::named(record.f) == Some(Verb::Drain);
        match (record.step, drain) {
            (Step::Invoke, true) => self.invoke_drain(place),
            (Step::Ok, true) => self.complete_drain(place),
            (_, true) => Ok(()), // it took nothing, as its invocation made sure
            (Step::Invoke, false) => {
                let process = match record.who {
                    Who::Client(process) => process,
                    Who::Unnamed => self.next_process(),
                };
                let holder = if self.meaning.style.one_holder { 0 } else { process };
                let op = self.meaning.op(record, holder)?;
                self.invoke(place, process, op);
                Ok(())
            }
            _ => self.complete(place),
        }
    }

    fn next_process(&mut self) -> u64 {
        self.fresh = self.fresh.saturating_add(1);
        self.fresh - 1
    }

    fn push(&mut self, place: usize, kind: EventKind) {
        let index = self.events.len() as u64;
        self.events.push(Event { index, time: self.times[place], kind });
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
    /// drain, by a process of its own, so that no order among them is claimed.
    fn invoke_drain(&mut self, place: usize) -> Result<(), Refused> {
        let record = &self.records[place];
        let ended = self.partners[place].map(|end| (&self.records[end], end));
        let taken = match ended {
            Some((end, _)) if end.step == Step::Ok => self.meaning.drained(end)?,
            Some((end, _)) if end.step == Step::Fail => return Ok(()),
            _ => {
                let reason = "a `drain` whose end is unknown, which may have taken anything";
                return Err(Refused::new(record.at, reason));
            }
        };
        self.drains += 1;
        let (key, values) = taken;
        for _ in values {
            let process = self.next_process();
            self.invoke(place, process, Op::Dequeue { key: key.clone() });
        }
        Ok(())
    }

    fn complete_drain(&mut self, place: usize) -> Result<(), Refused> {
        let (_, values) = self.meaning.drained(&self.records[place])?;
        let begun = self.partners[place].map_or(0, |invoked| self.first[invoked]);
        for (offset, value) in values.into_iter().enumerate() {
            let EventKind::Invoke { process, .. } = self.events[begun + offset].kind else {
                unreachable!("a drain began with one invocation per element");
            };
            self.took(place, process, value);
        }
        Ok(())
    }

    fn took(&mut self, place: usize, process: ProcessId, value: Value) {
        let outcome = Outcome::Dequeue { value: Some(value) };
        let completion = Completion::Ok { outcome, stamp: Stamp::default() };
        self.push(place, EventKind::Complete { process, completion });
    }
}
