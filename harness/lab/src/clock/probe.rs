//! Reads the clocks from inside a node, by a program of ours that gets there as every program of
//! the node does: by an exec under the node's supervisor.
//!
//! The C library's call, which is redirected, is put between two system calls, which are not: they
//! tell the true time before and after it. What must come out is not known here.
#![expect(unsafe_code, reason = "a clock is read twice, by the C library and around it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::error::{Doing, LabError};
use super::page::NAME;

/// The hidden argument that starts it: `fracas __node clock-probe 10 1000`.
pub(crate) const ARGUMENT: &str = "clock-probe";

/// How often one comparison is tried; the one with the least time between the system calls counts.
const TRIES: u32 = 16;

/// How many calls are timed at once, and how often.
const CALLS: u32 = 1_000;
const BATCHES: u32 = 15;

/// The most samples, and the longest time between two of them.
const SAMPLES_MAX: u32 = 1_000;
const EVERY_MAX: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const ANSWER_MAX: u64 = 120 * 1024;

/// How often a node's clocks are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampling {
    /// How many times, at most 1000.
    pub count: u32,
    /// The time from one to the next, at most five seconds.
    pub every: Duration,
}

/// One clock, by the C library and by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The true time, in nanoseconds of that clock, in the middle between the two system calls.
    pub at: i64,
    /// The time between the two.
    pub width: i64,
    /// How far the C library's answer is ahead of the middle, in nanoseconds.
    pub ahead: i64,
}

/// Both clocks at nearly the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The wall clock.
    pub wall: Compared,
    /// The monotonic clock.
    pub monotonic: Compared,
}

/// What was read inside a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The clocks, as often as was asked.
    pub samples: Vec<Sample>,
    /// What one call of the wall clock costs, in nanoseconds: the median of 15 thousand.
    pub call: f64,
    /// How many processes the node has, its init and this reader not counted.
    pub processes: usize,
    /// How many of them have the clock page in their memory.
    pub clocked: usize,
}

/// The program itself; returns the exit code.
pub(crate) fn probe_main(arguments: &[String]) -> u8 {
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u32>().ok());
    let (Some(count), Some(micros)) = (number(0), number(1)) else { return 1 };
    let mut samples = Vec::new();
    for place in 0..count.min(SAMPLES_MAX) {
        if place > 0 {
            std::thread::sleep(Duration::from_micros(micros.into()));
        }
        let (wall, monotonic) = (compare(libc::CLOCK_REALTIME), compare(libc::CLOCK_MONOTONIC));
        samples.push(Sample { wall, monotonic });
    }
    let reading = Reading { samples, call: call_cost(), processes: 0, clocked: 0 };
    match serde_json::to_writer(io::stdout(), &reading) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

/// Compares a clock's two ways several times and keeps the sharpest result.
fn compare(clock: libc::clockid_t) -> Compared {
    let once = |_| {
        let (before, told, after) = (by_kernel(clock), by_library(clock), by_kernel(clock));
        let at = before + (after - before) / 2;
        Compared { at, width: after - before, ahead: told - at }
    };
    (0..TRIES).map(once).min_by_key(|compared| compared.width).expect("it is tried")
}

/// What one call costs, in nanoseconds.
fn call_cost() -> f64 {
    let batch = |_| {
        let before = by_kernel(libc::CLOCK_MONOTONIC);
        for _ in 0..CALLS {
            std::hint::black_box(by_library(libc::CLOCK_REALTIME));
        }
        by_kernel(libc::CLOCK_MONOTONIC) - before
    };
    let mut batches: Vec<i64> = (0..BATCHES).map(batch).collect();
    batches.sort_unstable();
    let median = u32::try_from(batches[batches.len() / 2]).unwrap_or(u32::MAX);
    f64::from(median) / f64::from(CALLS)
}

/// A clock by the C library, in nanoseconds.
fn by_library(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for a timespec during the call.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    nanos(&time)
}

/// A clock by the kernel itself, in nanoseconds.
pub(super) fn by_kernel(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for a timespec during the call.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, &raw mut time) };
    nanos(&time)
}

fn nanos(time: &libc::timespec) -> i64 {
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Runs the program inside a node, and counts the node's processes; only the node's init can.
pub(crate) fn read(
    sampling: Sampling,
    env: &BTreeMap<String, String>,
) -> Result<Reading, LabError> {
    if sampling.count == 0 || sampling.count > SAMPLES_MAX || sampling.every > EVERY_MAX {
        return Err(LabError::Asked(format!("read a node's clock: {sampling:?}")));
    }
    let (processes, clocked) = count().doing(|| "count the processes with a clock".into())?;
    let every = sampling.every.as_micros().to_string();
    let mut command = Command::new("/proc/self/exe");
    command.args(["__node", ARGUMENT, &sampling.count.to_string(), &every]);
    command.envs(env).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().doing(|| "start the clock probe".into())?;
    let mut answer = Vec::new();
    let output = child.stdout.take().expect("it was asked for");
    let read = output.take(ANSWER_MAX).read_to_end(&mut answer);
    child.wait().doing(|| "wait for the clock probe".into())?;
    read.doing(|| "read the clock probe's answer".into())?;
    let reading: Reading = serde_json::from_slice(&answer)
        .map_err(|error| LabError::answer("read a node's clock", error.to_string()))?;
    Ok(Reading { processes, clocked, ..reading })
}

/// How many processes there are beside the init, and how many of them have the clock page.
fn count() -> io::Result<(usize, usize)> {
    let (mut processes, mut clocked) = (0, 0);
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        let is_process = name.as_encoded_bytes().iter().all(u8::is_ascii_digit) && name != "1";
        // One that has just ended has no memory.
        let maps = fs::read(entry.path().join("maps")).unwrap_or_default();
        if is_process && !maps.is_empty() {
            processes += 1;
            let found = maps.windows(NAME.len()).any(|window| window == NAME.as_bytes());
            clocked += usize::from(found);
        }
    }
    Ok((processes, clocked))
}
