//! What a node keeps on its disk: the ballot and the log. Everything is synced before a call
//! returns. It does not decide what to keep.
//!
//! `ballot` is replaced as a whole: temporary file, sync, rename, sync of the directory. `log` is a
//! journal of splices, one line each, only ever appended to. Every line carries a checksum. A line
//! at the end that is not whole was being written when the node died; nobody was told of it, so it
//! is cut off. Anything else that is not whole is corruption, and the node refuses to start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::Saved;
use crate::log::Log;
use crate::messages::{Ballot, Splice};

/// Why the disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{act} `{}`: {source}", path.display())]
    Io {
        /// What was being done.
        act: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file does not hold what was written to it.
    #[error("read `{}`: {problem}; expected what this node wrote, refusing to guess", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// The open files of a node.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    log: File,
}

impl Store {
    /// Opens `dir`, which is made if it is missing, and reads what is there.
    ///
    /// # Errors
    /// If a file cannot be read or written, or is corrupt.
    pub fn open(dir: &Path) -> Result<(Self, Saved), StoreError> {
        fs::create_dir_all(dir).map_err(io_error("create", dir))?;
        let path = dir.join("log");
        let (log, whole) = read_log(&path)?;
        let ballot = read_ballot(&dir.join("ballot"), &log)?;
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(io_error("open", &path))?;
        file.set_len(whole).map_err(io_error("cut off the end of", &path))?;
        file.sync_all().map_err(io_error("sync", &path))?;
        let mut store = Self { dir: dir.to_owned(), log: file };
        // Also syncs the directory, and with it the name of a new log.
        store.save_ballot(&ballot)?;
        Ok((store, Saved { ballot, log }))
    }

    /// Replaces the ballot.
    ///
    /// # Errors
    /// If the disk refuses; the ballot is then the old one or the new one.
    pub fn save_ballot(&mut self, ballot: &Ballot) -> Result<(), StoreError> {
        let (temporary, path) = (self.dir.join("ballot.new"), self.dir.join("ballot"));
        let mut file = File::create(&temporary).map_err(io_error("create", &temporary))?;
        file.write_all(&line(ballot)).map_err(io_error("write", &temporary))?;
        file.sync_all().map_err(io_error("sync", &temporary))?;
        fs::rename(&temporary, &path).map_err(io_error("rename to", &path))?;
        let dir = File::open(&self.dir).map_err(io_error("open", &self.dir))?;
        dir.sync_all().map_err(io_error("sync", &self.dir))
    }

    /// Appends to the journal of the log.
    ///
    /// # Errors
    /// If the disk refuses; the splice then happened or did not.
    pub fn save_splice(&mut self, splice: &Splice) -> Result<(), StoreError> {
        let path = || self.dir.join("log");
        self.log.write_all(&line(splice)).map_err(|e| io_error("append to", &path())(e))?;
        self.log.sync_data().map_err(|e| io_error("sync", &path())(e))
    }
}

/// A node that has a log has voted, so a ballot that is missing beside a log was lost.
fn read_ballot(path: &Path, log: &Log) -> Result<Ballot, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if log.last_index() == 0 {
                Ok(Ballot::default())
            } else {
                Err(corrupt(path, "it is missing, though there is a log".into()))
            };
        }
        Err(error) => return Err(io_error("read", path)(error)),
    };
    let whole = text.strip_suffix(b"\n").and_then(parse);
    whole.ok_or_else(|| corrupt(path, "its checksum does not match".into()))
}

/// The log, and how many bytes of its file are whole.
fn read_log(path: &Path) -> Result<(Log, u64), StoreError> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Log::default(), 0)),
        text => text.map_err(io_error("read", path))?,
    };
    let mut log = Log::default();
    let mut whole = 0;
    for (number, bytes) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let line = number + 1;
        let Some(splice) = bytes.strip_suffix(b"\n").and_then(parse::<Splice>) else {
            if whole + bytes.len() < text.len() {
                return Err(corrupt(path, format!("the checksum of line {line} does not match")));
            }
            break;
        };
        if !log.splice(splice) {
            return Err(corrupt(path, format!("line {line} leaves a gap in the log")));
        }
        whole += bytes.len();
    }
    Ok((log, whole as u64))
}

/// A checksum, a space, JSON, a line feed.
fn line(value: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(value).expect("plain data is JSON");
    let mut line = format!("{:016x} ", checksum(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    line
}

/// What a line holds, if it is whole.
fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (sum, json) = line.split_at_checked(17)?;
    let sum = u64::from_str_radix(std::str::from_utf8(sum).ok()?.strip_suffix(' ')?, 16).ok()?;
    if sum != checksum(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// FNV-1a: tells a torn or damaged line from a whole one. It is no defence against malice.
fn checksum(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(BASIS, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(PRIME))
}

fn io_error(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { act, path: path.to_owned(), source }
}

fn corrupt(path: &Path, problem: String) -> StoreError {
    StoreError::Corrupt { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Command, Entry};

    fn splice(from: u64, generations: &[u64]) -> Splice {
        let entry = |&generation| Entry { generation, command: Command::Noop };
        Splice { from, entries: generations.iter().map(entry).collect() }
    }

    /// A directory in which a node wrote a ballot and two splices.
    fn written() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, saved) = Store::open(dir.path()).unwrap();
        assert_eq!(saved, Saved::default());
        store.save_ballot(&Ballot { generation: 7, vote: Some("n2".into()) }).unwrap();
        store.save_splice(&splice(1, &[1, 1, 1])).unwrap();
        store.save_splice(&splice(3, &[2, 2])).unwrap();
        dir
    }

    fn generations(log: &Log) -> Vec<u64> {
        log.tail(1, usize::MAX).iter().map(|entry| entry.generation).collect()
    }

    #[test]
    fn what_was_saved_is_found_again() {
        let dir = written();
        let (_, saved) = Store::open(dir.path()).unwrap();
        assert_eq!(saved.ballot, Ballot { generation: 7, vote: Some("n2".into()) });
        assert_eq!(generations(&saved.log), [1, 1, 2, 2]);
    }

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
        let whole = fs::read(written().path().join("log")).unwrap();
        let first = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for length in (first..whole.len()).step_by(5) {
            let dir = written();
            fs::write(dir.path().join("log"), &whole[..length]).unwrap();
            let (mut store, saved) = Store::open(dir.path()).unwrap();
            assert_eq!(generations(&saved.log), [1, 1, 1], "cut at {length}");
            store.save_splice(&splice(4, &[3])).unwrap();
            assert_eq!(generations(&Store::open(dir.path()).unwrap().1.log), [1, 1, 1, 3]);
        }
    }

    #[test]
    fn a_damaged_byte_before_the_last_line_is_corruption() {
        let dir = written();
        let path = dir.path().join("log");
        let mut text = fs::read(&path).unwrap();
        text[20] ^= 1;
        fs::write(&path, text).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn a_lost_ballot_is_corruption() {
        let dir = written();
        fs::remove_file(dir.path().join("ballot")).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}
