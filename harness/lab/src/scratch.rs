//! Names for what is tried for a moment.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// A path of our own where temporary files are. Process numbers begin anew in every world, so two
/// doctors at once would meet: the time tells them apart.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::env::temp_dir().join(format!("{name}-{}", since.as_nanos()))
}
