//! A simulated disk: what was not synced is lost with the power, and a sync may fail. It is as bad
//! as POSIX allows: neither contents nor names are safe before their own sync, in any order.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use fracas_regent::disk::Disk;
use rand::{Rng, RngExt};

/// A disk; clones are the same one, as the world and the process on it see it.
#[derive(Debug, Clone, Default)]
pub(super) struct SimDisk(Rc<RefCell<Platter>>);

/// Which file a name stands for.
type Names = BTreeMap<&'static str, usize>;

#[derive(Debug, Default)]
struct Platter {
    files: Vec<Content>,
    names: Names,
    /// What the names stood for before each change since they were last synced, the first is safe.
    before: Vec<Names>,
    full: bool,
    /// How many syncs are yet to fail.
    failing: u32,
    /// After how many more calls the process is gone.
    fuse: Option<u32>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// How many of them are safe.
    safe: usize,
}

impl SimDisk {
    /// Whether nothing can be written.
    pub(super) fn set_full(&self, full: bool) {
        self.0.borrow_mut().full = full;
    }

    /// The next `count` syncs fail.
    pub(super) fn set_failing(&self, count: u32) {
        self.0.borrow_mut().failing = count;
    }

    /// The process that uses the disk is killed after that many more calls; none: it is not.
    pub(super) fn set_fuse(&self, calls: Option<u32>) {
        self.0.borrow_mut().fuse = calls;
    }

    /// Of what is not safe, any beginning survives; the rest is gone.
    pub(super) fn lose_power(&self, rng: &mut impl Rng) {
        let Platter { files, names, before, .. } = &mut *self.0.borrow_mut();
        before.push(names.clone());
        *names = before.swap_remove(rng.random_range(0..before.len()));
        before.clear();
        for file in files {
            file.bytes.truncate(rng.random_range(file.safe..=file.bytes.len()));
            file.safe = file.bytes.len();
        }
    }
}

impl Platter {
    fn call(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            Some(0) => Err(io::Error::other("the process was killed")),
            Some(calls) => {
                *calls -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn file(&mut self, name: &'static str) -> &mut Content {
        if !self.names.contains_key(name) {
            self.before.push(self.names.clone());
            self.names.insert(name, self.files.len());
            self.files.push(Content::default());
        }
        &mut self.files[self.names[name]]
    }

    /// Whether this sync fails.
    fn fails(&mut self) -> bool {
        let fails = self.failing > 0;
        self.failing = self.failing.saturating_sub(1);
        fails
    }
}

fn failed() -> io::Error {
    io::Error::other("input/output error")
}

impl Disk for SimDisk {
    fn read(&mut self, name: &'static str) -> io::Result<Vec<u8>> {
        let platter = self.0.borrow();
        let file = platter.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(platter.files[*file].bytes.clone())
    }

    fn cut(&mut self, name: &'static str, length: u64) -> io::Result<()> {
        let mut platter = self.0.borrow_mut();
        platter.call()?;
        let file = platter.file(name);
        file.bytes.truncate(usize::try_from(length).expect("short files"));
        file.safe = file.safe.min(file.bytes.len());
        Ok(())
    }

    fn append(&mut self, name: &'static str, bytes: &[u8]) -> io::Result<()> {
        let mut platter = self.0.borrow_mut();
        platter.call()?;
        let full = platter.full;
        let room = if full { bytes.len() / 2 } else { bytes.len() };
        platter.file(name).bytes.extend(&bytes[..room]);
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// What a failed sync should have kept is lost.
    fn sync(&mut self, name: &'static str) -> io::Result<()> {
        let mut platter = self.0.borrow_mut();
        platter.call()?;
        let fails = platter.fails();
        let file = platter.file(name);
        if fails {
            file.bytes.truncate(file.safe);
            return Err(failed());
        }
        file.safe = file.bytes.len();
        Ok(())
    }

    fn rename(&mut self, from: &'static str, to: &'static str) -> io::Result<()> {
        let mut platter = self.0.borrow_mut();
        platter.call()?;
        let before = platter.names.clone();
        platter.before.push(before);
        let file = platter.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        platter.names.insert(to, file);
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut platter = self.0.borrow_mut();
        platter.call()?;
        if platter.fails() {
            return Err(failed());
        }
        platter.before.clear();
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        name.into()
    }
}
