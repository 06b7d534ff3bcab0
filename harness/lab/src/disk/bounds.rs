//! What a disk may take of the machine: memory for what was replaced, memory for files that are known,
//! and descriptors. Where a bound is near, things are made durable, forgotten or closed; nothing is
//! refused because of one.

use std::ffi::OsString;

use super::fs::FileSystem;

/// The most memory that replaced content may take: 512 MiB. When it is reached, everything is
/// made durable, as a kernel writes back when its memory fills up.
const HELD_MAX: usize = 512 << 20;

/// The most changes of names that are remembered, and of files that are known. Of both fewer are
/// kept where few may be open: a change keeps two files open, and so does an un-fsynced write.
const ACTS_MAX: usize = 4096;
const FILES_MAX: usize = 65_536;

/// The share of the descriptors that are held from one request to the next; the others are for what
/// one request takes.
const HELD_SHARE: usize = 2;

/// After so small a share of the descriptors, in requests, it is looked how many are held: each takes
/// two or three.
const LOOK_SHARE: usize = 16;

/// The bounds of one disk.
#[derive(Debug)]
pub(super) struct Bounds {
    /// How many files are known at most, or about so: the kernel forgets a while after it was asked.
    files: usize,
    /// With how many known files it looks which of them can be forgotten.
    forgets_at: usize,
    /// How many changes of names are remembered.
    acts: usize,
    /// How many descriptors are held at most, and how many requests it takes until it is looked.
    held: usize,
    every: usize,
    requests: usize,
    /// At least as much memory as replaced content takes.
    memory: usize,
}

impl Bounds {
    /// Those of a process that may have so many descriptors.
    pub(super) fn of(descriptors: usize) -> Self {
        let files = descriptors.min(FILES_MAX);
        let held = files / HELD_SHARE;
        let every = (files / LOOK_SHARE).max(1);
        let acts = ACTS_MAX.min(held / 4);
        Self { files, forgets_at: files, acts, held, every, requests: 0, memory: 0 }
    }

    /// Nothing is held any more.
    pub(super) fn nothing_held(&mut self) {
        self.memory = 0;
    }
}

impl FileSystem {
    /// So many changes of names are remembered. With too many of them everything is made durable.
    pub(super) fn remember(&mut self, acts: usize) {
        if acts > self.bounds.acts {
            self.write_back();
        }
    }

    /// Replaced content takes so much more memory. With too much of it everything is made durable.
    pub(super) fn hold(&mut self, more: usize) {
        self.bounds.memory += more;
        if self.bounds.memory > HELD_MAX {
            self.bounds.memory = self.inodes.dirty().map(|(_, inode)| inode.undo.memory()).sum();
            if self.bounds.memory > HELD_MAX / 2 {
                self.write_back();
            }
        }
    }

    /// The names that the kernel should forget, because too many files are known.
    pub(super) fn too_many(&mut self) -> Vec<(u64, OsString)> {
        let known = self.inodes.len();
        if known < self.bounds.files {
            self.bounds.forgets_at = self.bounds.files;
        }
        if known < self.bounds.forgets_at {
            return Vec::new();
        }
        self.bounds.forgets_at = known + self.bounds.files / 8;
        self.inodes.forgettable()
    }

    /// Closes what was not used for long, if many descriptors are held. What is not durable keeps
    /// its own: if that is most of them, it becomes so.
    pub(super) fn close_some(&mut self) {
        self.bounds.requests += 1;
        if self.bounds.requests < self.bounds.every {
            return;
        }
        self.bounds.requests = 0;
        if self.inodes.close_idle(self.bounds.held) > self.bounds.held {
            self.write_back();
            self.inodes.close_idle(self.bounds.held);
        }
    }

    /// There is too much to remember: makes everything durable.
    fn write_back(&mut self) {
        self.stats.written_back += 1;
        self.commit_all();
    }
}
