//! What can go wrong in the lab. Every error says what was being done and, where somebody can do
//! something about it, how to mend it. Errors of a server under test are not here: they are
//! observations.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// A failure of the lab itself. It can be sent from one machine to another.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabError {
    /// The kernel refused.
    #[error("{doing}: {}", plain(source))]
    System {
        /// What was asked of it.
        doing: String,
        /// What it said.
        #[serde(with = "as_number")]
        source: io::Error,
    },
    /// This machine lacks something, and someone can add it.
    #[error("{what}: {why}; {mend}")]
    Unavailable {
        /// What was wanted.
        what: String,
        /// What was found instead.
        why: String,
        /// How to mend it.
        mend: String,
    },
    /// What was asked makes no sense.
    #[error("{0}")]
    Asked(String),
    /// The process that runs inside, or a node, reported this.
    #[error("{0}")]
    Reported(String),
    /// Nothing came in time.
    #[error("{doing}: nothing came within {after:?}")]
    Timeout {
        /// What was being done.
        doing: String,
        /// How long was waited.
        after: Duration,
    },
    /// An answer of the kernel, a helper or a program could not be understood.
    #[error("{doing}: unexpected answer: {found}")]
    Answer {
        /// What was being done.
        doing: String,
        /// What came, and what was expected.
        found: String,
    },
    /// A process of our own ended: nothing that this machine lacks.
    #[error("{doing}: the process that does it ended")]
    Ended {
        /// What was asked of it.
        doing: String,
    },
    /// The process inside the lab was ended by a signal.
    #[error("run inside the lab: the process inside was ended by signal {0}")]
    InsideKilled(i32),
}

impl LabError {
    /// The kernel's error number, where the kernel refused.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::System { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// The same error, with `context`, which says what was being done, before it.
    pub fn within(self, context: &str) -> Self {
        let put = |text: String| format!("{context}: {text}");
        match self {
            Self::System { doing, source } => Self::System { doing: put(doing), source },
            Self::Unavailable { what: attempt, why, mend } => {
                Self::Unavailable { what: put(attempt), why, mend }
            }
            Self::Asked(text) => Self::Asked(put(text)),
            Self::Reported(text) => Self::Reported(put(text)),
            Self::Timeout { doing, after } => Self::Timeout { doing: put(doing), after },
            Self::Answer { doing, found } => Self::Answer { doing: put(doing), found },
            Self::Ended { doing } => Self::Ended { doing: put(doing) },
            Self::InsideKilled(signal) => Self::InsideKilled(signal),
        }
    }

    /// An answer that could not be understood.
    pub fn answer(doing: &str, found: impl Into<String>) -> Self {
        Self::Answer { doing: doing.to_owned(), found: found.into() }
    }

    /// The refusal of `errno` to do `doing`.
    pub(crate) fn refused(doing: &str, errno: i32) -> Self {
        Self::System { doing: doing.to_owned(), source: io::Error::from_raw_os_error(errno) }
    }
}

/// An error of the kernel as its number; any other as its words.
mod as_number {
    use std::io;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(error: &io::Error, to: S) -> Result<S::Ok, S::Error> {
        error.raw_os_error().ok_or_else(|| error.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<io::Error, D::Error> {
        let told: Result<i32, String> = Result::deserialize(from)?;
        Ok(told.map_or_else(io::Error::other, io::Error::from_raw_os_error))
    }
}

/// An error on its way from one of our processes to another: a sentence, or all that is known of
/// what this machine lacks, so that the advice is not lost on the way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// [`LabError::Unavailable`].
    Unavailable { what: String, why: String, mend: String },
    /// [`LabError::System`]: whether somebody ran out of something must not be lost on the way.
    System { doing: String, errno: i32 },
    /// Any other.
    Other(String),
}

impl From<&LabError> for Told {
    fn from(error: &LabError) -> Self {
        match error {
            LabError::Unavailable { what: attempt, why, mend } => {
                Self::Unavailable { what: attempt.clone(), why: why.clone(), mend: mend.clone() }
            }
            LabError::System { doing, source } => match source.raw_os_error() {
                Some(errno) => Self::System { doing: doing.clone(), errno },
                None => Self::Other(error.to_string()),
            },
            other => Self::Other(other.to_string()),
        }
    }
}

impl Told {
    /// The error as it was.
    pub(crate) fn error(self) -> LabError {
        match self {
            Self::Unavailable { what: attempt, why, mend } => {
                LabError::Unavailable { what: attempt, why, mend }
            }
            Self::System { doing, errno } => LabError::refused(&doing, errno),
            Self::Other(text) => LabError::Reported(text),
        }
    }
}

/// The resource that this machine has run out of where the kernel refuses with `errno`, and how to
/// get more of it.
#[must_use]
pub fn scarce(errno: i32) -> Option<&'static str> {
    Some(match Errno::from_raw(errno) {
        Errno::EMFILE => "raise the limit of open files (`ulimit -n`, `ulimit -Hn`)",
        Errno::ENFILE => "raise `/proc/sys/fs/file-max`",
        Errno::ENOMEM => "give it more memory, or a higher limit (`ulimit -v`)",
        Errno::EAGAIN => "raise the limit of processes (`ulimit -u`, `pids.max` of its group)",
        Errno::ENOSPC => "free some space there, or keep the run elsewhere (`--out`)",
        Errno::EDQUOT => "raise the quota, or keep the run elsewhere (`--out`)",
        Errno::EFBIG => "raise the limit of a file's size (`ulimit -f`)",
        _ => return None,
    })
}

/// The kernel's sentence without Rust's addition of the number.
fn plain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => {
            let errno = Errno::from_raw(number);
            format!("{} ({errno:?})", errno.desc().to_lowercase())
        }
        None => error.to_string(),
    }
}

/// Says what was being done when something failed.
pub(crate) trait Doing<T> {
    /// Turns the error into one that says so.
    fn doing(self, act: impl FnOnce() -> String) -> Result<T, LabError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, act: impl FnOnce() -> String) -> Result<T, LabError> {
        self.map_err(|source| LabError::System { doing: act(), source })
    }
}

impl<T> Doing<T> for Result<T, Errno> {
    fn doing(self, act: impl FnOnce() -> String) -> Result<T, LabError> {
        self.map_err(io::Error::from).doing(act)
    }
}
