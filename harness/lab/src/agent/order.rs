//! What an agent can be ordered to do, as data.

use std::path::PathBuf;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::{Cut, Stage};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Means, Sampling};
use crate::disk::{Errors, Latency, Loss, Model};
use crate::launch::Program;
use crate::packets::Shaping;
use crate::reach::Reach;
use crate::resources::{Duty, Resource};

/// An order. Paths are names below the directory of a node, unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Tell where the nodes are, and by what means their network is broken.
    Facts,
    /// Give a node this, before it is started.
    Equip(NodeId, Equip),
    /// Write a file with this text, durably.
    Write(NodeId, PathBuf, String),
    /// See whether a preparation is there, or begin to make it: in the world of a node that is not
    /// running, and that runs the program until it has ended.
    Prepare(Box<Prepare>),
    /// Keep what the program has made, which has ended.
    Keep,
    /// Leave nothing of what the program has made, which has ended; tell so many of its last lines.
    Abandon(usize),
    /// Copy the preparation into a directory of a node that is not running, durably.
    Furnish(NodeId, PathBuf),
    /// Read a log of a node, or leave it; no link in its path is followed.
    Log(NodeId, PathBuf, LogOrder),
    /// Start a node that is not running, with its first process.
    Start(Box<Start>),
    /// Start a further process in a node that is running, or one again that was killed alone.
    Begin(NodeId, Box<Program>),
    /// Stop the process of this name, with all that descends from it, and no other.
    PauseProcess(NodeId, String),
    /// Let it go on.
    ResumeProcess(NodeId, String),
    /// Kill it.
    KillProcess(NodeId, String),
    /// Let a node's disks show what they have where a failed fsync left something newer in memory.
    /// It must not be running.
    Evict(NodeId),
    /// Remove all that is in a directory of a node, which must not be running.
    Empty(NodeId, PathBuf),
    /// Stop all processes of a node.
    Pause(NodeId),
    /// Let them go on.
    Resume(NodeId),
    /// Kill them.
    Kill(NodeId),
    /// Send every process that was started a signal; kill what is left when all have ended, or after
    /// this time.
    Terminate(NodeId, StopSignal, Duration),
    /// Tell whether the server, or one of several processes, has ended by itself since it was started.
    /// The node is gone then.
    Ended(NodeId),
    /// Tell whether something of ours has ended that nodes need; asks each if that is wanted.
    Lost {
        /// Whether each must answer.
        ask: bool,
    },
    /// Tell whether the kernel has killed processes for lack of memory.
    Memory,
    /// Run a program where a node's server is, within this time.
    Run(NodeId, Vec<String>, Duration),
    /// Run a program there, and tell how it ended, in whatever way.
    Attempt(NodeId, Vec<String>, Duration),
    /// Make durable all that a node has written so far.
    Settle(NodeId),
    /// Make the wall clock of a node wrong, or right.
    Clock(NodeId, Option<Clock>),
    /// Read the clocks of a node, from inside.
    ReadClock(NodeId, Sampling),
    /// Tell how many programs of a node were given its clock.
    Tally(NodeId),
    /// Change how the disks of a node behave.
    Disk(NodeId, DiskChange),
    /// Let the disks of a node lose what is not durable. It must not be running.
    Lose(NodeId, Loss),
    /// Let a node have this much processor time, or all that it wants.
    Time(NodeId, Option<Duty>),
    /// Let no process of a node have more than this above what it has; or let it.
    Limit(NodeId, Resource, Option<u64>),
    /// Take all room on the small disks of a node, or give it back.
    Room(NodeId, bool),
    /// Make these directions the only ones that are cut.
    Cut(Vec<Cut>),
    /// Make these directions the only ones whose packets are shaped.
    Shape(Vec<(Cut, Shaping)>),
    /// Measure this at a stage of a fault.
    Measure(Measure, Stage),
}

/// What a node is given so that some faults can be brought about later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Equip {
    /// A directory of its own, durably.
    Dir(PathBuf),
    /// A wall clock of its own.
    Clock(Means),
    /// A small disk in this directory, of so many bytes.
    Small(PathBuf, u64),
    /// A disk that can be troubled.
    Disk {
        /// Where it keeps its data.
        backing: PathBuf,
        /// Where the server sees it.
        dir: PathBuf,
        /// When changes of names become durable.
        model: Model,
        /// How old un-fsynced data becomes before it is written back; none for never.
        age: Option<Duration>,
    },
    /// Processor time by rations, if it is starved of it.
    Rations,
}

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The node it is.
    pub node: NodeId,
    /// Its first process.
    pub program: Program,
    /// Other programs that will be started in it, as absolute paths where the node is.
    pub also: Vec<String>,
    /// How far its monotonic clock is ahead, in nanoseconds.
    pub monotonic_offset: i64,
    /// What it reaches of the machine beside what every server does.
    pub reach: Reach,
}

/// How a preparation is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// The folder that it is kept in, by an absolute path where the nodes are.
    pub cache: PathBuf,
    /// Its key, a number in hexadecimal.
    pub key: String,
    /// What it is for.
    pub name: String,
    /// How the program is started that makes it.
    pub start: Start,
}

/// How a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogOrder {
    /// Read the next chunk: lines written since the order before; the first time, from the
    /// beginning of the log.
    Next,
    /// Leave the rest of the log unread, and forget the position.
    Leave,
    /// Report which file the log is now, and its size.
    About,
    /// Read the last lines of the log.
    End {
        /// No line before this byte.
        from: u64,
        /// At most this many lines.
        count: usize,
    },
}

/// What asks a server to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopSignal {
    /// SIGTERM.
    Term,
    /// SIGINT.
    Int,
    /// SIGQUIT.
    Quit,
    /// SIGHUP.
    Hup,
    /// SIGKILL.
    Kill,
}

/// How a disk behaves from now on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskChange {
    /// These calls fail, and no others.
    Errors(Errors),
    /// An fsync takes this long.
    Latency(Latency),
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// That a node stands still.
    Pause(NodeId),
    /// That one process of a node stands still, and the others do not.
    PausedProcess(NodeId, String),
    /// That one process of a node is gone, and the others are not; when healed, that it is back.
    KilledProcess(NodeId, String),
    /// That a node is gone; when healed, that it is back.
    Kill(NodeId),
    /// That a node ended after its signal; when healed, that it is back.
    Stop(NodeId),
    /// That a node runs this program, as an absolute path where the node is.
    Program(NodeId, PathBuf),
    /// That nothing passes along these directions.
    Cut(Vec<Cut>),
    /// That packets along these directions fare so.
    Shaped(Vec<(Cut, Shaping)>),
    /// That the wall clock of a node is wrong as it was asked to be.
    Clock(NodeId),
    /// That the monotonic clock of a node is ahead by so many nanoseconds.
    Shift(NodeId, i64),
    /// That the disks of a node behave so.
    Disk(NodeId, DiskChange),
    /// That a node has this much processor time.
    Time(NodeId, Duty),
    /// That the processes of a node are limited.
    Limit(NodeId, Resource),
    /// That the small disks of a node are full.
    Full(NodeId),
}
