//! Every order and every report is the same after it has been written and read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;
use crate::clock::{Clock, Compared, Means, Reading, Sample, Sampling, Tally};
use crate::command::Attempt;
use crate::disk::{Errors, Latency, Loss, Lost, Model, Unit};
use crate::launch::{Helper, Program};
use crate::logs::{Begin, Chunk, Lines, Look};
use crate::packets::Shaping;
use crate::prepared::Size;
use crate::reach::{Limits, Reach};
use crate::resources::{Duty, MemoryWord, Resource};

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const SECOND: Duration = Duration::from_secs(1);

/// The word of a message: its first, as it is written. A new kind of order or report has a word that
/// is not among those that the macro names.
macro_rules! words {
    ($of:ident: $($kind:ident)*) => {
        |message: &$of| match message { $($of::$kind { .. } => stringify!($kind),)* }
    };
}

/// Writes and reads each; all kinds must be among them.
#[track_caller]
fn check<T>(messages: &[T], (word, kinds): (impl Fn(&T) -> &'static str, usize))
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    for message in messages {
        let text = serde_json::to_string(message).unwrap();
        assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), message, "{text}");
    }
    let seen: BTreeSet<&str> = messages.iter().map(word).collect();
    assert_eq!(seen.len(), kinds, "{seen:?}");
}

fn equipped() -> [Equip; 7] {
    [
        Equip::Dir("data".into()),
        Equip::Clock(Means::Redirect),
        Equip::Clock(Means::Faketime),
        Equip::Small("data".into(), 1 << 20),
        Equip::Disk {
            backing: "small-disk-0".into(),
            dir: "data".into(),
            model: Model::Ext4,
            age: Some(SECOND),
        },
        Equip::Disk { backing: "a".into(), dir: "b".into(), model: Model::Posix, age: None },
        Equip::Rations,
    ]
}

fn shaped() -> Vec<((NodeId, NodeId), Shaping)> {
    let shaping = Shaping { loss: 0.123_456, bandwidth: Some(9), seed: 7, ..Shaping::default() };
    vec![((N1, N2), shaping), ((N2, N1), Shaping { delay: SECOND, ..shaping })]
}

fn program() -> Program {
    Program {
        name: Some("server".into()),
        argv: vec!["/bin/server".into(), "a \"b\" é\n".into()],
        env: BTreeMap::from([("KEY".to_owned(), "value".to_owned())]),
    }
}

fn measures() -> Vec<Measure> {
    vec![
        Measure::Pause(N1),
        Measure::PausedProcess(N1, "agent".into()),
        Measure::KilledProcess(N1, "agent".into()),
        Measure::Kill(N1),
        Measure::Stop(N1),
        Measure::Program(N1, "/opt/next/server".into()),
        Measure::Cut(vec![(N1, N2)]),
        Measure::Shaped(shaped()),
        Measure::Clock(N1),
        Measure::Shift(N1, -5),
        Measure::Disk(N1, DiskChange::Errors(Errors { fsync: 0.1, ..Errors::FULL })),
        Measure::Disk(N1, DiskChange::Latency(Latency::USUAL)),
        Measure::Time(N1, Duty { run: SECOND / 3, period: SECOND }),
        Measure::Limit(N1, Resource::Memory),
        Measure::Full(N1),
    ]
}

fn log_orders() -> [LogOrder; 4] {
    [
        LogOrder::Next,
        LogOrder::Leave,
        LogOrder::About,
        LogOrder::End { from: u64::MAX, count: usize::MAX },
    ]
}

/// What can come of reading a log.
fn chunks() -> [Chunk; 5] {
    let mut lines = Lines::default();
    lines.push(0, "text \0\u{2028}\u{fffd}é\n\n".as_bytes());
    lines.push(1 << 40, b" \xff");
    [
        Chunk { lines, look: Look::More, skipped: 0 },
        Chunk { skipped: u64::MAX, ..Look::AtEnd.into() },
        Look::Anew(Begin { inode: u64::MAX, size: 1 }).into(),
        Look::Anew(Begin::default()).into(),
        Look::Refused("a named pipe".into()).into(),
    ]
}

fn clocks() -> [Option<Clock>; 5] {
    [
        None,
        Some(Clock::Step { nanos: i64::MIN }),
        Some(Clock::Drift { ppm: -200 }),
        Some(Clock::Strobe { nanos: 7, flip: Duration::from_nanos(1_000_001) }),
        Some(Clock::Freeze),
    ]
}

fn start() -> Start {
    Start {
        node: N1,
        program: program(),
        also: vec!["/bin/agent".into()],
        monotonic_offset: -1,
        reach: Reach {
            evidence: vec!["/runs".into()],
            reads: vec!["/opt".into()],
            fuse: true,
            namespaces: true,
            limits: Limits { processes: Some(u64::MAX), memory: None, file: Some(0) },
            user: Some("postgres".into()),
        },
    }
}

#[test]
fn orders_come_back_equal() {
    let mut all = vec![
        Order::Facts,
        Order::Write(N1, "conf/file".into(), "text\0\u{2028}".into()),
        Order::Prepare(Box::new(Prepare {
            cache: "/cache".into(),
            key: "0f".into(),
            name: "a target".into(),
            start: start(),
        })),
        Order::Keep,
        Order::Abandon(usize::MAX),
        Order::Furnish(N1, "data".into()),
        Order::Start(Box::new(start())),
        Order::Begin(N1, Box::new(Program { name: None, ..program() })),
        Order::PauseProcess(N1, "agent".into()),
        Order::ResumeProcess(N1, "agent".into()),
        Order::KillProcess(N1, "agent".into()),
        Order::Evict(N1),
        Order::Empty(N1, "data".into()),
        Order::Pause(N1),
        Order::Resume(N1),
        Order::Kill(N1),
        Order::Ended(N1),
        Order::Lost { ask: true },
        Order::Memory,
        Order::Run(N1, vec!["/bin/status".into()], SECOND),
        Order::Attempt(N1, vec!["/bin/step".into()], SECOND),
        Order::Settle(N1),
        Order::ReadClock(N1, Sampling { count: 3, every: SECOND }),
        Order::Tally(N1),
        Order::Disk(N1, DiskChange::Latency(Latency::exactly(SECOND))),
        Order::Lose(N1, Loss::All),
        Order::Lose(N1, Loss::Torn { seed: u64::MAX, unit: Unit::Sector }),
        Order::Time(N1, None),
        Order::Time(N1, Some(Duty { run: SECOND, period: 2 * SECOND })),
        Order::Limit(N1, Resource::Files, Some(u64::MAX)),
        Order::Limit(N1, Resource::Memory, None),
        Order::Room(N1, true),
        Order::Cut(vec![(N1, N2), (N2, N1)]),
        Order::Shape(shaped()),
    ];
    all.extend(equipped().map(|with| Order::Equip(N1, with)));
    all.extend(clocks().map(|change| Order::Clock(N1, change)));
    all.extend(log_orders().map(|order| Order::Log(N1, "logs/log".into(), order)));
    let signals =
        [StopSignal::Term, StopSignal::Int, StopSignal::Quit, StopSignal::Hup, StopSignal::Kill];
    all.extend(signals.map(|signal| Order::Terminate(N1, signal, SECOND)));
    let stages = [Stage::Injected, Stage::Held, Stage::Healed];
    let at = |stage| measures().into_iter().map(move |measure| Order::Measure(measure, stage));
    all.extend(stages.into_iter().flat_map(at));
    let word = words!(Order: Facts Equip Write Log Start Begin PauseProcess ResumeProcess KillProcess Evict
        Empty Pause Resume Kill Terminate Ended Lost Memory Run Attempt Settle Prepare Keep Abandon Furnish
        Clock ReadClock Tally Disk Lose Time Limit Room Cut Shape Measure);
    check(&all, (word, 36));
    let word = words!(Measure: Pause PausedProcess KilledProcess Kill Stop Program Cut Shaped Clock Shift
        Disk Time Limit Full);
    check(&measures(), (word, 14));
    check(&equipped(), (words!(Equip: Dir Clock Small Disk Rations), 5));
    check(&log_orders(), (words!(LogOrder: Next Leave About End), 4));
}

#[test]
fn reports_come_back_equal() {
    let compared = Compared { at: i64::MAX, width: 1, ahead: i64::MIN };
    let lost = Lost {
        bytes: 1,
        age: Some((SECOND, 2 * SECOND)),
        problems: vec!["a problem".into()],
        ..Lost::default()
    };
    let site = Site { address: Ipv4Addr::new(10, 77, 0, 1), dir: "/runs/a/nodes/n1".into() };
    let measurement =
        Measurement { what: "probe n1→n2".into(), result: "no answer".into(), holds: true };
    let sample = Sample { wall: compared, monotonic: compared };
    let mut all = vec![
        Report::Done,
        Report::Facts(Facts {
            nodes: BTreeMap::from([(N1, site)]),
            partition: "nft-bridge".into(),
            packets: "netem".into(),
            rations: Some("version 2".into()),
        }),
        Report::Measured(vec![measurement]),
        Report::Ended(None),
        Report::Ended(Some(Fate {
            process: Some("agent".into()),
            how: "signal 11".into(),
            background: true,
        })),
        Report::Lost(None),
        Report::Lost(Some(Helper {
            name: "the init of node n1".into(),
            how: "signal 9".into(),
            mend: Some("give it more".into()),
        })),
        Report::Memory(MemoryWord::Killed("a count".into())),
        Report::Memory(MemoryWord::Not),
        Report::Memory(MemoryWord::Unknown),
        Report::Said("\u{fffd} text".into()),
        Report::Preparation(Preparation::Awaited),
        Report::Preparation(Preparation::Begun),
        Report::Preparation(Preparation::There(Size { files: u64::MAX, bytes: 1 })),
        Report::Attempt(Attempt { exit: None, output: "\u{fffd} text".into() }),
        Report::Attempt(Attempt { exit: Some(u8::MAX), output: String::new() }),
        Report::LogFile(Begin { inode: u64::MAX, size: 0 }),
        Report::LastLines(vec!["a \"b\" é\n".into(), String::new()]),
        Report::Clock(Reading { samples: vec![sample], call: 21.5, processes: 2, clocked: 1 }),
        Report::Tally(Tally { given: 3, missed: 1, reason: "it is traced".into() }),
        Report::Forgotten(vec![lost, Lost::default()]),
    ];
    all.extend(chunks().map(Report::Log));
    let word = words!(Report: Done Facts Measured Ended Lost Memory Said Attempt Preparation Log LogFile LastLines Clock
        Tally Forgotten);
    check(&all, (word, 15));
    let looks = chunks().map(|chunk| chunk.look);
    check(&looks, (words!(Look: AtEnd More Anew Refused), 4));
}

/// Who is to blame follows from the kind of an error, so it must not change on the way.
#[test]
fn errors_come_back_as_they_were() {
    let text = || "start node n1".to_owned();
    let all = [
        LabError::refused("start node n1", libc::ENOSPC),
        LabError::System { doing: text(), source: std::io::Error::other("its own words") },
        LabError::Unavailable { what: text(), why: "no nft".into(), mend: "load it".into() },
        LabError::Asked(text()),
        LabError::Reported(text()),
        LabError::Timeout { doing: text(), after: SECOND },
        LabError::answer("start node n1", "nothing"),
        LabError::Ended { doing: text() },
        LabError::InsideKilled(9),
    ];
    let word =
        words!(LabError: System Unavailable Asked Reported Timeout Answer Ended InsideKilled);
    for error in &all {
        let sent = serde_json::to_string(error).unwrap();
        let heard: LabError = serde_json::from_str(&sent).unwrap();
        assert_eq!(heard.to_string(), error.to_string());
        assert_eq!((word(&heard), heard.errno()), (word(error), error.errno()));
    }
    let seen: BTreeSet<&str> = all.iter().map(word).collect();
    assert_eq!(seen.len(), 8, "{seen:?}");
}

/// What a report is not, is told, and never taken for what was expected.
#[test]
fn an_unexpected_report_is_an_error() {
    struct Mute;
    impl Agent for Mute {
        fn carry_out(&self, _: &Order) -> Result<Report, LabError> {
            Ok(Report::Done)
        }
    }
    let agent: &dyn Agent = &Mute;
    agent.ask::<()>(&Order::Pause(N1)).unwrap();
    let error = agent.ask::<Tally>(&Order::Tally(N1)).unwrap_err().to_string();
    assert!(error.contains("Tally") && error.ends_with("unexpected answer: Done"), "{error}");
}
