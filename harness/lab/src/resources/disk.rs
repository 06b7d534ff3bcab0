//! A small disk of a node's own, which can be full.
//!
//! It is a file system in memory over a directory, mounted in the lab's world before the node is
//! started, so it survives the node and ends with the lab. What was in the directory before is
//! hidden while it lasts, and what is written there is gone afterwards. Losing data that was not
//! synced has no meaning here: that is another fault.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::statvfs;

use crate::error::{Doing, LabError};
use crate::plain::Directory;

/// How much the probe writes: the smallest piece that takes room.
const PROBE: usize = 4096;

/// How often filling is tried: a server may write in the middle of it.
const TRIES: u32 = 20;

/// A small disk. Dropping it takes it away.
#[derive(Debug)]
pub struct SmallDisk {
    dir: PathBuf,
    /// Its topmost directory: a server may rename those above it, or put links in their place.
    top: Directory,
    size: u64,
}

impl SmallDisk {
    /// Mounts one of so many bytes over a directory. Must be done inside the lab's world.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn mount(dir: &Path, size: u64) -> Result<Self, LabError> {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        let options = format!("size={size},mode=0755");
        let doing = || format!("mount a small disk on `{}`", dir.display());
        let covered = Directory::hold(dir).doing(doing)?;
        mount(Some("tmpfs"), &covered.path(), Some("tmpfs"), flags, Some(options.as_str()))
            .doing(doing)?;
        Ok(Self { dir: dir.to_owned(), top: Directory::hold(dir).doing(doing)?, size })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes all room that is left: nothing more can be written until there is room again.
    ///
    /// # Errors When nothing is on the disk yet: its size cannot be made 0.
    pub fn fill(&self) -> Result<(), LabError> {
        for _ in 0..TRIES {
            let used = self.used()?;
            if used == 0 {
                break;
            }
            match self.resize(used) {
                // It has grown meanwhile.
                Err(Errno::EINVAL) => {}
                resized => return resized.doing(|| format!("fill `{}`", self.dir.display())),
            }
        }
        Err(LabError::Asked(format!("fill `{}`: nothing is on it yet", self.dir.display())))
    }

    /// Gives it its own size again.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn make_room(&self) -> Result<(), LabError> {
        self.resize(self.size).doing(|| format!("make room on `{}`", self.dir.display()))
    }

    /// How many bytes are free.
    ///
    /// # Errors
    /// When it is not there any more.
    pub fn free(&self) -> Result<u64, LabError> {
        let stat =
            statvfs(&self.top.path()).doing(|| format!("look at `{}`", self.dir.display()))?;
        Ok(stat.blocks_free() * stat.fragment_size())
    }

    /// How many bytes are in use.
    fn used(&self) -> Result<u64, LabError> {
        let stat =
            statvfs(&self.top.path()).doing(|| format!("look at `{}`", self.dir.display()))?;
        Ok((stat.blocks() - stat.blocks_free()) * stat.fragment_size())
    }

    /// Tries to write something, and takes it away again. Whether there was room.
    pub(super) fn has_room(&self) -> Result<bool, LabError> {
        let file = self.top.path().join(".fracas-probe");
        let name = || self.dir.join(".fracas-probe").display().to_string();
        // What the server has there is no probe of ours; a link is not followed.
        let made = File::create_new(&file);
        let made = made.or_else(|error| match error.kind() {
            io::ErrorKind::StorageFull => Err(error),
            _ => fs::remove_file(&file).and_then(|()| File::create_new(&file)),
        });
        let written = made.and_then(|mut made| made.write_all(&[0; PROBE]));
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).doing(|| format!("remove `{}`", name()))?;
            }
            _ => {}
        }
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(false),
            Err(error) => Err(error).doing(|| format!("write `{}`", name())),
        }
    }

    /// Changes its size.
    fn resize(&self, size: u64) -> Result<(), Errno> {
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        let options = format!("size={size}");
        mount(None::<&str>, &self.top.path(), None::<&str>, flags, Some(options.as_str()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = umount2(&self.top.path(), MntFlags::MNT_DETACH) {
            tracing::warn!("failed to take the disk `{}` away: {error}", self.dir.display());
        }
    }
}
