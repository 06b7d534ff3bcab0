//! What a node keeps on its disk: the ballot and the log. Everything is synced before a call
//! returns. It does not decide what to keep.
//!
//! `ballot` is replaced as a whole: temporary file, sync, rename, sync of the directory. `log` is a
//! journal of splices, one line each, appended to while the node runs and written anew when it
//! starts. Every line carries a checksum. A line at the end that is not whole was being written
//! when the node died; nobody was told of it, so it is cut off. Anything else that is not whole is
//! corruption, and the node refuses to start.
//!
//! *A disk that is full* leaves everything as it was, and the call can be made again. *A disk that
//! fails* is the end: after a failed sync the operating system has thrown away what it could not
//! write, and the next sync succeeds without it. So the node must not go on; and the next one that
//! starts writes all it could read anew, because what can be read may still be in memory only.

use std::io;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bugs::Bug;
use crate::core::Saved;
use crate::disk::Disk;
use crate::log::Log;
use crate::messages::{Ballot, Splice};

const BALLOT: &str = "ballot";
const NEW_BALLOT: &str = "ballot.new";
const LOG: &str = "log";
const NEW_LOG: &str = "log.new";

/// With [`Bug::AckBeforeFsync`], how many splices are written before the log is synced.
const SPLICES_PER_SYNC: u64 = 64;

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

impl StoreError {
    /// Whether there was no room, so that the same can be tried again later.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Io { source, .. } if full.contains(&source.kind()))
    }
}

/// What a node keeps, and where.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    /// How long the log is, up to its last whole line.
    length: u64,
    splices: u64,
    bug: Option<Bug>,
}

impl<D: Disk> Store<D> {
    /// Reads what is there, and makes sure that it stays.
    ///
    /// # Errors
    /// If a file cannot be read or written, or is corrupt.
    pub fn open(disk: D, bug: Option<Bug>) -> Result<(Self, Saved), StoreError> {
        let mut store = Self { disk, length: 0, splices: 0, bug };
        let log = store.read_log()?;
        let ballot = store.read_ballot(&log)?;
        store.save_ballot(&ballot)?;
        let whole = Splice { from: 1, entries: log.tail(1, usize::MAX).to_vec() };
        let bytes = if whole.entries.is_empty() { Vec::new() } else { line(&whole) };
        store.replace((NEW_LOG, LOG), &bytes)?;
        store.sync_names()?;
        store.length = bytes.len() as u64;
        Ok((store, Saved { ballot, log }))
    }

    /// Saves both, in this order.
    ///
    /// # Errors
    /// See [`Self::save_ballot`] and [`Self::save_splice`].
    pub fn save(
        &mut self,
        ballot: Option<&Ballot>,
        splice: Option<&Splice>,
    ) -> Result<(), StoreError> {
        ballot.map_or(Ok(()), |ballot| self.save_ballot(ballot))?;
        splice.map_or(Ok(()), |splice| self.save_splice(splice))
    }

    /// Replaces the ballot.
    ///
    /// # Errors
    /// If the disk refuses; the ballot is then the old one or the new one.
    pub fn save_ballot(&mut self, ballot: &Ballot) -> Result<(), StoreError> {
        self.replace((NEW_BALLOT, BALLOT), &line(ballot))?;
        if self.bug == Some(Bug::RenameWithoutDirectoryFsync) {
            return Ok(());
        }
        self.sync_names()
    }

    /// Appends to the journal of the log.
    ///
    /// # Errors
    /// If the disk refuses; the splice then happened or did not. It did not if the disk is full.
    ///
    /// # Panics
    /// If the disk is full, with [`Bug::PanicsOnFullDisk`].
    pub fn save_splice(&mut self, splice: &Splice) -> Result<(), StoreError> {
        let bytes = line(splice);
        if let Err(source) = self.disk.append(LOG, &bytes) {
            let error = self.error("append to", LOG, source);
            assert!(self.bug != Some(Bug::PanicsOnFullDisk), "the log cannot be written: {error}");
            // What was written of the line must not stand before the next one.
            let cut = self.disk.cut(LOG, self.length);
            cut.map_err(|source| self.error("cut off the end of", LOG, source))?;
            return Err(error);
        }
        self.splices += 1;
        if self.bug != Some(Bug::AckBeforeFsync) || self.splices.is_multiple_of(SPLICES_PER_SYNC) {
            self.sync(LOG)?;
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Puts a new file in the place of another. Whether its name survives is another matter.
    fn replace(
        &mut self,
        (new, name): (&'static str, &'static str),
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        self.disk.cut(new, 0).map_err(|source| self.error("create", new, source))?;
        self.disk.append(new, bytes).map_err(|source| self.error("write", new, source))?;
        self.sync(new)?;
        self.disk.rename(new, name).map_err(|source| self.error("rename to", name, source))
    }

    fn sync(&mut self, name: &'static str) -> Result<(), StoreError> {
        let synced = self.disk.sync(name);
        self.heeded(synced).map_err(|source| self.error("sync", name, source))
    }

    fn sync_names(&mut self) -> Result<(), StoreError> {
        let synced = self.disk.sync_names();
        self.heeded(synced).map_err(|source| self.error("sync", ".", source))
    }

    /// What a sync said, unless a planted bug does not listen.
    fn heeded(&self, synced: io::Result<()>) -> io::Result<()> {
        if self.bug == Some(Bug::IgnoresFsyncError) { Ok(()) } else { synced }
    }

    /// A node that has a log has voted, so a ballot that is missing beside a log was lost.
    fn read_ballot(&mut self, log: &Log) -> Result<Ballot, StoreError> {
        let text = match self.disk.read(BALLOT) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if log.last_index() == 0 {
                    Ok(Ballot::default())
                } else {
                    Err(self.corrupt(BALLOT, "it is missing, though there is a log".into()))
                };
            }
            Err(source) => return Err(self.error("read", BALLOT, source)),
        };
        let whole = text.strip_suffix(b"\n").and_then(parse);
        whole.ok_or_else(|| self.corrupt(BALLOT, "its checksum does not match".into()))
    }

    fn read_log(&mut self) -> Result<Log, StoreError> {
        let text = match self.disk.read(LOG) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Log::default()),
            text => text.map_err(|source| self.error("read", LOG, source))?,
        };
        let mut log = Log::default();
        let mut whole = 0;
        for (number, bytes) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let line = number + 1;
            let Some(splice) = bytes.strip_suffix(b"\n").and_then(parse::<Splice>) else {
                if whole + bytes.len() < text.len() {
                    let problem = format!("the checksum of line {line} does not match");
                    return Err(self.corrupt(LOG, problem));
                }
                break;
            };
            if !log.splice(splice) {
                return Err(self.corrupt(LOG, format!("line {line} leaves a gap in the log")));
            }
            whole += bytes.len();
        }
        Ok(log)
    }

    fn error(&self, act: &'static str, name: &str, source: io::Error) -> StoreError {
        StoreError::Io { act, path: self.disk.path(name), source }
    }

    fn corrupt(&self, name: &str, problem: String) -> StoreError {
        StoreError::Corrupt { path: self.disk.path(name), problem }
    }
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::disk::Directory;
    use crate::messages::{Command, Entry};

    fn open(dir: &Path) -> Result<(Store<Directory>, Saved), StoreError> {
        Store::open(Directory::open(dir).unwrap(), None)
    }

    fn splice(from: u64, generations: &[u64]) -> Splice {
        let entry = |&generation| Entry::own(generation, Command::Noop);
        Splice { from, entries: generations.iter().map(entry).collect() }
    }

    /// A directory in which a node wrote a ballot and two splices.
    fn written() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, saved) = open(dir.path()).unwrap();
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
        let (_, saved) = open(dir.path()).unwrap();
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
            let (mut store, saved) = open(dir.path()).unwrap();
            assert_eq!(generations(&saved.log), [1, 1, 1], "cut at {length}");
            store.save_splice(&splice(4, &[3])).unwrap();
            assert_eq!(generations(&open(dir.path()).unwrap().1.log), [1, 1, 1, 3]);
        }
    }

    #[test]
    fn a_damaged_byte_before_the_last_line_is_corruption() {
        let dir = written();
        let path = dir.path().join("log");
        let mut text = fs::read(&path).unwrap();
        text[20] ^= 1;
        fs::write(&path, text).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn a_lost_ballot_is_corruption() {
        let dir = written();
        fs::remove_file(dir.path().join("ballot")).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
}
