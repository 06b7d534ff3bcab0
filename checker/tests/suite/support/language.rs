//! A small language for histories: one line per operation, observation, fault or phase. Times are
//! in milliseconds; what follows `#` is a comment.
//!
//! ```text
//! p1 n1 w k 1 [0..10] ok @n1/g3      process 1 asked n1 to write k = 1; n1 answered for generation 3
//! p2 - r k [5..20] ok 1              read, answered 1 (`nil` if absent)
//! p3 n2 cas k 1 2 [5..20] fail       or `info`; `[5..]` never ended
//! p3 n2 cas k 1 2 [5..20] ok found 7 it held 7 instead; `ok differs`: it held something else
//! p1 - swap k 2 [0..1] ok 1          a swap for 2, which found 1 (`nil` if absent)
//! p1 - append k "x" [0..1] ok        text in quotes, without spaces
//! p1 - add s 1 [0..1] ok             a set: also `rem s 1`, `has s 1` … `ok yes`, `all s` … `ok 1 2`
//! p1 - enq q 1 [0..1] ok             a queue: also `deq q` … `ok 1`, or `ok nil` where it was empty
//! p1 - acq l 4 [0..1] ok 33          a lock for holder 4, granted token 33 (or no token); `rel l 4`
//! p1 - acq l 4 ttl 50 [0..1] ok      a lease of 50 ms; `ren l 4 ttl 50`
//! p1 - gw l 33 7 [0..1] ok           a guarded write of 7 with token 33
//! p1 - inc c -2 [0..1] ok            a counter, read by `r c` … `ok 5`
//! p1 - gen i [0..1] ok 7             a generator of ids
//! p1 - upd c 2 9 [0..1] ok 3         a configuration set to 9 if its generation is 2; now it is 3
//! p1 - rv c [0..1] ok 3 9            the configuration's generation and content (`0 nil` if never set)
//! p1 - txn ax1,ry,rx,wz3 [0..1] ok [] [1]   a transaction; its reads are answered in their order
//! poll n1/2 leader g3 [0..5]         n1 in its second life; role or generation may be `-`
//! log n1 follower g4 [0..5]          a log line
//! hear n1 leader g4 [0..5]           an answer of the grade hearsay
//! log n1 - g4 [0..5] voted n2        a vote; also `names n2` as the leader, and `entry 7 g3 5`: at
//!                                    index 7 it holds 5 of generation 3, committed (or just `entry 7 g3`),
//!                                    and `applied 7`: it has applied its log so far
//! fault 1 kill n1,n2 [10..20]        or `pause n1`, `power n1`, `fsync n1`, `cut n1|n2,n3`; at the end
//!                                    `unproven`, `unhealed`, `unmeasured`, `lapsed` (measured at its
//!                                    begin, not in effect to its end) or `problem` (all was measured as
//!                                    it must be, and the harness failed at something); `[10..]`: it
//!                                    never ended
//! missed 3 kill 20                   the planned fault 3, a kill, was not carried out
//! server n1/2 exited 20              n1's server ended by itself in its second life; or `started`, `killed`;
//!                                    `log a b_c` at the end: it wrote the lines `a b` and `c`
//! fault 1 full n1 [10..20]           or `clock n1`: its disk is full, its clock drifts
//! phase load 3
//! plan faults kill,pause             the kinds that were allowed; `plan every` if all must happen
//! plan objects k* counter/linearizable   what keys are; then `ok_of k* read 5`, `handovers_of k* 3`
//! plan ok_per_kind cas 5             or `window 3`, `elections 1`, `effective 1`, `recovery 100`,
//!                                    `step_down 50`, `new_leader 50`, and of leaders `changes 1`,
//!                                    `distinct 2`, `generations 3`, `node_polls 4`,
//!                                    `generation_polls 5`, `hits 6`, `clock-error 5`
//! ```

use std::sync::Arc;

use fracas_checker::event::{
    Completion, Event, EventKind, Key, Nanos, NodeChange, NodeId, Op, OpKind, Outcome, Phase,
    ProcessId, Stamp, Value,
};
use fracas_checker::fault::{Fault, FaultEvent, Measurement, Stage, Trouble};
use fracas_checker::history::{Header, History, Plan, SCHEMA};
use fracas_checker::observation::{Grade, LogEntry, Observation, Role, Source};
use fracas_checker::transaction::{Micro, ReadValue};
use fracas_checker::{Algorithm, Budget, judge_by};

use super::faults;

const MILLI: Nanos = 1_000_000;

/// The history that `text` describes, to be judged by `checks`.
#[track_caller]
pub(crate) fn history(text: &str, checks: &[&str]) -> History {
    let (writer, _) = written(text, checks);
    let header = Header {
        schema: SCHEMA.to_owned(),
        run: "test".to_owned(),
        target: "test".to_owned(),
        seed: 1,
        nodes: (1..=3).map(NodeId).collect(),
        plan: writer.plan,
    };
    let events = writer.events.into_iter().zip(0..);
    let events = events.map(|((time, _, kind), index)| Event { index, time, kind }).collect();
    History::new(header, events).expect("a valid history")
}

/// What `check` says of the history that `text` describes: the headline of its first anomaly, or its
/// status.
#[track_caller]
pub(crate) fn says(check: &str, text: &str, expect: &str) {
    let history = history(text, &[check]);
    let verdict = judge_by(&history, &[check], Algorithm::Auto, Budget::unlimited_time());
    let headline = verdict.anomalies().next().map(|(_, anomaly)| anomaly.headline.clone());
    assert_eq!(headline.unwrap_or_else(|| verdict.status.to_string()), expect, "{verdict:#?}");
}

/// The lines of `text` that tell of any of the events `witness`, without their comments.
pub(crate) fn witnessed(text: &str, witness: &[u64]) -> String {
    let (_, lines) = written(text, &[]);
    let told =
        |(line, _): &(usize, &str)| witness.iter().any(|index| lines[*index as usize] == *line);
    let shown = text.lines().enumerate().filter(told);
    let shown = shown.map(|(_, line)| line.split('#').next().unwrap_or_default().trim());
    shown.collect::<Vec<_>>().join("\n")
}

/// Everything that `text` tells of in order of time, and the line that told of each event.
fn written(text: &str, checks: &[&str]) -> (Writer, Vec<usize>) {
    let mut writer = Writer { events: Vec::new(), plan: Plan::default() };
    writer.plan.checks = checks.iter().map(|id| (*id).to_owned()).collect();
    writer.plan.recovery_ms = 100;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> =
            line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if !words.is_empty() {
            writer.line(&words);
        }
        lines.resize(writer.events.len(), number);
    }
    let mut both: Vec<_> = std::mem::take(&mut writer.events).into_iter().zip(lines).collect();
    // Stable, and invocations first at equal times; a process that goes on at once must not.
    both.sort_by_key(|((time, rank, _), _)| (*time, *rank));
    let lines;
    (writer.events, lines) = both.into_iter().unzip();
    (writer, lines)
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
            "server" => self.server(words),
            "missed" => {
                let (act, why) = (number(words[1]) as u32, "the run ended".to_owned());
                let event = FaultEvent::Missed { act, what: words[2].to_owned(), why };
                self.events.push((number(words[3]) * MILLI, 0, EventKind::Fault(event)));
            }
            "plan" => self.plan(words),
            _ => self.operation(words),
        }
    }

    fn server(&mut self, words: &[&str]) {
        let (node, incarnation) = words[1].split_once('/').unwrap_or((words[1], "1"));
        let change = match words[2] {
            "started" => NodeChange::Started,
            "killed" => NodeChange::Killed,
            "exited" => {
                let log = after(words, "log").map(|words| words.join(" ").replace('_', "\n"));
                let log = log.iter().flat_map(|log| log.lines()).map(str::to_owned);
                NodeChange::Exited {
                    process: None,
                    how: "status 101".to_owned(),
                    log: log.collect(),
                }
            }
            other => panic!("unknown change `{other}`"),
        };
        let node = node.parse().expect("a node");
        let incarnation = number(incarnation) as u32;
        let event = EventKind::Node { node, incarnation, change };
        self.events.push((number(words[3]) * MILLI, 0, event));
    }

    fn plan(&mut self, words: &[&str]) {
        let coverage = &mut self.plan.coverage;
        match words[1] {
            "ok_per_kind" => {
                let mut kinds = OpKind::asked();
                let kind = kinds.find(|kind| kind.word() == words[2]).expect("a kind");
                coverage.ok_per_kind.insert(kind, number(words[3]));
            }
            "objects" => self.plan.objects.say(words[2], &words[3..]),
            "handovers_of" => {
                let least = coverage.objects.entry(words[2].to_owned()).or_default();
                least.handovers = number(words[3]);
            }
            "ok_of" => {
                let kind = OpKind::asked().find(|kind| kind.word() == words[3]);
                let least = coverage.objects.entry(words[2].to_owned()).or_default();
                least.ok.insert(kind.expect("a kind"), number(words[4]));
            }
            "every" => coverage.every_fault = true,
            "look" => coverage.look_first = true,
            "handovers" => coverage.handovers = number(words[2]),
            "faults" => {
                self.plan.faults = words[2].split(',').map(faults::kind).collect();
            }
            "window" => coverage.ok_per_fault_window = number(words[2]),
            "elections" => coverage.elections = number(words[2]),
            "effective" => coverage.effective_faults = number(words[2]),
            "clock-error" => self.plan.clock_error_ms = number(words[2]),
            "recovery" => self.plan.recovery_ms = number(words[2]),
            "step_down" => self.plan.step_down_ms = Some(number(words[2])),
            "new_leader" => self.plan.new_leader_ms = Some(number(words[2])),
            "changes" => coverage.leaders.changes = number(words[2]),
            "distinct" => coverage.leaders.distinct = number(words[2]),
            "generations" => coverage.leaders.generations = number(words[2]),
            "node_polls" => coverage.leaders.polls_per_node = number(words[2]),
            "generation_polls" => coverage.leaders.polls_per_generation = number(words[2]),
            "hits" => coverage.leaders.hits = number(words[2]),
            other => panic!("unknown plan `{other}`"),
        }
    }

    fn operation(&mut self, words: &[&str]) {
        let process = ProcessId(number(words[0].trim_start_matches('p')));
        let node = words[1].parse().ok();
        let times = words.iter().position(|word| word.starts_with('[')).expect("an interval");
        let (asked, rest) = words.split_at(times);
        let op = op(asked[2], asked[3].into(), &asked[4..]);
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
            group: after(words, "in").map(|rest| rest[0].into()),
            source,
            grade,
            since,
            role: role(words[2]),
            generation: words[3].strip_prefix('g').map(number),
            leader: after(words, "names").map(|rest| rest[0].parse().expect("a node")),
            applied: after(words, "applied").map(|rest| number(rest[0])),
            voted: after(words, "voted").map(|rest| rest[0].parse().expect("a node")),
            entry: after(words, "entry").map(|rest| LogEntry {
                index: number(rest[0]),
                generation: number(rest[1].trim_start_matches('g')),
                value: rest.get(2).map(|word| value(word)),
            }),
            text: String::new(),
        };
        self.events.push((time.expect("an observation ends"), 3, EventKind::Observe(seen)));
    }

    fn fault(&mut self, words: &[&str]) {
        let id = number(words[1]) as u32;
        let (begin, end) = interval(words[4]);
        let how = words.get(5).copied();
        let (holds, healed) = (how != Some("unproven"), how != Some("unhealed"));
        let mechanism = "test".to_owned();
        let fault = fault(words[2], words[3]);
        let measured = |holds| {
            vec![Measurement { what: "probe".to_owned(), result: "answer".to_owned(), holds }]
        };
        let proof = |stage, holds| {
            let (since, measurements) = (None, measured(holds));
            FaultEvent::Proof { id, stage, since, measurements }
        };
        let mut events = vec![(begin, FaultEvent::Begin { id, fault, mechanism })];
        if how != Some("unmeasured") {
            events.push((begin, proof(Stage::Injected, holds)));
        }
        if let Some(end) = end {
            let unknown = !holds || matches!(how, Some("unmeasured" | "lapsed"));
            let effective = (!unknown).then_some((begin, end));
            let problem = (how == Some("problem")).then(|| "the lab failed".to_owned());
            let problems = problem.into_iter().collect();
            events.push((end, proof(Stage::Healed, healed)));
            events.push((end, FaultEvent::End { id, effective, problems }));
        }
        let events = events.into_iter();
        self.events.extend(events.map(|(time, event)| (time, 0, EventKind::Fault(event))));
    }
}

/// The words that follow `word`, if it is among `words`.
fn after<'a>(words: &'a [&'a str], word: &str) -> Option<&'a [&'a str]> {
    words.iter().position(|known| *known == word).map(|place| &words[place + 1..])
}

fn fault(kind: &str, nodes: &str) -> Fault {
    let list = |text: &str| -> Vec<NodeId> {
        text.split(',').map(|node| node.parse().expect("a node")).collect()
    };
    match kind {
        "kill" => faults::kill(list(nodes)),
        "pause" => faults::pause(list(nodes)),
        "remove" => faults::remove(list(nodes), false),
        "replace" => faults::remove(list(nodes), true),
        "pause-process" => faults::pause_process(list(nodes)),
        "kill-process" => faults::kill_process(list(nodes)),
        "power" => faults::power(list(nodes)),
        "fsync" => faults::suffers("fsync fails", list(nodes), Trouble::DiskErrors),
        "cut" => {
            let (first, second) = nodes.split_once('|').expect("two groups");
            let pairs = list(first)
                .into_iter()
                .flat_map(|a| list(second).into_iter().flat_map(move |b| [(a, b), (b, a)]));
            faults::cut(pairs.collect())
        }
        "full" => faults::suffers("full", list(nodes), Trouble::DiskFull),
        "clock" => faults::clock(list(nodes)),
        other => panic!("unknown fault `{other}`"),
    }
}

/// What is asked by `verb` of the object `key`.
fn op(verb: &str, key: Key, words: &[&str]) -> Op {
    let first = || value(words[0]);
    let ttl = || words.get(1).map(|_| number(words[2]) * MILLI);
    match verb {
        "r" => Op::Read { key },
        "w" => Op::Write { key, value: first() },
        "cas" => Op::Cas { key, old: first(), new: value(words[1]) },
        "swap" => Op::Swap { key, value: first() },
        "append" => Op::Append { key, value: first() },
        "add" => Op::Add { key, value: first() },
        "rem" => Op::Remove { key, value: first() },
        "has" => Op::Contains { key, value: first() },
        "all" => Op::ReadAll { key },
        "enq" => Op::Enqueue { key, value: first() },
        "deq" => Op::Dequeue { key },
        "acq" => Op::Acquire { key, holder: number(words[0]), ttl: ttl() },
        "ren" => Op::Renew { key, holder: number(words[0]), ttl: ttl() },
        "rel" => Op::Release { key, holder: number(words[0]) },
        "gw" => Op::GuardedWrite { key, token: number(words[0]), value: value(words[1]) },
        "inc" => Op::Increment { key, by: words[0].parse().expect("a number") },
        "gen" => Op::Generate { key },
        "rv" => Op::ReadVersion { key },
        "txn" => Op::Txn { ops: key.split(',').map(micro).collect() },
        "upd" => Op::Update { key, expected: number(words[0]), value: value(words[1]) },
        other => panic!("unknown operation `{other}`"),
    }
}

/// `ax1` appends 1 to x, `wx1` writes it, `rx` reads x.
fn micro(word: &str) -> Micro {
    let (verb, rest) = word.split_at(1);
    let (key, number) = rest.split_at(1);
    match verb {
        "a" => Micro::Append { key: key.into(), value: value(number) },
        "w" => Micro::Write { key: key.into(), value: value(number) },
        _ => Micro::Read { key: key.into(), seen: ReadValue::Unknown },
    }
}

/// A transaction whose reads are answered by `words`: `nil`, a value, or a list like `[1,2]`.
fn committed(ops: &[Micro], words: &[&str]) -> Outcome {
    let mut words = words.iter();
    let seen = |word: &str| match word.strip_prefix('[') {
        Some("]") => ReadValue::List(Arc::new([])),
        Some(list) => ReadValue::List(list.trim_end_matches(']').split(',').map(value).collect()),
        None => answer(word).map_or(ReadValue::Absent, ReadValue::Value),
    };
    let mut answered = |micro: &Micro| match micro {
        Micro::Read { key, .. } => {
            Micro::Read { key: key.clone(), seen: seen(words.next().expect("an answer")) }
        }
        other => other.clone(),
    };
    Outcome::Txn { ops: ops.iter().map(&mut answered).collect() }
}

/// What `words` answer to `op`.
fn outcome(op: &Op, words: &[&str]) -> Outcome {
    match op {
        Op::Read { .. } => Outcome::Read { value: answer(words[0]) },
        Op::Cas { .. } => match words {
            ["found", value] => Outcome::CasFound { value: answer(value) },
            ["differs"] => Outcome::CasDiffers,
            _ => Outcome::Cas,
        },
        Op::Swap { .. } => Outcome::Swap { value: answer(words[0]) },
        Op::Contains { .. } => Outcome::Contains { present: words[0] == "yes" },
        Op::ReadAll { .. } => {
            Outcome::ReadAll { values: words.iter().map(|word| value(word)).collect() }
        }
        Op::Dequeue { .. } => Outcome::Dequeue { value: answer(words[0]) },
        Op::Acquire { .. } => Outcome::Acquire { token: words.first().map(|word| number(word)) },
        Op::Generate { .. } => Outcome::Generate { value: value(words[0]) },
        Op::ReadVersion { .. } => {
            Outcome::ReadVersion { generation: number(words[0]), value: answer(words[1]) }
        }
        Op::Update { .. } => Outcome::Update { generation: number(words[0]) },
        Op::Write { .. } => Outcome::Write,
        Op::Append { .. } => Outcome::Append,
        Op::Add { .. } => Outcome::Add,
        Op::Remove { .. } => Outcome::Remove,
        Op::Enqueue { .. } => Outcome::Enqueue,
        Op::Renew { .. } => Outcome::Renew,
        Op::Release { .. } => Outcome::Release,
        Op::GuardedWrite { .. } => Outcome::GuardedWrite,
        Op::Increment { .. } => Outcome::Increment,
        Op::Txn { ops } => committed(ops, words),
        Op::Claim { .. } => panic!("`{op}` has no word in this language"),
    }
}

fn completion(op: &Op, words: &[&str]) -> Completion {
    let error = "test".to_owned();
    match words {
        ["info", error @ ..] if !error.is_empty() => Completion::Info { error: error.join(" ") },
        ["fail", error @ ..] if !error.is_empty() => Completion::Fail { error: error.join(" ") },
        [] | ["info"] => Completion::Info { error },
        ["fail"] => Completion::Fail { error },
        ["ok", rest @ ..] => {
            let answer: Vec<&str> =
                rest.iter().copied().filter(|word| !word.starts_with('@')).collect();
            let outcome = outcome(op, &answer);
            let stamp = rest.iter().find_map(|word| word.strip_prefix('@')).map(stamp);
            Completion::Ok { outcome, stamp: stamp.unwrap_or_default() }
        }
        other => panic!("unknown completion {other:?}"),
    }
}

/// `n1/g3`; either part may be `-`.
fn stamp(text: &str) -> Stamp {
    let (node, generation) = text.split_once('/').expect("a node and a generation");
    Stamp::new(node.parse().ok(), generation.strip_prefix('g').map(number))
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

/// A number, or a text in quotes.
fn value(word: &str) -> Value {
    match word.parse() {
        Ok(number) => Value::Int(number),
        Err(_) if word.starts_with('"') => Value::text(word.trim_matches('"')),
        Err(_) => panic!("`{word}` is not a value"),
    }
}

/// A value, or none for `nil`.
fn answer(word: &str) -> Option<Value> {
    (word != "nil").then(|| value(word))
}
