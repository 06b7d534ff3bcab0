//! Why a run could not take place.

use crate::start_error::StartError;
use crate::store::StoreError;
use fracas_lab::{LabError, scarce};

/// Why a run could not be carried out. What the target does wrong is in the history instead.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The target broke before testing.
    #[error("{0}")]
    Target(String),
    /// A client program does not keep to its protocol.
    #[error("test the target: {0}")]
    Client(String),
    /// The machine cannot do what was asked.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The run could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There can be no run directory where it was asked for.
    #[error("{0}")]
    Out(StoreError),
    /// The history could not be written.
    #[error("write the history: {0}")]
    History(std::io::Error),
    /// The target's templates could not be filled in.
    #[error("{0}")]
    Render(String),
    /// A part of the harness failed.
    #[error("go on: {0}")]
    Bug(String),
    /// The runtime could not be started.
    #[error("start the runtime: {0}")]
    Runtime(std::io::Error),
}

impl RunError {
    /// What was asked of the kernel when it refused, if that is why.
    fn errno(&self) -> Option<i32> {
        match self {
            Self::Lab(error) => error.errno(),
            Self::Store(StoreError::Io { error, .. }) | Self::Out(StoreError::Io { error, .. }) => {
                error.raw_os_error()
            }
            Self::History(error) | Self::Runtime(error) => error.raw_os_error(),
            _ => None,
        }
    }

    /// How to give this machine more of a resource that it has run out of, if that is the reason.
    #[must_use]
    pub fn mend(&self) -> Option<&'static str> {
        self.errno().and_then(scarce)
    }
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        match error {
            // A server that cannot be executed is the target's trouble, not the machine's.
            StartError::Lab(LabError::Reported(why)) => Self::Target(why),
            StartError::Lab(error) => Self::Lab(error),
            StartError::File { error, .. } if error.errno().and_then(scarce).is_some() => {
                Self::Lab(error)
            }
            StartError::File { .. } => Self::Target(error.to_string()),
        }
    }
}
