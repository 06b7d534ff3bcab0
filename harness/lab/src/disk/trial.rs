//! Tries a disk in a scratch directory, by the same measurements as in a run, to learn whether this
//! machine can have one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};

use super::{Disk, DiskSpec, Errors, Latency, Loss, Model, WRITE_BACK_AFTER, proofs};
use crate::LabError;
use crate::error::Doing;
use crate::scratch::scratch;

/// Mounts a disk, loses what was not fsynced, lets it fail and heals it. To be called inside a
/// world. Returns how it went.
///
/// # Errors
/// Why it does not work here, with how to mend it where that is known.
pub fn attempt() -> Result<String, LabError> {
    let scratch = Scratch::make()?;
    let disk = Disk::mount(&DiskSpec {
        backing: scratch.0.clone(),
        mountpoint: scratch.0.clone(),
        model: Model::Ext4,
        latency: Latency::NONE,
        write_back_after: WRITE_BACK_AFTER,
        seed: 0,
    })?;
    let mut measured = vec![power_failure(&disk, &scratch.0)?];
    let (asked, node) =
        (Errors { fsync: 1.0, ..Errors::NONE }, proofs::Mounted { node: NodeId(1), disk: &disk });
    let mut counted = disk.stats()?.refused;
    disk.fail(asked)?;
    measured.extend(proofs::errors(node, &asked, Stage::Injected, &mut counted)?);
    disk.fail(Errors::NONE)?;
    measured.extend(proofs::errors(node, &asked, Stage::Healed, &mut counted)?);
    match measured.iter().find(|measurement| !measurement.holds) {
        None => Ok(format!("worked, by {} measurements", measured.len())),
        Some(Measurement { what: name, result, .. }) => {
            Err(LabError::Reported(format!("it had no effect: {name}: {result}")))
        }
    }
}

/// Writes two records, one of them fsynced, and loses the other.
fn power_failure(disk: &Disk, directory: &Path) -> Result<Measurement, LabError> {
    let path = directory.join("record");
    let doing = || format!("write `{}`", path.display());
    let mut file = OpenOptions::new().append(true).create(true).open(&path).doing(doing)?;
    file.write_all(b"kept").and_then(|()| file.sync_all()).doing(doing)?;
    file.write_all(b", lost").doing(doing)?;
    drop(file);
    let lost = proofs::loss(NodeId(1), &disk.lose(Loss::All)?);
    match fs::read(&path).doing(|| format!("read `{}`", path.display()))?.as_slice() {
        b"kept" => Ok(lost),
        other => Err(LabError::answer("lose data", format!("left {other:?}"))),
    }
}

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    /// Makes one where temporary files are.
    fn make() -> Result<Self, LabError> {
        let path = scratch("fracas-disk");
        fs::create_dir_all(&path).doing(|| format!("make `{}`", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!("failed to remove `{}`: {error}", self.0.display());
        }
    }
}
