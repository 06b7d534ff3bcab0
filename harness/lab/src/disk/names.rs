//! Requests about names: look up, make, remove, rename, link, list. What replaced or removed names
//! led to is kept until the change is durable; see `fs`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, FileTypeExt};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, mkdirat, mknodat};
use nix::unistd::{
    Gid, Uid, UnlinkatFlags, fchownat, getegid, geteuid, linkat, symlinkat, unlinkat,
};

use super::fs::{FileSystem, GRAVES, Outcome, PROBE};
use super::inodes::{DIRECTORY, REGULAR, TYPE, errno};
use super::journal::{Act, Place};
use super::wire::{Answer, Arguments, Done, Entry, ROOT, Request, listing};

/// The bits of a mode that are rights.
const RIGHTS: u32 = 0o7777;

/// What a new name leads to.
enum New<'a> {
    Directory { mode: u32 },
    Special { mode: u32 },
    Link { target: &'a OsStr },
}

/// Gives what was just made to whom it was made for: this process makes it as its own.
fn give(directory: BorrowedFd<'_>, name: &OsStr, (user, group): (u32, u32)) -> Done<()> {
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    if (user, group) == (geteuid(), getegid()) {
        return Ok(());
    }
    fchownat(directory, name, Some(user), Some(group), AtFlags::AT_SYMLINK_NOFOLLOW)
}

impl FileSystem {
    /// LOOKUP.
    pub(super) fn lookup(&mut self, parent: u64, name: &OsStr) -> Done<Outcome> {
        allowed(parent, name)?;
        let node = self.inodes.find(parent, name)?;
        self.found(node)
    }

    /// Tells the kernel of a file that it has found.
    fn found(&mut self, node: u64) -> Done<Outcome> {
        let (stat, links) = self.inodes.get(node)?.stat()?;
        self.inodes.told(node);
        Ok(Outcome::Answer(Answer::new().entry(node, &stat, links)))
    }

    /// FORGET and BATCH_FORGET.
    pub(super) fn forget(&mut self, request: &mut Request<'_>, many: bool) -> Done<Outcome> {
        let arguments = &mut request.arguments;
        if many {
            let count = arguments.u32()?;
            arguments.skip(4)?;
            for _ in 0..count {
                let (node, times) = (arguments.u64()?, arguments.u64()?);
                self.inodes.forget(node, times);
            }
        } else {
            self.inodes.forget(request.node, arguments.u64()?);
        }
        Ok(Outcome::Nothing)
    }

    /// MKDIR.
    pub(super) fn make_directory(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let mode = request.arguments.u32()?;
        request.arguments.skip(4)?;
        let name = request.arguments.name()?;
        self.make(&place(request.node, name), &New::Directory { mode }, request.owner)
    }

    /// MKNOD. Devices are refused.
    pub(super) fn make_special(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let mode = request.arguments.u32()?;
        request.arguments.skip(12)?;
        let name = request.arguments.name()?;
        self.make(&place(request.node, name), &New::Special { mode }, request.owner)
    }

    /// SYMLINK.
    pub(super) fn make_link(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let (name, target) = (request.arguments.name()?, request.arguments.name()?);
        self.make(&place(request.node, name), &New::Link { target }, request.owner)
    }

    /// Makes a new name.
    fn make(&mut self, at: &Place, new: &New<'_>, owner: (u32, u32)) -> Done<Outcome> {
        let (parent, name) = (at.0, at.1.as_os_str());
        allowed(parent, name)?;
        self.must_have_room(1, false)?;
        let directory = self.inodes.get(parent)?.dir();
        match *new {
            New::Directory { mode } => mkdirat(directory, name, rights(mode))?,
            New::Link { target } => symlinkat(target, directory, name)?,
            New::Special { mode } => {
                let kind = SFlag::from_bits_truncate(mode & TYPE);
                if kind == SFlag::S_IFCHR || kind == SFlag::S_IFBLK {
                    return Err(Errno::EPERM);
                }
                mknodat(directory, name, kind, rights(mode), 0)?;
            }
        }
        give(directory, name, owner)?;
        let node = self.inodes.find(parent, name)?;
        self.log(Act::Made { at: place(parent, name), node });
        self.found(node)
    }

    /// LINK.
    pub(super) fn link(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let node = request.arguments.u64()?;
        let (parent, name) = (request.node, request.arguments.name()?);
        allowed(parent, name)?;
        self.must_have_room(1, false)?;
        let (file, directory) = (self.inodes.get(node)?, self.inodes.get(parent)?);
        let follow = AtFlags::AT_SYMLINK_FOLLOW; // no further than the descriptor's own file
        linkat(nix::fcntl::AT_FDCWD, file.path().as_str(), directory.dir(), name, follow)?;
        self.log(Act::Made { at: place(parent, name), node });
        self.found(node)
    }

    /// CREATE: a new file, opened at once.
    pub(super) fn create(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let arguments = &mut request.arguments;
        let (flags, mode) = (arguments.u32()?, arguments.u32()?);
        arguments.skip(8)?;
        let (parent, name) = (request.node, arguments.name()?);
        if parent == ROOT && name == GRAVES {
            return Err(Errno::EPERM);
        }
        let aside = parent == ROOT && name == PROBE;
        if !aside {
            self.must_have_room(1, false)?;
        }
        let new = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        let directory = self.inodes.get(parent)?.dir();
        let made = openat(directory, name, new, rights(mode));
        let exclusive = OFlag::from_bits_truncate(flags.cast_signed()).contains(OFlag::O_EXCL);
        let made = match made {
            Err(Errno::EEXIST) if !exclusive => None,
            made => Some(fs::File::from(made?)),
        };
        if made.is_some() {
            give(directory, name, request.owner)?;
        }
        let (node, new) = (self.inodes.find(parent, name)?, made.is_some());
        let inode = self.inodes.get_mut(node)?;
        inode.aside = aside;
        inode.opened(made);
        if new && !aside {
            self.log(Act::Made { at: place(parent, name), node });
        }
        let (stat, links) = self.inodes.get(node)?.stat()?;
        self.inodes.told(node);
        Ok(Outcome::Answer(Answer::new().entry(node, &stat, links).opened(0)))
    }

    /// UNLINK and RMDIR.
    pub(super) fn remove(&mut self, parent: u64, name: &OsStr) -> Done<Outcome> {
        if parent == ROOT && name == PROBE {
            self.inodes.loses_name(parent, name)?;
            let directory = self.inodes.get(parent)?.dir();
            unlinkat(directory, name, UnlinkatFlags::NoRemoveDir)?;
            return Ok(Outcome::Answer(Answer::new()));
        }
        allowed(parent, name)?;
        let at = place(parent, name);
        self.must_be_empty(&at)?;
        let buried = self.bury(&at)?;
        self.log(Act::Removed { at, buried });
        Ok(Outcome::Answer(Answer::new()))
    }

    /// Fails if a name leads to a directory with something in it.
    fn must_be_empty(&mut self, (parent, name): &Place) -> Done<()> {
        let node = self.inodes.find(*parent, name)?;
        let inode = self.inodes.get(node)?;
        let empty = || fs::read_dir(inode.path()).is_ok_and(|mut entries| entries.next().is_none());
        if inode.stat()?.0.st_mode & TYPE == DIRECTORY && !empty() {
            return Err(Errno::ENOTEMPTY);
        }
        Ok(())
    }

    /// RENAME and RENAME2.
    pub(super) fn rename(&mut self, request: &mut Request<'_>, flagged: bool) -> Done<Outcome> {
        let arguments = &mut request.arguments;
        let new_parent = arguments.u64()?;
        let flags = if flagged { arguments.u32()? } else { 0 };
        arguments.skip(if flagged { 4 } else { 0 })?;
        let from = place(request.node, arguments.name()?);
        let to = place(new_parent, arguments.name()?);
        allowed(from.0, &from.1)?;
        allowed(to.0, &to.1)?;
        match RenameFlags::from_bits_retain(flags) {
            RenameFlags::RENAME_EXCHANGE => {
                self.swap(&from, &to, RenameFlags::RENAME_EXCHANGE)?;
                self.inodes.find(from.0, &from.1)?;
                self.inodes.find(to.0, &to.1)?;
                self.log(Act::Swapped { first: from, second: to });
            }
            RenameFlags::RENAME_NOREPLACE => self.move_to(from, to, false)?,
            flags if flags.is_empty() => self.move_to(from, to, true)?,
            _ => return Err(Errno::EINVAL),
        }
        Ok(Outcome::Answer(Answer::new()))
    }

    /// Moves a name; what the new one led to is kept.
    fn move_to(&mut self, from: Place, to: Place, replace: bool) -> Done<()> {
        let node = self.inodes.find(from.0, &from.1)?;
        let replaced = match self.inodes.find(to.0, &to.1) {
            Ok(_) if !replace => return Err(Errno::EEXIST),
            Ok(other) if other == node => return Ok(()), // two names of one file: nothing is done
            Ok(_) => {
                self.must_be_empty(&to)?;
                Some(self.bury(&to)?)
            }
            Err(Errno::ENOENT) => None,
            Err(error) => return Err(error),
        };
        if let Err(error) = self.swap(&from, &to, RenameFlags::RENAME_NOREPLACE) {
            replaced.map_or(Ok(()), |buried| self.unbury(buried, &to))?;
            return Err(error);
        }
        self.inodes.find(to.0, &to.1)?; // by its new name it is known from now on
        self.log(Act::Moved { from, to, node, replaced });
        Ok(())
    }

    /// READLINK.
    pub(super) fn read_link(&self, node: u64) -> Done<Outcome> {
        let target = readlinkat(self.inodes.get(node)?.dir(), "")?;
        Ok(Outcome::Answer(Answer::new().bytes(target.as_bytes())))
    }

    /// OPENDIR.
    pub(super) fn open_directory(&mut self, node: u64) -> Done<Outcome> {
        let handle = self.next_listing;
        self.next_listing += 1;
        self.listings.insert(handle, (node, Vec::new()));
        Ok(Outcome::Answer(Answer::new().opened(handle)))
    }

    /// READDIR. The entries are those at the moment when reading begins from the first one, so
    /// that none is told twice or left out because of what happens to others meanwhile.
    pub(super) fn read_directory(&mut self, arguments: &mut Arguments<'_>) -> Done<Outcome> {
        let (handle, offset, room) = (arguments.u64()?, arguments.u64()?, arguments.u32()?);
        let (node, entries) = self.listings.get_mut(&handle).ok_or(Errno::EBADF)?;
        if offset == 0 {
            let top = *node == ROOT;
            *entries = entries_of(&self.inodes.get(*node)?.path(), top)?;
        }
        Ok(Outcome::Answer(listing(entries, offset, room)))
    }

    /// RELEASEDIR.
    pub(super) fn close_directory(&mut self, arguments: &mut Arguments<'_>) -> Done<Outcome> {
        self.listings.remove(&arguments.u64()?);
        Ok(Outcome::Answer(Answer::new()))
    }
}

/// Fails if a name is one of those that the disk keeps for itself.
fn allowed(parent: u64, name: &OsStr) -> Done<()> {
    if parent == ROOT && name == GRAVES { Err(Errno::ENOENT) } else { Ok(()) }
}

/// A name in a directory.
fn place(parent: u64, name: &OsStr) -> Place {
    (parent, OsString::from(name))
}

/// The rights of a mode.
fn rights(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode & RIGHTS)
}

/// All entries of a directory, but those of the topmost one that programs do not see.
fn entries_of(path: &str, top: bool) -> Done<Vec<Entry>> {
    let dots = [".", ".."].map(|name| Entry { inode: 1, kind: DIRECTORY, name: name.into() });
    let mut entries: Vec<Entry> = dots.into();
    for entry in fs::read_dir(path).map_err(errno)? {
        let entry = entry.map_err(errno)?;
        let name = entry.file_name();
        if top && (name == GRAVES || name == PROBE) {
            continue;
        }
        let kind = entry.file_type().map_err(errno)?;
        entries.push(Entry { inode: entry.ino(), kind: bits(kind), name });
    }
    Ok(entries)
}

/// The bits of a mode that stand for a file type.
fn bits(kind: fs::FileType) -> u32 {
    let types = [
        (kind.is_dir(), DIRECTORY),
        (kind.is_symlink(), 0o120_000),
        (kind.is_fifo(), 0o010_000),
        (kind.is_socket(), 0o140_000),
    ];
    types.into_iter().find_map(|(is, bits)| is.then_some(bits)).unwrap_or(REGULAR)
}
