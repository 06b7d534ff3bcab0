//! Tries a small disk in a scratch directory, by the same measurements as in a run, to learn whether
//! this machine can have one.

use std::fs;
use std::path::Path;

use fracas_checker::fault::Stage;

use super::{SmallDisk, proof};
use crate::error::{Doing, LabError};
use crate::scratch::scratch;

/// Fills a small disk and makes room on it again. To be called inside a world. Returns how it went.
///
/// # Errors
/// Why it does not work here.
pub fn try_small_disk() -> Result<String, LabError> {
    let dir = scratch("fracas-trial");
    let doing = || format!("use `{}`", dir.display());
    fs::create_dir_all(&dir).doing(doing)?;
    let tried = fill(&dir);
    fs::remove_dir(&dir).doing(doing)?;
    tried
}

fn fill(dir: &Path) -> Result<String, LabError> {
    let disk = SmallDisk::mount(dir, 1 << 20)?;
    fs::write(dir.join("file"), "something").doing(|| format!("use `{}`", dir.display()))?;
    disk.fill()?;
    let mut measured = proof::full(&disk, Stage::Injected)?;
    disk.make_room()?;
    measured.extend(proof::full(&disk, Stage::Healed)?);
    match measured.iter().find(|measurement| !measurement.holds) {
        None => Ok(format!("worked, by {} measurements", measured.len())),
        Some(measurement) => Err(LabError::Reported(format!(
            "it had no effect: {}: {}",
            measurement.what, measurement.result
        ))),
    }
}
