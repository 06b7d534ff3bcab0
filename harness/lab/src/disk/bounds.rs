//! What a disk may take of the machine: memory for what was replaced, memory for files that are known,
//! and descriptors. Where a bound is near, things are made durable, forgotten or closed; nothing is
//! refused because of one.

/// The most memory that replaced content may take: 512 MiB. When it is reached, everything is
/// made durable, as a kernel writes back when its memory fills up.
const HELD_MAX: usize = 512 << 20;

/// The most changes of names that are remembered, and of files that are known. Of both fewer are
/// kept where few may be open: a change keeps two files open, and so does an un-fsynced write.
const ACTS_MAX: usize = 4096;
const FILES_MAX: usize = 65_536;

/// The share of the descriptors that is the number of changes: each holds two, sometimes three.
const ACTS_SHARE: usize = 6;

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
        let acts = ACTS_MAX.min(files / ACTS_SHARE);
        Self { files, forgets_at: files, acts, held, every, requests: 0, memory: 0 }
    }

    /// Nothing that was replaced is held any more.
    pub(super) fn nothing_held(&mut self) {
        self.memory = 0;
    }

    /// Whether so many changes of names are too many.
    pub(super) fn too_many_acts(&self, acts: usize) -> bool {
        acts > self.acts
    }

    /// Replaced content takes so much more memory. Whether that may be too much; how much it is,
    /// counted anew, says.
    pub(super) fn hold(&mut self, more: usize, count: impl FnOnce() -> usize) -> bool {
        self.memory += more;
        if self.memory <= HELD_MAX {
            return false;
        }
        self.memory = count();
        self.memory > HELD_MAX / 2
    }

    /// Whether some of so many known files should be forgotten.
    pub(super) fn too_many_files(&mut self, known: usize) -> bool {
        if known < self.files {
            self.forgets_at = self.files;
        }
        let too_many = known >= self.forgets_at;
        if too_many {
            self.forgets_at = known + self.files / 8;
        }
        too_many
    }

    /// How many descriptors are to be held at most, when it is time to look.
    pub(super) fn look(&mut self) -> Option<usize> {
        self.requests = (self.requests + 1) % self.every;
        (self.requests == 0).then_some(self.held)
    }
}
