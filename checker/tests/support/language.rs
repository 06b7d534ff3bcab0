//! A small language for histories: one line per operation, observation, fault or phase. Times are
//! in milliseconds; what follows `#` is a comment.
//!
//! ```text
//! p1 n1 w k 1 [0..10] ok @n1/g3      process 1 asked n1 to write k = 1; n1 answered for generation 3
//! p2 - r k [5..20] ok 1              read, answered 1 (`nil` if absent)
//! p3 n2 cas k 1 2 [5..20] fail       or `info`; `[5..]` never ended
//! poll n1/2 leader g3 [0..5]         n1 in its second life; role or generation may be `-`
//! log n1 follower g4 [0..5]          a log line
//! hear n1 leader g4 [0..5]           an answer of the grade hearsay
//! fault 1 kill n1,n2 [10..20]        or `pause n1`, `cut n1|n2,n3`; `unproven` or `unhealed` at the end
//! phase load 3
//! plan ok_per_kind cas 5             or `window 3`, `elections 1`, `effective 1`, `recovery 100`
//! ```

use fracas_checker::event::{
    Completion, Event, EventKind, Nanos, NodeId, Op, OpKind, Outcome, Phase, ProcessId, Stamp,
};
use fracas_checker::fault::{Fault, FaultEvent, Measurement, Shape, Stage};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::observation::{Grade, Observation, Role, Source};

const MILLI: Nanos = 1_000_000;

/// The history that `text` describes, to be judged by `checks`.
#[track_caller]
pub(crate) fn history(text: &str, checks: &[&str]) -> History {
    let mut writer = Writer { events: Vec::new(), plan: Plan::default() };
    writer.plan.checks = checks.iter().map(|id| (*id).to_owned()).collect();
    writer.plan.recovery_ms = 100;
    for line in text.lines() {
        let words: Vec<&str> =
            line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if !words.is_empty() {
            writer.line(&words);
        }
    }
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: "test".to_owned(),
        target: "test".to_owned(),
        seed: 1,
        nodes: (1..=3).map(NodeId).collect(),
        plan: writer.plan,
    };
    // Stable, and invocations first at equal times; a process that goes on at once must not.
    writer.events.sort_by_key(|(time, rank, _)| (*time, *rank));
    let events = writer.events.into_iter().zip(0..);
    let events = events.map(|((time, _, kind), index)| Event { index, time, kind }).collect();
    History::new(header, events).expect("a valid history")
}

struct Writer {
    /// Time, rank at equal times, event.
    events: Vec<(Nanos, u8, EventKind)>,
    plan: Plan,
}

impl Writer {
    fn line(&mut self, words: &[&str]) {
        match words[0] {
            "poll" => self.observe(words, Source::Poll, Grade::Claim),
            "log" => self.observe(words, Source::Log, Grade::Record),
            "hear" => self.observe(words, Source::Poll, Grade::Hearsay),
            "fault" => self.fault(words),
            "phase" => {
                let phase = phase(words[1]);
                self.events.push((number(words[2]) * MILLI, 0, EventKind::Phase { phase }));
            }
            "plan" => self.plan(words),
            _ => self.operation(words),
        }
    }

    fn plan(&mut self, words: &[&str]) {
        let coverage = &mut self.plan.coverage;
        match words[1] {
            "ok_per_kind" => {
                let mut kinds = OpKind::REQUESTS.into_iter();
                let kind = kinds.find(|kind| kind.word() == words[2]).expect("a kind");
                coverage.ok_per_kind.insert(kind, number(words[3]));
            }
            "window" => coverage.ok_per_fault_window = number(words[2]),
            "elections" => coverage.elections = number(words[2]),
            "effective" => coverage.effective_faults = number(words[2]),
            "recovery" => self.plan.recovery_ms = number(words[2]),
            other => panic!("unknown plan `{other}`"),
        }
    }

    fn operation(&mut self, words: &[&str]) {
        let process = ProcessId(number(words[0].trim_start_matches('p')));
        let node = words[1].parse().ok();
        let key = words[3].to_owned();
        let (op, rest) = match words[2] {
            "r" => (Op::Read { key }, &words[4..]),
            "w" => (Op::Write { key, value: value(words[4]) }, &words[5..]),
            "cas" => (Op::Cas { key, old: value(words[4]), new: value(words[5]) }, &words[6..]),
            other => panic!("unknown operation `{other}`"),
        };
        let (start, end) = interval(rest[0]);
        let completion = completion(&op, &rest[1..]);
        self.events.push((start, 1, EventKind::Invoke { process, node, op }));
        if let Some(end) = end {
            self.events.push((end, 2, EventKind::Complete { process, completion }));
        }
    }

    fn observe(&mut self, words: &[&str], source: Source, grade: Grade) {
        let (node, incarnation) = words[1].split_once('/').unwrap_or((words[1], "1"));
        let (since, time) = interval(words[4]);
        let seen = Observation {
            node: node.parse().expect("a node"),
            incarnation: incarnation.parse().expect("an incarnation"),
            source,
            grade,
            since,
            role: role(words[2]),
            generation: words[3].strip_prefix('g').map(number),
            leader: None,
            applied: None,
            text: String::new(),
        };
        self.events.push((time.expect("an observation ends"), 3, EventKind::Observe(seen)));
    }

    fn fault(&mut self, words: &[&str]) {
        let id = number(words[1]) as u32;
        let (begin, end) = interval(words[4]);
        let end = end.expect("a fault ends");
        let holds = words.get(5) != Some(&"unproven");
        let healed = words.get(5) != Some(&"unhealed");
        let mechanism = "test".to_owned();
        let fault = fault(words[2], words[3]);
        let measured = |holds| {
            vec![Measurement { what: "probe".to_owned(), result: "answer".to_owned(), holds }]
        };
        let effective = holds.then_some((begin, end));
        let injected =
            FaultEvent::Proof { id, stage: Stage::Injected, measurements: measured(holds) };
        let gone = FaultEvent::Proof { id, stage: Stage::Healed, measurements: measured(healed) };
        let events = [
            (begin, FaultEvent::Begin { id, fault, mechanism }),
            (begin, injected),
            (end, gone),
            (end, FaultEvent::End { id, effective, problems: Vec::new() }),
        ];
        self.events.extend(events.map(|(time, event)| (time, 0, EventKind::Fault(event))));
    }
}

fn fault(kind: &str, nodes: &str) -> Fault {
    let list = |text: &str| -> Vec<NodeId> {
        text.split(',').map(|node| node.parse().expect("a node")).collect()
    };
    match kind {
        "kill" => Fault::Kill { nodes: list(nodes) },
        "pause" => Fault::Pause { nodes: list(nodes) },
        "cut" => {
            let (one, other) = nodes.split_once('|').expect("two groups");
            let pairs = list(one)
                .into_iter()
                .flat_map(|a| list(other).into_iter().flat_map(move |b| [(a, b), (b, a)]));
            Fault::Partition { shape: Shape::Halves, cut: pairs.collect() }
        }
        other => panic!("unknown fault `{other}`"),
    }
}

fn completion(op: &Op, words: &[&str]) -> Completion {
    let error = "test".to_owned();
    match words {
        [] | ["info"] => Completion::Info { error },
        ["fail"] => Completion::Fail { error },
        ["ok", rest @ ..] => {
            let outcome = match op {
                Op::Read { .. } => Outcome::Read { value: rest[0].parse().ok() },
                Op::Write { .. } => Outcome::Write,
                Op::Cas { .. } => Outcome::Cas,
                Op::Claim { .. } => Outcome::Claim,
            };
            let stamp = rest.iter().find_map(|word| word.strip_prefix('@')).map(stamp);
            Completion::Ok { outcome, stamp: stamp.unwrap_or_default() }
        }
        other => panic!("unknown completion {other:?}"),
    }
}

/// `n1/g3`; either part may be `-`.
fn stamp(text: &str) -> Stamp {
    let (node, generation) = text.split_once('/').expect("a node and a generation");
    Stamp { node: node.parse().ok(), generation: generation.strip_prefix('g').map(number) }
}

/// `[0..10]` or `[0..]`.
fn interval(text: &str) -> (Nanos, Option<Nanos>) {
    let (start, end) = text.trim_matches(['[', ']']).split_once("..").expect("an interval");
    (number(start) * MILLI, (!end.is_empty()).then(|| number(end) * MILLI))
}

fn role(word: &str) -> Option<Role> {
    match word {
        "leader" => Some(Role::Leader),
        "follower" => Some(Role::Follower),
        "candidate" => Some(Role::Candidate),
        _ => None,
    }
}

fn phase(word: &str) -> Phase {
    match word {
        "start" => Phase::Start,
        "load" => Phase::Load,
        "recover" => Phase::Recover,
        "final" => Phase::FinalReads,
        "stop" => Phase::Stop,
        other => panic!("unknown phase `{other}`"),
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is not a number"))
}

fn value(word: &str) -> i64 {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is not a value"))
}
