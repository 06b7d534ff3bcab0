//! Requests about what files hold and what is known of them: open, read, write, cut, allocate,
//! rights, times. What writes replace is kept until an fsync; see `undo`.

use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, FallocateFlags, fallocate};
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::statvfs::statvfs;
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchownat};

use super::fs::{FileSystem, Outcome};
use super::inodes::{errno, set_mode};
use super::journal::{Act, Model, Scope};
use super::undo::Cut;
use super::wire::{Answer, Arguments, Done, ROOT, Request};

/// The bits of SETATTR that say what is set.
const MODE: u32 = 1;
const USER: u32 = 1 << 1;
const GROUP: u32 = 1 << 2;
const SIZE: u32 = 1 << 3;
const ACCESSED: u32 = 1 << 4;
const MODIFIED: u32 = 1 << 5;
const ACCESSED_NOW: u32 = 1 << 7;
const MODIFIED_NOW: u32 = 1 << 8;

/// The arguments of SETATTR.
struct Changes {
    valid: u32,
    size: u64,
    accessed: TimeSpec,
    modified: TimeSpec,
    mode: u32,
    owner: (Option<Uid>, Option<Gid>),
}

impl Changes {
    fn read(arguments: &mut Arguments<'_>) -> Done<Self> {
        let valid = arguments.u32()?;
        arguments.skip(12)?;
        let size = arguments.u64()?;
        arguments.skip(8)?;
        let (accessed, modified, _) = (arguments.u64()?, arguments.u64()?, arguments.u64()?);
        let (accessed_part, modified_part) = (arguments.u32()?, arguments.u32()?);
        arguments.skip(4)?;
        let mode = arguments.u32()?;
        arguments.skip(4)?;
        let (user, group) = (arguments.u32()?, arguments.u32()?);
        let time = |set: u32, now: u32, seconds: u64, part: u32| match valid {
            _ if valid & now != 0 => TimeSpec::UTIME_NOW,
            _ if valid & set != 0 => TimeSpec::new(seconds.cast_signed(), part.into()),
            _ => TimeSpec::UTIME_OMIT,
        };
        Ok(Self {
            valid,
            size,
            accessed: time(ACCESSED, ACCESSED_NOW, accessed, accessed_part),
            modified: time(MODIFIED, MODIFIED_NOW, modified, modified_part),
            mode,
            owner: (
                (valid & USER != 0).then(|| Uid::from_raw(user)),
                (valid & GROUP != 0).then(|| Gid::from_raw(group)),
            ),
        })
    }

    fn sets(&self, bits: u32) -> bool {
        self.valid & bits != 0
    }
}

impl FileSystem {
    /// GETATTR.
    pub(super) fn attributes(&self, node: u64) -> Done<Outcome> {
        let (stat, links) = self.inodes.get(node)?.stat()?;
        Ok(Outcome::Answer(Answer::new().attributes(&stat, links)))
    }

    /// SETATTR. Times are durable at once: no server's safety rests on them.
    pub(super) fn set_attributes(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let (node, changes) = (request.node, Changes::read(&mut request.arguments)?);
        if changes.sets(SIZE) {
            self.set_size(node, changes.size)?;
        }
        if changes.sets(MODE | USER | GROUP) {
            self.set_rights(node, &changes)?;
        }
        if changes.sets(ACCESSED | MODIFIED) {
            let (path, follow) = (self.inodes.get(node)?.path(), UtimensatFlags::FollowSymlink);
            let (accessed, modified) = (&changes.accessed, &changes.modified);
            utimensat(nix::fcntl::AT_FDCWD, path.as_str(), accessed, modified, follow)?;
        }
        self.attributes(node)
    }

    /// Cuts or stretches a file.
    fn set_size(&mut self, node: u64, size: u64) -> Done<()> {
        let inode = self.inodes.get(node)?;
        let (old, aside) = (inode.stat()?.0.st_size.cast_unsigned(), inode.aside);
        self.must_have_room(size.saturating_sub(old), aside)?;
        let inode = self.inodes.get_mut(node)?;
        let (file, undo) = inode.file_and_undo()?;
        let (took, layer) =
            if aside { (0, 0) } else { undo.keep_size(file, size).map_err(errno)? };
        let set = file.set_len(size).map_err(errno);
        let logged = size < old && !aside && self.spec.model == Model::Ext4;
        let cut = set
            .and_then(|()| logged.then(|| Cut::of(file, size, layer)).transpose().map_err(errno));
        inode.closed(0);
        let cut = cut?;
        self.hold(took + cut.as_ref().map_or(0, Cut::memory));
        self.spend(size.saturating_sub(old), aside);
        if let Some(cut) = cut {
            self.log(Act::Cut { node, cut });
        }
        Ok(())
    }

    /// Changes rights and owners.
    fn set_rights(&mut self, node: u64, changes: &Changes) -> Done<()> {
        let inode = self.inodes.get(node)?;
        let (stat, _) = inode.stat()?;
        if changes.sets(USER | GROUP) {
            let flags = AtFlags::AT_EMPTY_PATH | AtFlags::AT_SYMLINK_NOFOLLOW;
            fchownat(inode.dir(), "", changes.owner.0, changes.owner.1, flags)?;
        }
        if changes.sets(MODE) {
            set_mode(inode, changes.mode)?;
        }
        if !inode.aside {
            let (mode, user, group) = (stat.st_mode, stat.st_uid, stat.st_gid);
            self.log(Act::Changed { node, mode, user, group });
        }
        Ok(())
    }

    /// OPEN. How it is opened is the kernel's business; here every file is opened in one way.
    pub(super) fn open(&mut self, node: u64) -> Done<Outcome> {
        let inode = self.inodes.get_mut(node)?;
        inode.file()?;
        inode.opened(None);
        Ok(Outcome::Answer(Answer::new().opened(0)))
    }

    /// RELEASE.
    pub(super) fn close(&mut self, node: u64) -> Done<Outcome> {
        self.inodes.get_mut(node)?.closed(1);
        self.inodes.drop_unused(node);
        Ok(Outcome::Answer(Answer::new()))
    }

    /// READ.
    pub(super) fn read(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        request.arguments.skip(8)?;
        let (offset, size) = (request.arguments.u64()?, request.arguments.u32()?);
        let inode = self.inodes.get_mut(request.node)?;
        if self.dice.happens(self.errors.read) {
            self.stats.refused.read += u64::from(!inode.aside);
            return Err(Errno::EIO);
        }
        let file = inode.file()?;
        Answer::new().read(size, |buffer| fill(file, buffer, offset)).map(Outcome::Answer)
    }

    /// WRITE. After one to a file opened with `O_SYNC` or `O_DSYNC` the kernel sends an FSYNC.
    pub(super) fn write(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let (node, arguments) = (request.node, &mut request.arguments);
        arguments.skip(8)?;
        let (offset, size) = (arguments.u64()?, arguments.u32()?);
        arguments.skip(20)?;
        let data = arguments.bytes(size)?;
        let end = offset.checked_add(size.into()).ok_or(Errno::EFBIG)?;
        let (aside, old) = self.may_write(node)?;
        let growth = end.saturating_sub(old);
        self.must_have_room(growth, aside)?;
        let (file, undo) = self.inodes.get_mut(node)?.file_and_undo()?;
        let took = if aside { 0 } else { undo.keep(file, offset..end).map_err(errno)? };
        file.write_all_at(data, offset).map_err(errno)?;
        self.hold(took);
        self.spend(growth, aside);
        Ok(Outcome::Answer(Answer::new().u32(size).u32(0)))
    }

    /// Whether it is a probe, and the size, unless the disk refuses this write.
    fn may_write(&mut self, node: u64) -> Done<(bool, u64)> {
        let inode = self.inodes.get_mut(node)?;
        if self.dice.happens(self.errors.write) {
            self.stats.refused.write += u64::from(!inode.aside);
            return Err(Errno::EIO);
        }
        Ok((inode.aside, inode.file()?.metadata().map_err(errno)?.len()))
    }

    /// FALLOCATE: allocates, punches holes and zeroes. Shifting content is refused.
    pub(super) fn allocate(&mut self, request: &mut Request<'_>) -> Done<Outcome> {
        let (node, arguments) = (request.node, &mut request.arguments);
        arguments.skip(8)?;
        let (offset, length) = (arguments.u64()?, arguments.u64()?);
        let mode = FallocateFlags::from_bits_retain(arguments.u32()?.cast_signed());
        let keeps_size = mode.contains(FallocateFlags::FALLOC_FL_KEEP_SIZE);
        let replaces = mode.intersects(
            FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_ZERO_RANGE,
        );
        if !replaces && !mode.difference(FallocateFlags::FALLOC_FL_KEEP_SIZE).is_empty() {
            return Err(Errno::EOPNOTSUPP);
        }
        let end = offset.checked_add(length).ok_or(Errno::EFBIG)?;
        let (aside, old) = self.may_write(node)?;
        let growth = if keeps_size { 0 } else { end.saturating_sub(old) };
        self.must_have_room(growth, aside)?;
        let (file, undo) = self.inodes.get_mut(node)?.file_and_undo()?;
        let mut took = 0;
        if !aside && replaces && offset < old {
            took += undo.keep(file, offset..end.min(old)).map_err(errno)?;
        }
        if !aside && growth > 0 {
            took += undo.keep_size(file, end).map_err(errno)?.0;
        }
        fallocate(file, mode, offset.cast_signed(), length.cast_signed())?;
        self.hold(took);
        self.spend(growth, aside);
        Ok(Outcome::Answer(Answer::new()))
    }

    /// FSYNC, FSYNCDIR and SYNCFS.
    pub(super) fn sync(&mut self, scope: Scope) -> Done<Outcome> {
        self.begin_sync(scope).map(Outcome::Later)
    }

    /// STATFS: that of the disk below, with no more space than there is room.
    pub(super) fn statistics(&self) -> Done<Outcome> {
        let below = statvfs(self.inodes.get(ROOT)?.path().as_str())?;
        let block = below.fragment_size().max(1);
        let room = self.errors.room.map_or(u64::MAX, |room| room / block);
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let answer = Answer::new()
            .u64(below.blocks())
            .u64(below.blocks_free().min(room))
            .u64(below.blocks_available().min(room))
            .u64(below.files())
            .u64(below.files_free())
            .u32(small(below.block_size()))
            .u32(small(below.name_max()))
            .u32(small(block))
            .bytes(&[0; 28]);
        Ok(Outcome::Answer(answer))
    }

    /// Fails if there is less room than `growth`. Room does not come back when files shrink or are
    /// removed: somebody else takes it.
    pub(super) fn must_have_room(&mut self, growth: u64, aside: bool) -> Done<()> {
        if self.errors.room.is_some_and(|room| growth > room) {
            self.stats.refused.full += u64::from(!aside);
            return Err(Errno::ENOSPC);
        }
        Ok(())
    }

    /// Files have grown.
    fn spend(&mut self, growth: u64, aside: bool) {
        if let Some(room) = self.errors.room.as_mut().filter(|_| !aside) {
            *room = room.saturating_sub(growth);
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &std::fs::File, buffer: &mut [u8], offset: u64) -> Done<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(errno(error)),
        }
    }
    Ok(filled)
}
