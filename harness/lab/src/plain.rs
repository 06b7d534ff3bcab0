//! Paths on which no link is followed, not even one in a directory above: a server may put one
//! wherever it may write, and the harness may write where the server must not.
//!
//! Each directory is opened from the one above it. What is held open stays the same, whatever the
//! server renames or replaces meanwhile. Every kernel can do this (`openat2` would be one call, from
//! 5.6 on).

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, fstatat, mkdirat};

/// How a directory is opened: to go on from it, and for nothing else.
const DIRECTORY: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// A directory that is held open.
#[derive(Debug)]
pub(crate) struct Directory(OwnedFd);

impl Directory {
    /// Holds a directory open.
    ///
    /// # Errors
    /// When it is not there, or a link is in its path (`ELOOP`).
    pub(crate) fn hold(path: &Path) -> io::Result<Self> {
        Ok(walk(path, enter)?)
    }

    /// The same; missing directories of the path are made.
    ///
    /// # Errors
    /// When it cannot be made, or a link is in its path (`ELOOP`).
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        Ok(walk(path, |above, name| match mkdirat(above, name, Mode::from_bits_truncate(0o777)) {
            Ok(()) | Err(Errno::EEXIST) => enter(above, name),
            // It may be there all the same, where nothing can be made.
            Err(errno) => enter(above, name).map_err(|_| errno),
        })?)
    }

    /// A path that leads to the directory, whatever its name is now.
    #[must_use]
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

/// A name in a directory that is held open. A link that has the name is the caller's business.
#[derive(Debug)]
pub(crate) struct Place {
    directory: Directory,
    name: OsString,
}

impl Place {
    /// The place of a path.
    ///
    /// # Errors
    /// When its directory cannot be held.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Self::in_held(path, Directory::hold)
    }

    /// The same; missing parts of its directory are made.
    ///
    /// # Errors
    /// When its directory cannot be made.
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        Self::in_held(path, Directory::make)
    }

    fn in_held(path: &Path, hold: impl Fn(&Path) -> io::Result<Directory>) -> io::Result<Self> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Errno::EISDIR.into());
        };
        Ok(Self { directory: hold(above)?, name: name.to_owned() })
    }

    /// A path that leads to it, whatever its directory is called now.
    #[must_use]
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }
}

/// Opens a file with these options. The call does not wait for another process at the other end of
/// a pipe.
///
/// # Errors
/// When it cannot be opened, or a link is in its path or has its name (`ELOOP`).
pub(crate) fn open_file(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    options.custom_flags(flags).open(Place::of(path)?.path())
}

/// The metadata of the file that a path leads to; of the link itself, if the last name is a link.
///
/// # Errors
/// When nothing is there, or a link is in its path (`ELOOP`).
pub(crate) fn about(path: &Path) -> io::Result<Metadata> {
    std::fs::symlink_metadata(Place::of(path)?.path())
}

/// Goes from directory to directory.
fn walk(
    path: &Path,
    step: impl Fn(&OwnedFd, &OsStr) -> Result<OwnedFd, Errno>,
) -> Result<Directory, Errno> {
    let start = if path.is_absolute() { "/" } else { "." };
    let mut at = open(start, DIRECTORY, Mode::empty())?;
    for component in path.components() {
        at = match component {
            Component::Normal(name) => step(&at, name)?,
            Component::ParentDir => enter(&at, OsStr::new(".."))?,
            Component::RootDir | Component::CurDir | Component::Prefix(_) => continue,
        };
    }
    Ok(Directory(at))
}

/// Opens a directory in another one.
fn enter(above: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    openat(above, name, DIRECTORY, Mode::empty()).map_err(|errno| {
        let found = fstatat(above.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW);
        let kind = found.map(|found| SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT);
        // The kernel says that a link is no directory.
        if errno == Errno::ENOTDIR && kind == Ok(SFlag::S_IFLNK) { Errno::ELOOP } else { errno }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_is_followed_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("etc/deep")).unwrap();
        fs::write(top.join("etc/passwd"), "secret").unwrap();
        fs::create_dir_all(top.join("n1/logs")).unwrap();
        fs::write(top.join("n1/logs/log"), "line").unwrap();
        symlink(top.join("etc"), top.join("n1/planted")).unwrap();
        symlink(top.join("n1/logs/log"), top.join("n1/logs/link")).unwrap();
        let read = |name: &str| {
            let opened = open_file(&top.join(name), OpenOptions::new().read(true));
            opened.and_then(io::read_to_string).map_err(|error| error.raw_os_error())
        };
        assert_eq!(read("n1/logs/log"), Ok("line".to_owned()));
        assert_eq!(read("n1/../etc/passwd"), Ok("secret".to_owned()), "no link is in there");
        for name in ["n1/planted/passwd", "n1/planted/deep/../passwd", "n1/logs/link"] {
            assert_eq!(read(name), Err(Some(libc::ELOOP)), "{name}");
        }
        let planted = top.join("n1/planted/new/file");
        let loops = |error: io::Error| error.raw_os_error() == Some(libc::ELOOP);
        assert!(Place::make(&planted).is_err_and(loops));
        assert!(Directory::make(&top.join("n1/planted")).is_err_and(loops));
        assert!(about(&planted).is_err_and(loops));
        assert!(!top.join("etc/new").exists());
        assert!(about(&top.join("n1/planted")).unwrap().is_symlink());
    }

    #[test]
    fn a_directory_that_is_held_stays_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let place = Place::make(&top.join("a/b/file")).unwrap();
        fs::rename(top.join("a"), top.join("moved")).unwrap();
        symlink("/etc", top.join("a")).unwrap();
        fs::write(place.path(), "mine").unwrap();
        assert_eq!(fs::read_to_string(top.join("moved/b/file")).unwrap(), "mine");
    }
}
