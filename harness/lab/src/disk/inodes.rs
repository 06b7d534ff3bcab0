//! The files and directories that the kernel knows of, each held open by a descriptor without
//! rights (`O_PATH`).
//!
//! The descriptor is what makes the rest simple: a file keeps its identity when it is renamed or
//! removed, its inode number is not given to another one while anything here is about it, and
//! no path is ever walked again. So this never meets its own mount, even one over the same place.
//!
//! Descriptors are few. One that was not used for long is closed while the file has a name, and
//! opened again by that name, in its directory, when it is needed: nobody but the disk changes names
//! below it. Before a file loses its name it is opened again. What is not durable stays open.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};

use super::undo::Undo;
use super::wire::{Done, ROOT};

/// The file type bits of a mode, and two of the types.
pub(super) const TYPE: u32 = 0o170_000;
pub(super) const DIRECTORY: u32 = 0o040_000;
pub(super) const REGULAR: u32 = 0o100_000;

/// One file or directory.
#[derive(Debug)]
pub(super) struct Inode {
    /// None while it is closed; whoever gets the inode from [`Inodes`] finds it open.
    fd: OnceCell<OwnedFd>,
    /// When it was used last, in uses of all.
    used: Cell<u64>,
    /// How many are known that were found in it.
    children: u32,
    directory: bool,
    /// Its device and inode number on the disk below.
    key: (u64, u64),
    /// How often the kernel was told of it and has not forgotten it.
    lookups: u64,
    /// How many acts that can still be undone are about it.
    pins: u32,
    /// How many programs have it open.
    opens: u32,
    /// The file opened to read and write, while somebody needs it.
    file: Option<File>,
    /// How many of its names are removed, but not durably.
    pub(super) buried: u64,
    /// By which name the kernel found it last.
    place: Option<(u64, OsString)>,
    /// The kernel was asked to forget it, and has not found it since.
    asked: bool,
    /// A probe of ours: neither logged nor lost nor counted.
    pub(super) aside: bool,
    /// What its un-fsynced writes have replaced.
    pub(super) undo: Undo,
}

impl Inode {
    /// The descriptor, as the directory in which names are looked up.
    pub(super) fn dir(&self) -> BorrowedFd<'_> {
        self.fd.get().expect("it was opened when it was got").as_fd()
    }

    /// A path that leads to it and no further, whatever it is called now.
    pub(super) fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.dir().as_raw_fd())
    }

    /// What is known of it, and by how many names it is known.
    pub(super) fn stat(&self) -> Done<(FileStat, u64)> {
        let stat = fstat(self.dir())?;
        let gone = if stat.st_mode & TYPE == DIRECTORY { 2 * self.buried } else { self.buried };
        Ok((stat, stat.st_nlink.saturating_sub(gone)))
    }

    /// The file, opened; writes at the end and past the cache are the kernel's business above us.
    pub(super) fn file(&mut self) -> Done<&File> {
        if self.file.is_none() {
            self.file = Some(open(&self.path()).map_err(errno)?);
        }
        self.file.as_ref().ok_or(Errno::EBADF)
    }

    /// The file and what its writes have replaced.
    pub(super) fn file_and_undo(&mut self) -> Done<(&File, &mut Undo)> {
        self.file()?;
        Ok((self.file.as_ref().ok_or(Errno::EBADF)?, &mut self.undo))
    }

    /// One more program has opened it.
    pub(super) fn opened(&mut self, file: Option<File>) {
        self.opens += 1;
        if file.is_some() {
            self.file = file;
        }
    }

    /// A program has closed it, or needed it for a moment only.
    pub(super) fn closed(&mut self, opens: u32) {
        self.opens = self.opens.saturating_sub(opens);
        if self.opens == 0 {
            self.file = None;
        }
    }
}

impl Inode {
    /// How many descriptors it has.
    fn descriptors(&self) -> usize {
        usize::from(self.fd.get().is_some()) + usize::from(self.file.is_some())
    }

    /// Closes them; all where it can be found by its name. Returns how many.
    fn close(&mut self, all: bool) -> usize {
        let before = self.descriptors();
        self.file = None;
        if all {
            self.fd.take();
        }
        before - self.descriptors()
    }
}

/// Opens a file to read and write if that can be.
fn open(path: &str) -> io::Result<File> {
    let both = OpenOptions::new().read(true).write(true).open(path);
    both.or_else(|_| File::open(path))
}

/// Sets the rights of a file.
pub(super) fn set_mode(inode: &Inode, mode: u32) -> Done<()> {
    std::fs::set_permissions(inode.path(), std::fs::Permissions::from_mode(mode & 0o7777))
        .map_err(errno)
}

/// The kernel's number of an error.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn errno(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// All of them, by number. Numbers are never given twice.
#[derive(Debug)]
pub(super) struct Inodes {
    nodes: BTreeMap<u64, Inode>,
    by_key: BTreeMap<(u64, u64), u64>,
    next: u64,
    uses: Cell<u64>,
}

impl Inodes {
    /// Only the topmost directory, which is never forgotten.
    pub(super) fn new(root: OwnedFd) -> Done<Self> {
        let stat = fstat(&root)?;
        let mut inodes = Self {
            nodes: BTreeMap::new(),
            by_key: BTreeMap::new(),
            next: ROOT,
            uses: Cell::default(),
        };
        let node = inodes.adopt(root, &stat);
        inodes.pin(&[node]);
        Ok(inodes)
    }

    /// The one with this number.
    pub(super) fn get(&self, node: u64) -> Done<&Inode> {
        let inode = self.nodes.get(&node).ok_or(Errno::ESTALE)?;
        self.uses.set(self.uses.get() + 1);
        inode.used.set(self.uses.get());
        if inode.fd.get().is_none() {
            let (parent, name) = inode.place.as_ref().ok_or(Errno::ESTALE)?;
            let (fd, stat) = self.open_at(*parent, name)?;
            if (stat.st_dev, stat.st_ino) != inode.key {
                return Err(Errno::ESTALE);
            }
            inode.fd.set(fd).expect("it is closed");
        }
        Ok(inode)
    }

    /// Opens what has a name in a directory.
    fn open_at(&self, parent: u64, name: &OsStr) -> Done<(OwnedFd, FileStat)> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = openat(self.get(parent)?.dir(), name, flags, Mode::empty())?;
        let stat = fstat(&fd)?;
        Ok((fd, stat))
    }

    /// The one with this number.
    pub(super) fn get_mut(&mut self, node: u64) -> Done<&mut Inode> {
        self.get(node)?;
        self.nodes.get_mut(&node).ok_or(Errno::ESTALE)
    }

    /// All numbers.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.nodes.keys().copied().collect()
    }

    /// All with something un-fsynced.
    pub(super) fn dirty(&self) -> impl Iterator<Item = (u64, &Inode)> {
        let all = self.nodes.iter().map(|(node, inode)| (*node, inode));
        all.filter(|(_, inode)| !inode.undo.is_clean())
    }

    /// Finds a name in a directory.
    pub(super) fn find(&mut self, parent: u64, name: &OsStr) -> Done<u64> {
        let directory = self.get(parent)?;
        let stat = fstatat(directory.dir(), name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        if let Some(known) = self.by_key.get(&(stat.st_dev, stat.st_ino)).copied() {
            self.found_at(known, parent, name);
            return Ok(known);
        }
        let (fd, stat) = self.open_at(parent, name)?;
        let node = self.adopt(fd, &stat);
        self.found_at(node, parent, name);
        Ok(node)
    }

    /// The kernel asks for it by this name.
    fn found_at(&mut self, node: u64, parent: u64, name: &OsStr) {
        let Some(inode) = self.nodes.get_mut(&node) else { return };
        inode.asked = false;
        if inode.place.as_ref().is_none_or(|(old, called)| *old != parent || called != name) {
            self.set_place(node, Some((parent, name.to_owned())));
        }
    }

    /// By this name it is found from now on; its directory is known as long as that is so.
    fn set_place(&mut self, node: u64, place: Option<(u64, OsString)>) {
        if let Some(parent) = place.as_ref().and_then(|(parent, _)| self.nodes.get_mut(parent)) {
            parent.children += 1;
        }
        let inode = self.nodes.get_mut(&node);
        let old = inode.and_then(|inode| std::mem::replace(&mut inode.place, place));
        old.into_iter().for_each(|(parent, _)| self.leave(parent));
    }

    /// Fewer are found in a directory.
    fn leave(&mut self, parent: u64) {
        if let Some(directory) = self.nodes.get_mut(&parent) {
            directory.children = directory.children.saturating_sub(1);
            self.drop_unused(parent);
        }
    }

    /// What has this name will have it no more: it is opened, and not found by it any more.
    pub(super) fn loses_name(&mut self, parent: u64, name: &OsStr) -> Done<()> {
        let directory = self.get(parent)?.dir();
        let stat = match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => return Ok(()),
            stat => stat?,
        };
        let Some(node) = self.by_key.get(&(stat.st_dev, stat.st_ino)).copied() else {
            return Ok(());
        };
        self.get(node)?;
        self.set_place(node, None);
        Ok(())
    }

    /// All that is below a directory will be gone. What is closed there cannot be opened again, and
    /// its number may be given to another file at once.
    pub(super) fn lose_names_below(&mut self, top: u64) {
        let mut below = BTreeSet::from([top]);
        let mut left: Vec<(u64, u64)> = self.placed().collect();
        loop {
            let known = below.len();
            left.retain(|(node, parent)| !below.contains(parent) || !below.insert(*node));
            if below.len() == known {
                break;
            }
        }
        below.remove(&top);
        for node in below {
            let Some(inode) = self.nodes.get(&node).filter(|inode| inode.fd.get().is_none()) else {
                continue;
            };
            self.by_key.remove(&inode.key);
        }
    }

    /// Each that is found by a name, with its directory.
    fn placed(&self) -> impl Iterator<Item = (u64, u64)> {
        let places = self.nodes.iter();
        places.filter_map(|(node, inode)| Some((*node, inode.place.as_ref()?.0)))
    }

    /// Closes those that were used longest ago, if more than `most` descriptors are held. Returns how
    /// many are held afterwards.
    pub(super) fn close_idle(&mut self, most: usize) -> usize {
        let mut held: usize = self.nodes.values().map(Inode::descriptors).sum();
        if held <= most {
            return held;
        }
        let open = self.nodes.iter().filter(|(_, inode)| inode.descriptors() > 0);
        let mut oldest: Vec<(u64, u64)> = open.map(|(node, it)| (it.used.get(), *node)).collect();
        oldest.sort_unstable();
        for (_, node) in oldest {
            if held <= most - most / 4 {
                break;
            }
            let all = self.can_be_found_again(node);
            held -= self.nodes.get_mut(&node).map_or(0, |inode| inode.close(all));
        }
        held
    }

    /// Whether it has a name, and nothing is about it that an fsync must cover.
    fn can_be_found_again(&self, node: u64) -> bool {
        let Some(inode) = self.nodes.get(&node) else { return false };
        let place = inode.place.as_ref().filter(|_| inode.pins == 0 && inode.undo.is_clean());
        place.is_some_and(|(parent, name)| self.is_at(*parent, name, node))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The names of all files that only the kernel's memory keeps here, each once until it is found
    /// again. Directories are not among them: one may be somebody's working directory.
    pub(super) fn forgettable(&mut self) -> Vec<(u64, OsString)> {
        let idle = |inode: &&mut Inode| {
            let used = inode.opens > 0 || inode.pins > 0 || inode.asked || !inode.undo.is_clean();
            inode.lookups > 0 && !used && !inode.directory
        };
        let asked = self.nodes.values_mut().filter(idle).filter_map(|inode| {
            inode.asked = true;
            inode.place.clone()
        });
        asked.collect()
    }

    /// Whether a name leads to this file.
    pub(super) fn is_at(&self, parent: u64, name: &OsStr, node: u64) -> bool {
        let stat = self
            .get(parent)
            .and_then(|directory| fstatat(directory.dir(), name, AtFlags::AT_SYMLINK_NOFOLLOW));
        let own = self.nodes.get(&node).map(|inode| inode.key);
        stat.is_ok_and(|stat| own == Some((stat.st_dev, stat.st_ino)))
    }

    /// Gives a number to what a descriptor leads to.
    fn adopt(&mut self, fd: OwnedFd, stat: &FileStat) -> u64 {
        let (node, key) = (self.next, (stat.st_dev, stat.st_ino));
        self.next += 1;
        let inode = Inode {
            fd: OnceCell::from(fd),
            used: Cell::new(self.uses.get()),
            children: 0,
            directory: stat.st_mode & TYPE == DIRECTORY,
            key,
            lookups: 0,
            pins: 0,
            opens: 0,
            file: None,
            buried: 0,
            place: None,
            asked: false,
            aside: false,
            undo: Undo::default(),
        };
        self.by_key.insert(key, node);
        self.nodes.insert(node, inode);
        node
    }

    /// The kernel was told of it.
    pub(super) fn told(&mut self, node: u64) {
        if let Some(inode) = self.nodes.get_mut(&node) {
            inode.lookups += 1;
        }
    }

    /// The kernel has forgotten it `count` times.
    pub(super) fn forget(&mut self, node: u64, count: u64) {
        if let Some(inode) = self.nodes.get_mut(&node) {
            inode.lookups = inode.lookups.saturating_sub(count);
            self.drop_unused(node);
        }
    }

    /// An act is about these.
    pub(super) fn pin(&mut self, nodes: &[u64]) {
        for node in nodes {
            if let Some(inode) = self.nodes.get_mut(node) {
                inode.pins += 1;
            }
        }
    }

    /// An act was about these.
    pub(super) fn unpin(&mut self, nodes: &[u64]) {
        for node in nodes {
            if let Some(inode) = self.nodes.get_mut(node) {
                inode.pins = inode.pins.saturating_sub(1);
                self.drop_unused(*node);
            }
        }
    }

    /// Drops what nobody needs: what has un-fsynced writes is needed while it has a name.
    pub(super) fn drop_unused(&mut self, node: u64) {
        let Some(inode) = self.nodes.get(&node) else { return };
        let nameless = |fd: &OwnedFd| fstat(fd).is_ok_and(|stat| stat.st_nlink == 0);
        let idle = inode.lookups == 0 && inode.pins == 0 && inode.opens == 0;
        let used = !idle || inode.children > 0;
        if used || !(inode.undo.is_clean() || inode.fd.get().is_some_and(nameless)) {
            return;
        }
        if self.by_key.get(&inode.key) == Some(&node) {
            self.by_key.remove(&inode.key);
        }
        if let Some((parent, _)) = self.nodes.remove(&node).and_then(|inode| inode.place) {
            self.leave(parent);
        }
    }
}
