//! The clients of a drawn history: who asks when, and how each operation ends.
//!
//! Invocations fall on odd nanoseconds, instants and completions on even ones: whether two
//! operations overlap never hangs on equal times. What is asked and answered is not decided here.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fracas_checker::event::{Nanos, Stamp};
use fracas_checker::{Completion, Event, EventKind, Key, Op, Outcome, ProcessId};

use super::dice::Dice;
use super::objects::{Answer, Invocation, Object};
use super::{Drawn, Shape};

/// The longest time from invocation to instant, and from instant to completion: half of it, in
/// nanoseconds.
const HALF_LATENCY: u64 = 500;

/// The longest pause of a client between two operations: half of it, in nanoseconds.
const HALF_PAUSE: u64 = 50;

/// How many latencies an operation of unknown outcome may take effect too late.
const LATE: u64 = 20;

/// How long a blocked operation waits before it tries again: half of it, in nanoseconds.
const HALF_RETRY: u64 = 200;

/// What happens next to a client. The first of equal times is the one that was planned first.
type Plan = Reverse<(Nanos, u64, usize, Step)>;

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Invoke,
    TakeEffect,
    Complete,
    /// An operation that was given up takes effect after all: its place among those.
    TakeEffectLate(usize),
}

/// What becomes of an operation that may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its client hears of it.
    Known,
    /// It takes effect in time, and its client gives up all the same.
    Silent,
    /// It takes effect after its client gave up.
    Late,
    /// It never takes effect.
    Lost,
}

/// One client and its open operation.
#[derive(Debug)]
struct Client {
    process: u64,
    key: usize,
    op: Op,
    invoked: Nanos,
    fate: Fate,
    answer: Option<Result<Outcome, &'static str>>,
}

struct Run<'a> {
    shape: &'a Shape,
    dice: Dice,
    keys: Vec<Key>,
    objects: Vec<Box<dyn Object>>,
    clients: Vec<Client>,
    /// Given up, not yet in effect: by whom, of which key, what.
    late: Vec<(usize, usize, Op)>,
    plans: BinaryHeap<Plan>,
    planned: u64,
    asked: usize,
    drawn: Drawn,
}

/// Draws a history of `shape`.
pub(crate) fn draw(shape: &Shape) -> Drawn {
    let mut run = Run::new(shape);
    while let Some(Reverse((now, _, client, step))) = run.plans.pop() {
        match step {
            Step::Invoke => run.invoke(client, now),
            Step::TakeEffect => run.take_effect(client, now),
            Step::Complete => run.complete(client, now),
            Step::TakeEffectLate(place) => run.take_effect_late(place),
        }
    }
    run.drawn
}

impl<'a> Run<'a> {
    fn new(shape: &'a Shape) -> Self {
        let keys: Vec<Key> = (0..shape.keys).map(|key| format!("k{key}").into()).collect();
        let objects = keys.iter().map(|key| shape.kind.object(key.clone(), shape)).collect();
        let client = |process: usize| Client {
            process: process as u64,
            key: 0,
            op: Op::Read { key: keys[0].clone() },
            invoked: 0,
            fate: Fate::Known,
            answer: None,
        };
        let mut run = Self {
            shape,
            dice: Dice::new(shape.seed),
            objects,
            clients: (0..shape.clients).map(client).collect(),
            keys,
            late: Vec::new(),
            plans: BinaryHeap::new(),
            planned: 0,
            asked: 0,
            drawn: Drawn { events: Vec::with_capacity(2 * shape.operations), planted: None },
        };
        for client in 0..shape.clients {
            let begin = 2 * run.dice.below(HALF_LATENCY) + 1;
            run.plan(begin, client, Step::Invoke);
        }
        run
    }

    fn plan(&mut self, time: Nanos, client: usize, step: Step) {
        self.planned += 1;
        self.plans.push(Reverse((time, self.planned, client, step)));
    }

    fn record(&mut self, time: Nanos, kind: EventKind) {
        let index = self.drawn.events.len() as u64;
        self.drawn.events.push(Event { index, time, kind });
    }

    fn invoke(&mut self, client: usize, now: Nanos) {
        if self.asked == self.shape.operations {
            return;
        }
        self.asked += 1;
        // Who holds a lock gives it back before anything else.
        if !self.objects[self.clients[client].key].keeps(client) {
            self.clients[client].key = self.dice.place(self.keys.len());
        }
        let key = self.clients[client].key;
        let op = self.objects[key].ask(client, &mut self.dice);
        let fate = self.fate(key, &op);
        let asking = &mut self.clients[client];
        (asking.op, asking.invoked, asking.fate, asking.answer) = (op.clone(), now, fate, None);
        let process = ProcessId(asking.process);
        self.record(now, EventKind::Invoke { process, node: None, op });
        let after = 2 * self.dice.below(HALF_LATENCY) + 1;
        self.plan(now + after, client, Step::TakeEffect);
    }

    fn fate(&mut self, key: usize, op: &Op) -> Fate {
        let unknown = self.dice.happens(self.shape.indeterminate.into(), 1000);
        let (lost, late) = (self.dice.happens(1, 2), self.dice.happens(1, 2));
        match (unknown && !op.kind().only_looks(), lost) {
            (false, _) => Fate::Known,
            (true, true) => Fate::Lost,
            (true, false) if late && self.objects[key].may_be_late() => Fate::Late,
            (true, false) => Fate::Silent,
        }
    }

    fn asked_by(&self, client: usize) -> Invocation<'_> {
        let asking = &self.clients[client];
        Invocation { client, op: &asking.op, invoked: asking.invoked }
    }

    fn take_effect(&mut self, client: usize, now: Nanos) {
        let Client { key, fate, .. } = self.clients[client];
        let end = now + 2 * self.dice.below(HALF_LATENCY);
        if fate == Fate::Late {
            let late = LATE * 2 * self.dice.below(HALF_LATENCY) + 2;
            self.plan(end + late, client, Step::TakeEffectLate(self.late.len()));
            self.late.push((client, key, self.clients[client].op.clone()));
        }
        if matches!(fate, Fate::Late | Fate::Lost) {
            return self.plan(end, client, Step::Complete);
        }
        if let Some(wrong) = self.planted(client) {
            self.clients[client].answer = Some(Ok(wrong));
            return self.complete(client, now);
        }
        let Client { op, .. } = &self.clients[client];
        let answer = match self.objects[key].act(client, op, &mut self.dice) {
            Answer::Ok(outcome) => Ok(outcome),
            Answer::Refused(why) => Err(why),
            // Nobody may be left to end the wait: it stays open.
            Answer::Blocked if self.asked == self.shape.operations => return,
            Answer::Blocked => {
                let retry = 2 * self.dice.below(HALF_RETRY) + 2;
                return self.plan(now + retry, client, Step::TakeEffect);
            }
        };
        self.clients[client].answer = Some(answer);
        self.plan(end, client, Step::Complete);
    }

    /// A wrong answer, if it is time for it. It is given at once, before anything else happens.
    fn planted(&mut self, client: usize) -> Option<Outcome> {
        let due = self.shape.planted && self.drawn.planted.is_none();
        let late = self.asked * 20 >= self.shape.operations * 19;
        if !due || !late || self.clients[client].fate != Fate::Known {
            return None;
        }
        let wrong = self.objects[self.clients[client].key].wrong(&self.asked_by(client))?;
        self.drawn.planted = Some(self.drawn.events.len() as u64);
        Some(wrong)
    }

    fn take_effect_late(&mut self, place: usize) {
        let (client, key, op) = self.late[place].clone();
        // Nobody hears the answer.
        let _ = self.objects[key].act(client, &op, &mut self.dice);
    }

    fn complete(&mut self, client: usize, now: Nanos) {
        let Client { fate, key, process, .. } = self.clients[client];
        let completion = match (fate, self.clients[client].answer.take()) {
            (Fate::Known, Some(Ok(outcome))) => Completion::Ok { outcome, stamp: Stamp::default() },
            (Fate::Known, Some(Err(why))) => Completion::Fail { error: why.to_owned() },
            _ => Completion::Info { error: "timed out".to_owned() },
        };
        if matches!(completion, Completion::Info { .. }) {
            self.clients[client].process += self.shape.clients as u64;
        }
        let asking = &self.clients[client];
        let asked = Invocation { client, op: &asking.op, invoked: asking.invoked };
        self.objects[key].completed(&asked, &completion, now);
        self.record(now, EventKind::Complete { process: ProcessId(process), completion });
        let pause = 2 * self.dice.below(HALF_PAUSE) + 1;
        self.plan(now + pause, client, Step::Invoke);
    }
}
