//! How large a directory is, as data.

use serde::{Deserialize, Serialize};

/// How large a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Size {
    /// Regular files and links.
    pub files: u64,
    /// Bytes in regular files.
    pub bytes: u64,
}
