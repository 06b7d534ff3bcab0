//! Released versions, as `targets/reproductions/fetch.sh` fetches them.

use std::path::Path;
use std::process::{Command, Stdio};

/// The script.
const SCRIPT: &str = "targets/reproductions/fetch.sh";

/// The directory of a version, none where nothing had to be fetched; else why it cannot be had.
pub(crate) type Fetched = Result<Option<String>, String>;

/// Fetches a version, unless it is in the cache.
pub(crate) fn fetch(request: &[String], cache: &Path) -> Fetched {
    if request.is_empty() {
        return Ok(None);
    }
    let output = Command::new(SCRIPT).arg(cache).args(request).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{SCRIPT}: {error}"))?;
    if output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()));
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|line| !line.trim().is_empty());
    Err(last.unwrap_or("it gave no reason").trim().to_owned())
}
