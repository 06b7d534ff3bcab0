//! The few things that a node asks of a disk, and the real one: files in one directory. What is
//! written is safe only once it was synced, and a name only once the directory was.
//!
//! It is a trait so that the very code that trusts a disk can be run on one that cannot be trusted.
//! It does not know what is in the files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files with names, in one directory.
pub trait Disk {
    /// What a file holds.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    fn read(&mut self, name: &'static str) -> io::Result<Vec<u8>>;

    /// Cuts a file off after `length` bytes. It is made if it is missing.
    ///
    /// # Errors
    /// If the operating system refuses.
    fn cut(&mut self, name: &'static str, length: u64) -> io::Result<()>;

    /// Writes at the end of a file, which is made if it is missing.
    ///
    /// # Errors
    /// If the operating system refuses; any part may then be written.
    fn append(&mut self, name: &'static str, bytes: &[u8]) -> io::Result<()>;

    /// What the file holds survives from now on.
    ///
    /// # Errors
    /// If the operating system refuses; what was written since the last sync may then be lost, and
    /// the next sync does not tell of it again.
    fn sync(&mut self, name: &'static str) -> io::Result<()>;

    /// Gives a file another name, in place of the file that had it.
    ///
    /// # Errors
    /// If the operating system refuses.
    fn rename(&mut self, from: &'static str, to: &'static str) -> io::Result<()>;

    /// What the names stand for survives from now on.
    ///
    /// # Errors
    /// If the operating system refuses.
    fn sync_names(&mut self) -> io::Result<()>;

    /// Where it is, for people.
    fn path(&self, name: &str) -> PathBuf;
}

/// A directory of the operating system. Files stay open between calls: a sync tells of an error
/// only through a file that was open when it happened.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    open: BTreeMap<&'static str, File>,
}

impl Directory {
    /// The directory at `path`, which is made if it is missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self { path: path.to_owned(), open: BTreeMap::new() })
    }

    fn file(&mut self, name: &'static str) -> io::Result<&mut File> {
        let open = || OpenOptions::new().create(true).append(true).open(self.path.join(name));
        if !self.open.contains_key(name) {
            self.open.insert(name, open()?);
        }
        Ok(self.open.get_mut(name).expect("it was opened"))
    }
}

impl Disk for Directory {
    fn read(&mut self, name: &'static str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn cut(&mut self, name: &'static str, length: u64) -> io::Result<()> {
        self.file(name)?.set_len(length)
    }

    fn append(&mut self, name: &'static str, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all(bytes)
    }

    fn sync(&mut self, name: &'static str) -> io::Result<()> {
        self.file(name)?.sync_data()
    }

    fn rename(&mut self, from: &'static str, to: &'static str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        self.open.remove(to);
        let moved = self.open.remove(from);
        self.open.extend(moved.map(|file| (to, file)));
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
