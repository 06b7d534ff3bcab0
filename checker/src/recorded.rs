//! Judging a history that was read from a file: by which model, and how far its verdict goes.
//!
//! The checks trust a history. What its file left open, and a verdict would rest on, is weighed
//! here: no verdict is green or red for a reason that is not in the file.

mod doubted;

use doubted::{doubted, nothing, repeated, unwritten};

use crate::budget::Budget;
use crate::catalogue;
use crate::fit::{self, Choice};
use crate::formats::Recorded;
use crate::history::Initial;
use crate::judge::{judge_by, judge_planned};
use crate::linearizability::Algorithm;
use crate::models::{Bag, Counter, Kv, Queue, Register, RwRegister, Set};
use crate::objects::{Kind, Object};
use crate::op::{OpKind, Value};
use crate::timeless::without_times;
use crate::verdict::{Status, Verdict};
use crate::words;

/// The kinds of objects that may hold something at first.
const FILLED: [&str; 4] = [Register::ID, Kv::ID, Counter::ID, RwRegister::ID];

/// The most objects that a sentence names.
const NAMED: usize = 5;

/// How a recorded history is to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// By this model alone; else by the plan of the history, or by the model that fits.
    pub kind: Option<&'static Kind>,
    /// How the model is decided.
    pub algorithm: Algorithm,
    /// What it may use.
    pub budget: Budget<'a>,
}

/// A verdict, and the history whose events its numbers refer to.
#[derive(Debug)]
pub struct Judged {
    /// The history as it was judged, with notes on what was chosen and assumed.
    pub recorded: Recorded,
    /// What was found.
    pub verdict: Verdict,
}

impl Recorded {
    /// The same history, every register, text or counter of which holds `value` at first; `kind`
    /// is the model that was asked for.
    ///
    /// # Errors
    ///
    /// When nothing in the history can hold it.
    pub fn starting_at(mut self, value: &Value, kind: Option<&Kind>) -> Result<Self, String> {
        let initial = self.history.all_starting_at(value, counts(kind));
        if initial.is_empty() || kind.is_some_and(|kind| !FILLED.contains(&kind.id)) {
            let content = kind.map_or("what is in it", |kind| kind.names[0]);
            return Err(format!(
                "{content} starts empty, expected an initial value only for registers, texts and \
                 counters"
            ));
        }
        self.start(&initial, counts(kind))?;
        self.doubts.initial = false;
        self.notes.push(format!("{} at first, as was told", holding(&initial)));
        Ok(self)
    }

    fn start(&mut self, initial: &Initial, counts: bool) -> Result<(), String> {
        self.history = self.history.clone().starting_at(initial, counts)?;
        if let Some(by_times) = self.doubts.by_times.take() {
            self.doubts.by_times = by_times.starting_at(initial, counts).ok().map(Box::new);
        }
        Ok(())
    }
}

fn counts(kind: Option<&Kind>) -> bool {
    kind.is_some_and(|kind| kind.serves.contains(&OpKind::Increment))
}

impl Judge<'_> {
    /// The verdict on `recorded`.
    ///
    /// # Errors
    ///
    /// When no model fits, or when the model that was asked for does not: the text names models
    /// that would.
    pub fn verdict(&self, mut recorded: Recorded) -> Result<Judged, String> {
        if self.kind.is_none() && !recorded.history.header().plan.checks.is_empty() {
            let verdict = judge_planned(&recorded.history, self.algorithm, self.budget);
            return Ok(Judged { recorded, verdict });
        }
        let choice = match self.kind {
            Some(kind) => match fit::misfit(kind, &recorded.history, &recorded.doubts) {
                Some(reason) => return Err(reason),
                None => Choice::One(kind),
            },
            None => fit::choose(&recorded.history, &recorded.doubts),
        };
        let verdict = match choice {
            Choice::None(reason) => return Err(reason),
            Choice::Unclear(reason) => doubted(Verdict::default(), reason),
            Choice::Check(id) => self.by(&mut recorded, id),
            Choice::One(kind) => self.judged(&mut recorded, kind)?,
            Choice::Either(strong, weak) => self.either(&mut recorded, (strong, weak))?,
        };
        let torn = recorded.history.is_torn() && verdict.status == Status::Pass;
        let verdict = match torn {
            true => {
                doubted(verdict, "the last line of the history is torn: nobody knows what it said")
            }
            false => verdict,
        };
        let mut verdict = verdict;
        if recorded.doubts.timeless {
            without_times(&mut verdict, &recorded.history);
        }
        Ok(Judged { recorded, verdict })
    }

    /// By a check that is none of a model.
    fn by(&self, recorded: &mut Recorded, id: &str) -> Verdict {
        recorded.notes.push(format!("judged by `{id}`, because its operations fit"));
        judge_by(&recorded.history, &[id], self.algorithm, self.budget)
    }

    /// By one model, with all that the file leaves open.
    fn judged(&self, recorded: &mut Recorded, kind: &'static Kind) -> Result<Verdict, String> {
        if self.kind.is_none() {
            let name = kind.names[0];
            recorded.notes.push(format!(
                "judged as `{name}`, because its operations fit: `--model` names another"
            ));
        }
        let assumed = self.assumed(recorded, kind)?;
        let mut verdict = self.decided(recorded, kind);
        if verdict.status == Status::Pass && kind.id == Queue::ID {
            verdict = self.drained(recorded, kind).unwrap_or(verdict);
        }
        let doubt = match verdict.status {
            Status::Pass => assumed.or_else(|| green(recorded, kind)),
            Status::Anomaly => self.red(recorded, kind, &verdict),
            Status::Inconclusive => nothing(&recorded.history),
        };
        Ok(doubt.map_or_else(|| verdict.clone(), |reason| doubted(verdict.clone(), reason)))
    }

    /// By the stronger of two promises; where it is broken, by the weaker.
    fn either(
        &self,
        recorded: &mut Recorded,
        (strong, weak): (&'static Kind, &'static Kind),
    ) -> Result<Verdict, String> {
        let asked = Self { kind: Some(strong), ..*self };
        // The weaker promise has another legal order, perhaps with a drain's elements elsewhere.
        let loose = (recorded.doubts.drains > 0).then(|| recorded.history.clone());
        let verdict = asked.judged(recorded, strong)?;
        let (strong, other) = (strong.names[0], weak.names[0]);
        if verdict.status == Status::Pass {
            recorded.notes.push(format!(
                "judged as `{strong}`, which promises more than `{other}`: `--model` names one"
            ));
            return Ok(verdict);
        }
        if let Some(loose) = loose {
            recorded.history = loose;
        }
        let weaker = Self { kind: Some(weak), ..*self }.judged(recorded, weak)?;
        match (verdict.status, weaker.status) {
            (_, Status::Anomaly) => {
                recorded.notes.push(format!(
                    "judged as `{other}`, which promises less than `{strong}`, and is broken too"
                ));
                Ok(weaker)
            }
            (Status::Anomaly, found) => {
                let but = if found == Status::Pass { "legal" } else { "not decided" };
                let reason = format!(
                    "not legal for `{strong}`, {but} for `{other}`: which was promised is not in \
                     the history, expected `--model {strong}` or `--model {other}`"
                );
                Ok(doubted(verdict, reason))
            }
            _ => Ok(verdict),
        }
    }

    /// Puts before the history what its first reads give away, where nobody told what objects hold
    /// at first. What is an anomaly then is one whatever they held; a pass rests on it.
    fn assumed(&self, recorded: &mut Recorded, kind: &Kind) -> Result<Option<String>, String> {
        if !recorded.doubts.initial || !FILLED.contains(&kind.id) {
            return Ok(None);
        }
        let mut initial = recorded.history.observed_at_first(counts(Some(kind)));
        if kind.id == Kv::ID {
            initial.retain(|_, value| *value != Value::text("")); // it starts so
        }
        let Some(value) = initial.values().next() else { return Ok(None) };
        let same = initial.values().all(|other| other == value);
        let tell = match same {
            true => format!("expected `--initial {}`", shell(value)),
            false => "expected a plan with `initial`, or every object to start alike".to_owned(),
        };
        let held = holding(&initial);
        recorded.start(&initial, counts(Some(kind)))?;
        recorded.notes.push(format!("{held} at first: it was read, and nothing had written it"));
        Ok(Some(format!("legal only if {held} at first, which nobody told, {tell}")))
    }

    /// A queue keeps an order, and so do the elements of a drain: with these taken in one of the ways
    /// that are left open it must be legal. None if there are none, or too many to try.
    fn drained(&self, recorded: &mut Recorded, kind: &Kind) -> Option<Verdict> {
        let ways = std::mem::take(&mut recorded.doubts.drained);
        let (count, mut first, mut open) = (ways.len(), None, None);
        for history in ways {
            let verdict = judge_by(&history, &[kind.id], self.algorithm, self.budget);
            match verdict.status {
                Status::Pass => {
                    (recorded.history, recorded.doubts.drains) = (history, 0);
                    let note =
                        "legal with each element of an overlapped `drain` taken in its order";
                    recorded.notes.push(note.to_owned());
                    return Some(verdict);
                }
                Status::Anomaly => first = first.or(Some((history, verdict))),
                Status::Inconclusive => open = open.or(Some(verdict)),
            }
        }
        if open.is_some() {
            return open;
        }
        let (history, verdict) = first?;
        (recorded.history, recorded.doubts.drains) = (history, 0);
        recorded.notes.push(format!(
            "the elements of an overlapped `drain` were taken in its order, and there are {count} \
             ways where: none is legal, and the first is told"
        ));
        Some(verdict)
    }

    fn decided(&self, recorded: &Recorded, kind: &Kind) -> Verdict {
        judge_by(&recorded.history, &[kind.id], self.algorithm, self.budget)
    }

    /// What takes an anomaly back.
    fn red(&self, recorded: &Recorded, kind: &Kind, verdict: &Verdict) -> Option<String> {
        let broadcast = recorded.doubts.broadcast && self.kind.is_none() && kind.id == Set::ID;
        let phantom = || verdict.anomalies().any(|(_, it)| it.class == catalogue::PHANTOM_ELEMENT);
        if broadcast && !phantom() {
            let never = unwritten(&recorded.history)
                .map_or_else(String::new, |it| format!("; but {it} was read and never broadcast"));
            return Some(format!(
                "a broadcast promises that every element arrives some time, not that whoever reads \
                 next has it, expected `--model set` to hold that against it{never}"
            ));
        }
        if recorded.doubts.only_completions
            && let Some(value) = unwritten(&recorded.history)
        {
            return Some(format!(
                "only completions are recorded, and {value} was read, which no record writes: \
                 records are missing"
            ));
        }
        let by_times = recorded.doubts.by_times.as_ref()?;
        let other = judge_by(by_times, &[kind.id], self.algorithm, self.budget);
        (other.status != Status::Anomaly).then(|| {
            "not legal in the order of the list, but the times contradict that order, and in \
             theirs no anomaly was found"
                .to_owned()
        })
    }
}

/// What takes a pass back.
fn green(recorded: &Recorded, kind: &Kind) -> Option<String> {
    let doubts = &recorded.doubts;
    if doubts.only_completions {
        return Some(
            "only completions are recorded: when operations began is not told, so that only the \
             order within each process was held against them; that was kept"
                .to_owned(),
        );
    }
    if doubts.drains > 0 && kind.id == Queue::ID {
        let untried = untried(doubts.drains_overlap);
        return Some(format!(
            "{} drains overlapped with other operations: in which order they took their elements \
             is not told, and {untried}, expected `--model {}` where no order was promised",
            doubts.drains,
            Bag::NAMES[0]
        ));
    }
    if kind.id == Set::ID {
        return repeated(&recorded.history);
    }
    None
}

/// Why the order in which drains took their elements is not found by trying.
fn untried(overlap: bool) -> &'static str {
    match overlap {
        true => "two of them overlap each other, and such ways are not tried",
        false => "there are too many ways to try",
    }
}

/// Which objects hold what, the first few.
fn holding(initial: &Initial) -> String {
    let named = initial.iter().take(NAMED).map(|(key, value)| format!("`{key}` held {value}"));
    let more = initial.len().saturating_sub(NAMED);
    let all = named.chain((more > 0).then(|| format!("{more} others their own")));
    words::list(all)
}

/// A value as it would be given to a shell, if it needs no quotes of its own.
fn shell(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) if text.contains('\'') || text.is_empty() => format!("{text:?}"),
        Value::Text(text) if text.chars().all(|it| it.is_alphanumeric() || "-_.:".contains(it)) => {
            text.to_string()
        }
        Value::Text(text) => format!("'{text}'"),
    }
}
