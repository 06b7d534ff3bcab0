//! What a disk of ours costs: the same file operations on it and beside it, timed.
//!
//! Rates of a busy machine are noisy: only the ratio of two measured one after the other means
//! something.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::LabError;
use crate::error::Doing;

/// How long each operation is repeated.
const EACH: Duration = Duration::from_millis(300);

/// How often, where it need not be known so well.
const FEW: u32 = 31;

/// The most repetitions.
const MOST: u32 = 1_000_000;

/// How long the records are that are appended, and the pages that are read.
const RECORD: usize = 256;
const PAGE: usize = 4096;

/// How large the file is that is written from end to end.
const LARGE: usize = 32 << 20;

/// The size of one write to it.
const CHUNK: usize = 128 << 10;

/// What a directory's file system manages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Records of 256 bytes appended and fsynced, one by one, per second.
    pub fsynced_appends: f64,
    /// The same without fsync.
    pub appends: f64,
    /// Pages of 4096 bytes read, all cached, per second.
    pub reads: f64,
    /// Megabytes written from end to end, per second.
    pub megabytes: f64,
}

/// Measures the file system of a directory, with a file there that is removed afterwards.
///
/// # Errors
/// When one of the operations fails.
pub fn measure(directory: &Path) -> Result<Rates, LabError> {
    let path = directory.join("fracas-overhead");
    let measured = measure_file(&path).doing(|| format!("measure `{}`", directory.display()));
    // What is left of a failed attempt is the smaller problem.
    let _left = remove_file(&path);
    measured
}

/// How long it takes to append a record of 256 bytes and to fsync it, in a file there that is
/// removed afterwards: half take no longer.
///
/// # Errors
/// When one of the operations fails.
pub fn fsynced_append(directory: &Path) -> Result<Duration, LabError> {
    let path = directory.join("fracas-overhead");
    let opened = OpenOptions::new().append(true).create(true).open(&path);
    let measured = opened.and_then(|mut file| {
        let once = |_| {
            let begun = Instant::now();
            append_durably(&mut file).map(|()| begun.elapsed())
        };
        (0..FEW).map(once).collect::<Result<Vec<_>, _>>()
    });
    let _left = remove_file(&path);
    let mut times = measured.doing(|| format!("fsync in `{}`", directory.display()))?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Appends a record and makes it durable.
fn append_durably(file: &mut File) -> std::io::Result<()> {
    file.write_all(&[7; RECORD])?;
    file.sync_data()
}

fn measure_file(path: &Path) -> std::io::Result<Rates> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).append(true).create(true).open(path)?;
    let fsynced_appends = rate(&mut file, append_durably)?;
    let appends = rate(&mut file, |file| file.write_all(&[7; RECORD]))?;
    file.write_all(&[7; PAGE])?;
    let reads = rate(&mut file, |file| {
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut [0; PAGE])
    })?;
    file.set_len(0)?;
    let (begun, chunk) = (Instant::now(), vec![7; CHUNK]);
    for _ in 0..LARGE / CHUNK {
        file.write_all(&chunk)?;
    }
    let megabytes = LARGE as f64 / 1e6 / begun.elapsed().as_secs_f64();
    Ok(Rates { fsynced_appends, appends, reads, megabytes })
}

/// How often per second something can be done to a file.
fn rate(
    file: &mut File,
    mut once: impl FnMut(&mut File) -> std::io::Result<()>,
) -> std::io::Result<f64> {
    let begun = Instant::now();
    let mut count = 0;
    while count < MOST && begun.elapsed() < EACH {
        once(file)?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
