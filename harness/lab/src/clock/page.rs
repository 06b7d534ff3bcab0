//! The page that says what a node's wall clock shows: written by the harness, read by every
//! program of the node, at every clock call.
//!
//! A node gets a descriptor that cannot write. So there is no count of the reads in here: it would
//! let a node's mistakes change its clock, and make all its threads fight for one line of the
//! cache at every call. That the page is read is shown by what a program's calls return.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::super::error::{Doing, LabError};
use super::setting::{Clock, Setting};

/// The name by which the page is found in the maps of a process.
pub(super) const NAME: &str = "/memfd:fracas-clock";

/// What is mapped into programs: one page of memory. The supervisor's notes follow it.
pub(super) const MAP_BYTES: usize = 4096;

/// Where the first of the two slots begins, one line of the cache after the byte `turn`.
pub(super) const SLOTS_AT: usize = 64;

/// How long a slot is.
pub(super) const SLOT_BYTES: usize = 32;

/// How much is kept of the reason why a program did not get the clock.
const REASON_MAX: usize = 400;

/// A node's clock. Copies are the same clock; it outlives the node's processes.
#[derive(Debug, Clone)]
pub struct ClockPage(Arc<Shared>);

/// What copies of a page share.
#[derive(Debug)]
struct Shared {
    file: File,
    now: Mutex<Now>,
}

/// What the page says at present.
#[derive(Debug, Default)]
struct Now {
    turn: u8,
    asked: Option<Clock>,
    setting: Setting,
}

/// What a node's supervisor did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Programs that were given the clock.
    pub given: u64,
    /// Programs that run without it.
    pub missed: u64,
    /// Why the last of these does.
    pub reason: String,
}

impl ClockPage {
    /// A true clock.
    ///
    /// # Errors
    /// If the kernel has no memory files.
    pub fn new() -> Result<Self, LabError> {
        const SHORT: &CStr = c"fracas-clock";
        let file = memfd_create(SHORT, MFdFlags::MFD_CLOEXEC).map(File::from);
        let file = file.doing(|| "make a clock page".into())?;
        file.set_len(2 * MAP_BYTES as u64).doing(|| "size a clock page".into())?;
        Ok(Self(Arc::new(Shared { file, now: Mutex::default() })))
    }

    /// The page behind a descriptor that was handed over. It knows nothing of what was asked.
    pub(crate) fn handed(descriptor: OwnedFd) -> Self {
        Self(Arc::new(Shared { file: File::from(descriptor), now: Mutex::default() }))
    }

    /// Makes the clock wrong, in all programs of the node at once and from their next call on.
    /// What it was before is forgotten.
    ///
    /// # Errors
    /// If `clock` makes no sense.
    pub fn set(&self, clock: Clock) -> Result<(), LabError> {
        let setting = Setting::of(&clock, true_time())?;
        self.show(setting, Some(clock))
    }

    /// Makes the clock right, at once: a clock that was ahead jumps back.
    ///
    /// # Errors
    /// If the page cannot be written, which does not happen.
    pub fn heal(&self) -> Result<(), LabError> {
        self.show(Setting::default(), None)
    }

    /// How the clock was asked to be wrong; none if it is right.
    #[must_use]
    pub fn asked(&self) -> Option<Clock> {
        self.now().asked
    }

    /// The setting.
    pub(super) fn setting(&self) -> Setting {
        self.now().setting
    }

    /// Fills the slot that nobody reads, then turns to it: one byte, so no half of it is ever seen.
    fn show(&self, setting: Setting, asked: Option<Clock>) -> Result<(), LabError> {
        let mut now = self.now();
        let turn = now.turn.wrapping_add(1);
        let slot = SLOTS_AT + SLOT_BYTES * usize::from(turn % 2);
        let written = self.0.file.write_all_at(&setting.bytes(), slot as u64);
        written
            .and_then(|()| self.0.file.write_all_at(&[turn], 0))
            .doing(|| "set a clock".into())?;
        *now = Now { turn, asked, setting };
        Ok(())
    }

    /// The present state, for this thread alone; the last assignment to it is a whole one.
    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the supervisor wrote.
    ///
    /// # Errors
    /// If the page cannot be read, which does not happen.
    pub fn tally(&self) -> Result<Tally, LabError> {
        let mut bytes = [0; 16 + REASON_MAX];
        let read = self.0.file.read_exact_at(&mut bytes, MAP_BYTES as u64);
        read.doing(|| "read the notes of a clock's supervisor".into())?;
        let (numbers, reason) = bytes.split_at(16);
        let number =
            |at: usize| numbers[at..at + 8].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
        let reason = reason.split(|byte| *byte == 0).next().unwrap_or_default();
        let reason = String::from_utf8_lossy(reason).into_owned();
        Ok(Tally { given: number(0), missed: number(8), reason })
    }

    /// Writes what the supervisor did, where programs of the node do not see it.
    pub(super) fn note(&self, tally: &Tally) -> io::Result<()> {
        let mut bytes = [tally.given.to_le_bytes(), tally.missed.to_le_bytes()].concat();
        bytes.extend(tally.reason.bytes().take(REASON_MAX - 1));
        bytes.resize(16 + REASON_MAX, 0);
        self.0.file.write_all_at(&bytes, MAP_BYTES as u64)
    }

    /// A descriptor of the page that cannot write, whatever is tried with it.
    pub(super) fn read_only(&self) -> Result<File, LabError> {
        let path = format!("/proc/self/fd/{}", self.0.file.as_raw_fd());
        File::open(path).doing(|| "open a clock page to read".into())
    }
}

impl AsFd for ClockPage {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.file.as_fd()
    }
}

/// Two launches are equal if they mean the same clock.
impl PartialEq for ClockPage {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ClockPage {}

/// The true time in nanoseconds since 1970; the harness's own clock is never changed.
fn true_time() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
