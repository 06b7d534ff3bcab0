//! Why a cluster could not be started.

use std::path::PathBuf;

use fracas_checker::event::NodeId;
use fracas_lab::LabError;

/// Why a cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The lab refused.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A file of the target could not be written.
    #[error("{error}")]
    File {
        /// Whose file.
        node: NodeId,
        /// Which.
        path: PathBuf,
        /// Why.
        error: LabError,
    },
}
