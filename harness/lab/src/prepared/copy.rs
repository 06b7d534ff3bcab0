//! Directories as wholes: how large one is, and a copy of one. No link is followed. Sockets and pipes
//! belong to a process that is gone, so they are left out.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::size::Size;
use crate::error::{Doing, LabError};

/// The most that a preparation may have.
const FILES_MAX: u64 = 200_000;
const BYTES_MAX: u64 = 4 << 30;

/// Reading, writing and executing.
const RIGHTS: u32 = 0o777;

/// How large a directory is.
pub(super) fn weigh(dir: &Path) -> Result<Size, LabError> {
    let (mut size, mut waiting) = (Size::default(), vec![dir.to_owned()]);
    while let Some(dir) = waiting.pop() {
        for (path, kind) in entries(&dir)? {
            if kind.is_dir() {
                waiting.push(path);
                continue;
            }
            add(&mut size, &path)?;
        }
    }
    Ok(size)
}

/// Copies all that is in one directory into another one, with its rights; `whole` if the directory
/// itself is to have those, too. Nothing is overwritten.
pub(super) fn tree(from: &Path, to: &Path, whole: bool) -> Result<Size, LabError> {
    let (mut size, mut waiting) = (Size::default(), vec![(from.to_owned(), to.to_owned())]);
    let mut made = Vec::new();
    while let Some((from, to)) = waiting.pop() {
        for (path, kind) in entries(&from)? {
            let place = to.join(path.file_name().unwrap_or_default());
            let doing = || format!("copy `{}` to `{}`", path.display(), place.display());
            if kind.is_dir() {
                make_dir(&place).doing(doing)?;
                made.push((rights(&path).doing(doing)?, place.clone()));
                waiting.push((path, place));
            } else if kind.is_symlink() {
                fs::read_link(&path).and_then(|leads| symlink(leads, &place)).doing(doing)?;
                add(&mut size, &path)?;
            } else if kind.is_file() {
                file(&path, &place).doing(doing)?;
                add(&mut size, &path)?;
            }
        }
    }
    if whole {
        made.push((rights(from).doing(|| format!("read `{}`", from.display()))?, to.to_owned()));
    }
    // Last: a directory may be one that its owner may not write to.
    made.iter().try_for_each(|(rights, place)| {
        fs::set_permissions(place, rights.clone())
            .doing(|| format!("set the rights of `{}`", place.display()))
    })?;
    Ok(size)
}

/// Counts a file.
fn add(size: &mut Size, path: &Path) -> Result<(), LabError> {
    let doing = || format!("weigh `{}`", path.display());
    let about = fs::symlink_metadata(path).doing(doing)?;
    if !about.is_file() && !about.is_symlink() {
        return Ok(());
    }
    size.files += 1;
    size.bytes += if about.is_file() { about.len() } else { 0 };
    if size.files > FILES_MAX || size.bytes > BYTES_MAX {
        let most = format!("{FILES_MAX} files and {} GiB", BYTES_MAX >> 30);
        return Err(LabError::Reported(format!("keep what was prepared: more than {most}")));
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<(PathBuf, fs::FileType)>, LabError> {
    let read = || -> io::Result<Vec<_>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok((entry.path(), entry.file_type()?))
        };
        fs::read_dir(dir)?.map(entry).collect()
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.doing(|| format!("read `{}`", dir.display())),
    }
}

/// Makes a directory; one may be there.
fn make_dir(place: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(place) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_dir = fs::symlink_metadata(place)?.is_dir();
            if is_dir { Ok(()) } else { Err(error) }
        }
        other => other,
    }
}

fn rights(path: &Path) -> io::Result<Permissions> {
    Ok(Permissions::from_mode(fs::symlink_metadata(path)?.permissions().mode() & RIGHTS))
}

fn file(from: &Path, to: &Path) -> io::Result<()> {
    let mut read = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(from)?;
    let mut written = File::create_new(to)?;
    io::copy(&mut read, &mut written)?;
    written.set_permissions(rights(from)?)
}
