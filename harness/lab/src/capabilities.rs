//! What this process may do beyond an ordinary one, as the kernel tells it.

use std::fs;

use super::error::{Doing, LabError};

/// The capabilities that this process has in effect, a bit each.
pub(crate) fn capabilities() -> Result<u64, LabError> {
    let status =
        fs::read_to_string("/proc/self/status").doing(|| "read own capabilities".into())?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .ok_or_else(|| LabError::answer("read own capabilities", "no line `CapEff:`"))
}
