//! The file system: everything that requests of the kernel and orders of the harness work on, and
//! what “durable” means for all of it. Single requests are carried out in `names` and `data`.
//!
//! Changes are made to the directory below at once, and what they replaced is remembered until an
//! fsync. So a read is a plain read, and if this process dies nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, unlinkat};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bounds::Bounds;
use super::control::{DiskSpec, Loss, Lost, Stats};
use super::faults::{Dice, Errors, Latency};
use super::inodes::{DIRECTORY, Inode, Inodes, REGULAR, TYPE, errno, set_mode};
use super::journal::{Act, Buried, Journal, Model, Place, Scope};
use super::undo::{PAGE, Span, Torn};
use super::wire::{Answer, Done, Entry, ROOT};

/// Where removed files are kept until their removal is durable; programs do not see it.
pub(super) const GRAVES: &str = ".fracas-removed";

/// The file with which the harness tries the disk; programs do not see it in lists.
pub(super) const PROBE: &str = ".fracas-probe";

/// The state of the disk.
#[derive(Debug)]
pub(super) struct FileSystem {
    pub(super) spec: DiskSpec,
    pub(super) inodes: Inodes,
    pub(super) errors: Errors,
    pub(super) dice: Dice,
    pub(super) stats: Stats,
    /// Open directories: their entries as they were when reading began.
    pub(super) listings: BTreeMap<u64, (u64, Vec<Entry>)>,
    pub(super) next_listing: u64,
    latency: Latency,
    journal: Journal,
    graves: OwnedFd,
    next_grave: u64,
    pub(super) bounds: Bounds,
}

/// An fsync that is under way.
#[derive(Debug)]
pub(super) struct Sync {
    /// What it is of, and how far its undo and the journal were when it began.
    scope: Scope,
    layer: Option<u64>,
    acts: u64,
    /// Of a probe: makes nothing durable.
    aside: bool,
    /// How long it takes.
    pub(super) delay: Duration,
}

/// What a power failure takes, while it is counted.
#[derive(Default)]
struct Toll {
    lost: Lost,
    files: BTreeSet<u64>,
    /// Since when what is lost was written.
    since: Span,
}

/// What comes of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// This answer.
    Answer(Answer),
    /// None, as the protocol wants it.
    Nothing,
    /// An answer when the disk has done it.
    Later(Sync),
}

impl FileSystem {
    /// Over an opened directory. What a disk before has not finished to remove is removed.
    /// No more than `descriptors` files can be open.
    pub(super) fn new(spec: DiskSpec, root: OwnedFd, descriptors: usize) -> Done<Self> {
        let inodes = Inodes::new(root)?;
        let top = inodes.get(ROOT)?;
        match fs::remove_dir_all(format!("{}/{GRAVES}", top.path())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(errno(error)),
            _ => {}
        }
        mkdirat(top.dir(), GRAVES, Mode::S_IRWXU)?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let graves = openat(top.dir(), GRAVES, flags, Mode::empty())?;
        Ok(Self {
            inodes,
            errors: Errors::NONE,
            dice: Dice::new(spec.seed),
            stats: Stats::default(),
            listings: BTreeMap::new(),
            next_listing: 1,
            latency: spec.latency,
            journal: Journal::default(),
            graves,
            next_grave: 0,
            bounds: Bounds::of(descriptors),
            spec,
        })
    }

    /// Makes everything durable and removes what is kept of removed files.
    pub(super) fn finish(&mut self) -> Done<()> {
        self.commit_all();
        unlinkat(self.inodes.get(ROOT)?.dir(), GRAVES, UnlinkatFlags::RemoveDir)
    }

    /// Takes this long for an fsync from now on.
    pub(super) fn slow(&mut self, latency: Latency) {
        self.latency = latency;
        self.stats.fsync_took = None;
    }

    /// Counts.
    pub(super) fn count(&self) -> Stats {
        let mut stats = self.stats;
        for (_, inode) in self.inodes.dirty() {
            let (bytes, pages) = inode.undo.pending();
            stats.unsynced_bytes += bytes;
            stats.unsynced_pages += pages;
        }
        stats.unsynced_entries = self.journal.entries();
        stats
    }

    /// Logs an act.
    pub(super) fn log(&mut self, act: Act) {
        self.inodes.pin(&act.nodes());
        self.journal.push(act, Instant::now());
        if self.bounds.too_many_acts(self.journal.len()) {
            self.write_back();
        }
    }

    /// Replaced content takes so much more memory. With too much of it everything is made durable.
    pub(super) fn hold(&mut self, more: usize) {
        let count = || self.inodes.dirty().map(|(_, inode)| inode.undo.memory()).sum();
        if self.bounds.hold(more, count) {
            self.write_back();
        }
    }

    /// The names that the kernel should forget, because too many files are known.
    pub(super) fn too_many(&mut self) -> Vec<(u64, OsString)> {
        let too_many = self.bounds.too_many_files(self.inodes.len());
        if too_many { self.inodes.forgettable() } else { Vec::new() }
    }

    /// Closes what was not used for long, if many descriptors are held. What is not durable keeps
    /// its own: if that is most of them, it becomes so.
    pub(super) fn close_some(&mut self) {
        let Some(most) = self.bounds.look() else { return };
        if self.inodes.close_idle(most) > most {
            self.write_back();
            self.inodes.close_idle(most);
        }
    }

    /// There is too much to remember: makes everything durable.
    fn write_back(&mut self) {
        self.stats.written_back += 1;
        self.commit_all();
    }

    /// Makes everything durable.
    pub(super) fn commit_all(&mut self) {
        self.bounds.nothing_held();
        let dirty: Vec<u64> = self.inodes.dirty().map(|(node, _)| node).collect();
        for node in dirty {
            self.commit_data(node, u64::MAX);
        }
        self.commit_names(Scope::All, u64::MAX);
    }

    /// Writes back what has been un-fsynced for long, as a kernel does: all of a file whose first
    /// un-fsynced change is old, and all names that are. A disk that fails takes nothing.
    pub(super) fn write_back_old(&mut self, now: Instant) {
        let fails = self.errors.fsync > 0.0 || self.errors.write > 0.0;
        let Some(old) = now.checked_sub(self.spec.write_back_after).filter(|_| !fails) else {
            return;
        };
        let is_old = |inode: &Inode| inode.undo.oldest().is_some_and(|since| since <= old);
        let dirty = self.inodes.dirty().filter(|(_, inode)| is_old(inode));
        let nodes: Vec<u64> = dirty.map(|(node, _)| node).collect();
        let (acts, upto) = self.journal.until(old);
        self.stats.aged += nodes.len() as u64 + acts;
        nodes.into_iter().for_each(|node| self.commit_data(node, u64::MAX));
        self.commit_names(Scope::All, upto);
    }

    /// Begins an fsync.
    pub(super) fn begin_sync(&mut self, scope: Scope) -> Done<Sync> {
        let (mut layer, mut aside) = (None, false);
        if let Scope::File(node) = scope {
            let inode = self.inodes.get_mut(node)?;
            aside = inode.aside;
            layer = inode.undo.seal();
        }
        let delay = self.dice.delay(self.latency);
        Ok(Sync { scope, layer, acts: self.journal.head(), aside, delay })
    }

    /// Ends an fsync: what it covers is durable, or it fails. `took` is the time that it took.
    pub(super) fn end_sync(&mut self, sync: &Sync, took: Duration) -> Done<Answer> {
        let fails = self.dice.happens(self.errors.fsync);
        if !sync.aside {
            let (least, most) = self.stats.fsync_took.unwrap_or((took, took));
            self.stats.fsync_took = Some((least.min(took), most.max(took)));
            if fails {
                self.stats.refused.fsync += 1;
                self.spoil(sync.scope, sync.layer);
            } else {
                self.stats.fsyncs += 1;
                self.commit(sync.scope, sync.layer, sync.acts);
            }
        }
        if fails { Err(Errno::EIO) } else { Ok(Answer::new()) }
    }

    /// Makes durable what an fsync covers.
    fn commit(&mut self, scope: Scope, layer: Option<u64>, acts: u64) {
        match scope {
            Scope::File(node) => {
                if let Some(layer) = layer {
                    self.commit_data(node, layer);
                }
            }
            Scope::All => return self.commit_all(),
            Scope::Directory(_) => {}
        }
        self.commit_names(scope, acts);
    }

    /// Makes a file's data durable up to a layer.
    fn commit_data(&mut self, node: u64, layer: u64) {
        if let Ok(inode) = self.inodes.get_mut(node) {
            inode.undo.commit(layer);
            self.inodes.drop_unused(node);
        }
    }

    /// An fsync of a file has failed: its pages are taken for clean.
    fn spoil(&mut self, scope: Scope, layer: Option<u64>) {
        if let (Scope::File(node), Some(layer)) = (scope, layer)
            && let Ok(inode) = self.inodes.get_mut(node)
        {
            inode.undo.spoil(layer);
        }
    }

    /// Makes changes of names durable.
    fn commit_names(&mut self, scope: Scope, upto: u64) {
        for act in self.journal.commit(self.spec.model, scope, upto) {
            self.settle(&act);
        }
    }

    /// An act is durable: there is nothing to be kept for it.
    fn settle(&mut self, act: &Act) {
        match act {
            Act::Removed { buried, .. } | Act::Moved { replaced: Some(buried), .. } => {
                self.decay(*buried);
            }
            Act::Cut { node, cut } => {
                if let Ok(inode) = self.inodes.get_mut(*node) {
                    inode.undo.settle_cut(cut);
                }
            }
            _ => {}
        }
        self.inodes.unpin(&act.nodes());
    }

    /// Takes a name away but keeps what it leads to.
    pub(super) fn bury(&mut self, (parent, name): &Place) -> Done<Buried> {
        let node = self.inodes.find(*parent, name)?;
        self.inodes.loses_name(*parent, name)?;
        let grave = self.next_grave;
        let directory = self.inodes.get(*parent)?.dir();
        let flags = RenameFlags::RENAME_NOREPLACE;
        renameat2(directory, name.as_os_str(), &self.graves, grave.to_string().as_str(), flags)?;
        self.next_grave += 1;
        self.inodes.get_mut(node)?.buried += 1;
        Ok((node, grave))
    }

    /// Gives it the name again, unless something durable has it.
    pub(super) fn unbury(&mut self, (node, grave): Buried, (parent, name): &Place) -> Done<()> {
        let directory = self.inodes.get(*parent)?.dir();
        let flags = RenameFlags::RENAME_NOREPLACE;
        let old = grave.to_string();
        renameat2(&self.graves, old.as_str(), directory, name.as_os_str(), flags)?;
        self.inodes.get_mut(node)?.buried -= 1;
        Ok(())
    }

    /// Removes for good what is kept of a removed name.
    fn decay(&mut self, (node, grave): Buried) {
        let Ok(inode) = self.inodes.get_mut(node) else { return };
        inode.buried = inode.buried.saturating_sub(1);
        let directory = inode.stat().is_ok_and(|(stat, _)| stat.st_mode & TYPE == DIRECTORY);
        let flag = if directory { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
        if let Err(error) = unlinkat(self.graves.as_fd(), grave.to_string().as_str(), flag) {
            tracing::warn!("failed to remove a removed file for good: {error}");
        }
    }

    /// The power fails. All programs that had files open must be gone.
    pub(super) fn lose(&mut self, loss: Loss) -> Lost {
        let mut toll = Toll::default();
        let mut torn = match loss {
            Loss::All => None,
            Loss::Torn { seed, unit } => {
                let dice = ChaCha8Rng::seed_from_u64(seed);
                Some(Torn { dice, unit: unit.length(), cuts: self.spec.model == Model::Posix })
            }
        };
        if let Some(torn) = &mut torn {
            let durable = torn.dice.random_range(0..=self.journal.len());
            for act in self.journal.first(durable) {
                self.settle(&act);
            }
        }
        self.lose_data(torn.as_mut(), &mut toll);
        for (act, since) in self.journal.backwards() {
            let done = self.undo(&act, &mut toll);
            if act.is_entry() && done.is_ok() {
                toll.lost.entries += 1;
                toll.since.add(since);
            }
            toll.lost.problems.extend(done.err().map(|error| format!("undo {act:?}: {error}")));
            self.inodes.unpin(&act.nodes());
        }
        self.bounds.nothing_held();
        let age = toll.since.0.map(|(first, last)| (last.elapsed(), first.elapsed()));
        Lost { files: toll.lost.files + toll.files.len() as u64, age, ..toll.lost }
    }

    /// What a failed fsync left in memory alone leaves memory, too. All programs that had files open
    /// must be gone.
    pub(super) fn evict(&mut self) -> Done<()> {
        let dirty: Vec<u64> = self.inodes.dirty().map(|(node, _)| node).collect();
        for node in dirty {
            let inode = self.inodes.get_mut(node)?;
            let mut undo = std::mem::take(&mut inode.undo);
            let evicted = inode.file().and_then(|file| undo.evict(file).map_err(errno));
            inode.undo = undo;
            inode.closed(0);
            evicted?;
            self.inodes.drop_unused(node);
        }
        Ok(())
    }

    /// Puts the content of all files back.
    fn lose_data(&mut self, mut torn: Option<&mut Torn>, toll: &mut Toll) {
        let dirty: Vec<u64> = self.inodes.dirty().map(|(node, _)| node).collect();
        for node in dirty {
            let Ok(inode) = self.inodes.get_mut(node) else { continue };
            let undo = std::mem::take(&mut inode.undo);
            let rolled = inode
                .file()
                .and_then(|file| undo.roll_back(file, torn.as_deref_mut()).map_err(errno));
            inode.closed(0);
            match rolled {
                Ok(loss) => {
                    toll.lost.bytes += loss.bytes;
                    toll.lost.pages += loss.pages;
                    if loss.pages > 0 {
                        toll.files.insert(node);
                    }
                    if let Some((first, last)) = loss.since.0 {
                        toll.since.add(first);
                        toll.since.add(last);
                    }
                }
                Err(error) => toll.lost.problems.push(format!("put file {node} back: {error}")),
            }
            self.inodes.drop_unused(node);
        }
    }

    /// Undoes one act. What a later durable act has changed is left alone.
    fn undo(&mut self, act: &Act, toll: &mut Toll) -> Done<()> {
        match act {
            Act::Made { at, node } => self.unmake(at, *node, toll),
            Act::Removed { at, buried } => self.bring_back(*buried, at),
            Act::Moved { from, to, node, replaced } => {
                if self.inodes.is_at(to.0, &to.1, *node) {
                    self.swap(to, from, RenameFlags::RENAME_NOREPLACE)?;
                }
                replaced.map_or(Ok(()), |buried| self.bring_back(buried, to))
            }
            Act::Swapped { first, second } => {
                self.swap(first, second, RenameFlags::RENAME_EXCHANGE)
            }
            Act::Cut { .. } => Ok(()),
            Act::Changed { node, mode, user, group } => {
                let inode = self.inodes.get(*node)?;
                let owner = (Uid::from_raw(*user), Gid::from_raw(*group));
                let flags = AtFlags::AT_EMPTY_PATH | AtFlags::AT_SYMLINK_NOFOLLOW;
                fchownat(inode.dir(), "", Some(owner.0), Some(owner.1), flags)?;
                set_mode(inode, *mode)
            }
        }
    }

    /// Moves a name, or exchanges two.
    pub(super) fn swap(&mut self, from: &Place, to: &Place, flags: RenameFlags) -> Done<()> {
        self.inodes.loses_name(from.0, &from.1)?;
        self.inodes.loses_name(to.0, &to.1)?;
        let (old, new) = (self.inodes.get(from.0)?.dir(), self.inodes.get(to.0)?.dir());
        renameat2(old, from.1.as_os_str(), new, to.1.as_os_str(), flags)
    }

    /// Gives a removed file its name again. If something durable has taken its place, or its
    /// directory is durably gone, so is it.
    fn bring_back(&mut self, buried: Buried, at: &Place) -> Done<()> {
        match self.unbury(buried, at) {
            Err(Errno::EEXIST | Errno::ENOENT) => {
                self.decay(buried);
                Ok(())
            }
            other => other,
        }
    }

    /// Takes a name away that was never durable, with all below it.
    fn unmake(&mut self, (parent, name): &Place, node: u64, toll: &mut Toll) -> Done<()> {
        if !self.inodes.is_at(*parent, name, node) {
            return Ok(());
        }
        self.inodes.loses_name(*parent, name)?;
        let directory = self.inodes.get(*parent)?;
        let (stat, links) = self.inodes.get(node)?.stat()?;
        if stat.st_mode & TYPE == DIRECTORY {
            let path = Path::new(&directory.path()).join(name);
            weigh(&path, &mut toll.lost).map_err(errno)?;
            self.inodes.lose_names_below(node);
            return fs::remove_dir_all(path).map_err(errno);
        }
        if stat.st_mode & TYPE == REGULAR && links == 1 && stat.st_size > 0 {
            toll.lost.bytes += stat.st_size.cast_unsigned();
            toll.lost.pages += stat.st_size.cast_unsigned().div_ceil(PAGE);
            toll.files.insert(node);
        }
        unlinkat(directory.dir(), name.as_os_str(), UnlinkatFlags::NoRemoveDir)
    }
}

/// Counts the files below a directory that is lost as a whole.
fn weigh(directory: &Path, lost: &mut Lost) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let known = entry.metadata()?;
        if known.is_dir() {
            weigh(&entry.path(), lost)?;
        } else if known.is_file() && known.len() > 0 && known.nlink() == 1 {
            lost.bytes += known.len();
            lost.pages += known.len().div_ceil(PAGE);
            lost.files += 1;
        }
    }
    Ok(())
}
