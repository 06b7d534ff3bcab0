//! The program `fracas`, which examples run as a user does.

use std::env;
use std::path::{Path, PathBuf};

/// The program that was built beside this one.
pub(crate) fn program() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("failed to find itself: {error}"))?;
    let beside = own.parent().and_then(Path::parent).map(|dir| dir.join("fracas"));
    beside.ok_or_else(|| "failed to find `fracas` beside itself".to_owned())
}
