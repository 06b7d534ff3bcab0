//! Measures whether a disk's fault is there, still there, or gone.
//!
//! A power failure is proven by what it took; one that took nothing did not happen. Errors and
//! slowness are proven by a probe of the harness under the node's own mount, and what the node's
//! own calls met is told beside it. Nothing is brought about here.

use std::io;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};

use super::{Disk, Errors, Latency, Lost, Probe, Refused};
use crate::LabError;

/// How often the disk is probed for an error that comes by chance only.
const TRIES: u32 = 64;

/// How often the disk is probed for being fast again: this machine may be busy.
const FAST_TRIES: u32 = 6;

/// A disk, and whose it is.
#[derive(Clone, Copy)]
pub struct Mounted<'a> {
    /// The node that the disk belongs to.
    pub node: NodeId,
    /// The disk.
    pub disk: &'a Disk,
}

/// What a power failure of a node took.
#[must_use]
pub fn loss(node: NodeId, lost: &Lost) -> Measurement {
    let Lost { bytes, pages, files, entries, age, .. } = lost;
    let result = if lost.is_nothing() {
        "nothing: there was nothing un-fsynced".to_owned()
    } else {
        let [bytes, pages, files] = [
            counted(*bytes, "byte", "bytes"),
            counted(*pages, "page", "pages"),
            counted(*files, "file", "files"),
        ];
        let entries = counted(*entries, "directory entry", "directory entries");
        let age = age.map_or(String::new(), |(youngest, oldest)| {
            format!("; {} to {} old", seconds(youngest), seconds(oldest))
        });
        format!("{bytes} in {pages} of {files}, {entries}{age}")
    };
    let problems: String = lost.problems.iter().map(|problem| format!("; {problem}")).collect();
    Measurement {
        what: format!("un-fsynced data that {node} lost"),
        result: format!("{result}{problems}"),
        holds: !lost.is_nothing() && lost.problems.is_empty(),
    }
}

/// `0.4 s`, `12.0 s`.
fn seconds(age: Duration) -> String {
    format!("{:.1} s", age.as_secs_f64())
}

/// `1 page`, `6 pages`.
fn counted(count: u64, singular: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { singular } else { many })
}

/// Measures errors that a disk was told to return.
///
/// Injected and held: each kind that was asked for strikes a probe; how often it struck the node
/// since the last measurement is told. In `before` the counts are kept from stage to stage: hand
/// in those of [`Disk::stats`] at the beginning. Healed: a probe meets no error.
///
/// # Errors
/// When the disk cannot be asked or probed.
pub fn errors(
    mounted: Mounted<'_>,
    asked: &Errors,
    stage: Stage,
    before: &mut Refused,
) -> Result<Vec<Measurement>, LabError> {
    let met = probe_for(mounted.disk, asked, stage)?;
    let now = mounted.disk.stats()?.refused;
    let count = |of: fn(&Refused) -> u64| of(&now).saturating_sub(of(before));
    let kinds = [
        ("fsync", asked.fsync > 0.0, met.fsync, count(|refused| refused.fsync)),
        ("write", asked.write > 0.0, met.write, count(|refused| refused.write)),
        ("read", asked.read > 0.0, met.read, count(|refused| refused.read)),
        ("growth", asked.room.is_some(), met.full, count(|refused| refused.full)),
    ];
    *before = now;
    let asked = kinds.into_iter().filter(|(_, asked, ..)| *asked);
    let struck = asked.map(|(call, _, met, count)| Struck { call, met, count });
    Ok(struck.map(|struck| struck.measured(mounted.node, stage)).collect())
}

/// One kind of error: whether a probe met it, and how often the node did.
struct Struck {
    call: &'static str,
    met: bool,
    count: u64,
}

impl Struck {
    fn measured(&self, node: NodeId, stage: Stage) -> Measurement {
        let Self { call, met, count } = *self;
        let error = if call == "growth" { "ENOSPC" } else { "EIO" };
        let probe = if met { format!("failed with {error}") } else { "worked".to_owned() };
        let healed = stage == Stage::Healed;
        let own = match healed {
            true => String::new(),
            false => format!("; {node}'s own failed {count} times since"),
        };
        Measurement {
            what: format!("{call} of a probe on {node}'s disk"),
            result: format!("{probe}{own}"),
            // A disk with room left refuses nothing yet, which only the node's own calls show.
            holds: if healed { !met } else { met || count > 0 },
        }
    }
}

/// Which errors a probe met.
#[derive(Default)]
struct Met {
    fsync: bool,
    write: bool,
    read: bool,
    full: bool,
}

impl Met {
    fn add(&mut self, probe: &Probe) {
        let is = |error: Option<&io::Error>, number: nix::errno::Errno| {
            error.and_then(io::Error::raw_os_error) == Some(number as i32)
        };
        self.fsync |= is(probe.fsync.as_ref().err(), nix::errno::Errno::EIO);
        self.write |= is(probe.write.as_ref().err(), nix::errno::Errno::EIO);
        self.read |= is(probe.read.as_ref().err(), nix::errno::Errno::EIO);
        self.full |= is(probe.write.as_ref().err(), nix::errno::Errno::ENOSPC);
    }

    fn has_all(&self, asked: &Errors) -> bool {
        (self.fsync || asked.fsync == 0.0)
            && (self.write || asked.write == 0.0)
            && (self.read || asked.read == 0.0)
            && (self.full || asked.room != Some(0))
    }
}

/// Probes until all that was asked for was met; once if nothing may be met any more.
fn probe_for(disk: &Disk, asked: &Errors, stage: Stage) -> Result<Met, LabError> {
    let mut met = Met::default();
    let tries = if stage == Stage::Healed { 1 } else { TRIES };
    for _ in 0..tries {
        met.add(&disk.probe()?);
        if met.has_all(asked) {
            break;
        }
    }
    Ok(met)
}

/// Measures a slow disk by the fsync of a probe: it takes as long as was asked, or less than that
/// after the heal.
///
/// # Errors
/// When the disk cannot be asked or probed, or refuses the fsync.
pub fn slow(
    Mounted { node, disk }: Mounted<'_>,
    asked: Latency,
    stage: Stage,
) -> Result<Vec<Measurement>, LabError> {
    let healed = stage == Stage::Healed;
    let mut took = fsync(disk)?;
    for _ in 1..FAST_TRIES {
        if !healed || took < asked.least {
            break;
        }
        took = took.min(fsync(disk)?);
    }
    let own = disk.stats()?.fsync_took;
    let own = own.map_or_else(
        || format!("{node} has not called it since"),
        |(least, most)| format!("{node}'s own took {} to {}", millis(least), millis(most)),
    );
    let wanted = if healed { "less than" } else { "at least" };
    Ok(vec![Measurement {
        what: format!("fsync of a probe on {node}'s disk"),
        result: format!("took {} (expected {wanted} {}); {own}", millis(took), millis(asked.least)),
        holds: (took >= asked.least) != healed,
    }])
}

/// How long the fsync of a probe takes.
fn fsync(disk: &Disk) -> Result<Duration, LabError> {
    let doing = || "fsync a probe".to_owned();
    disk.probe()?.fsync.map_err(|source| LabError::System { doing: doing(), source })
}

/// `203 ms`, `1.2 ms`.
fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 10.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}
