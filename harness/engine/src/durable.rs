//! Files of the harness that lie where a server's data lies: durable at once, under every model of a
//! disk, so that no power failure takes what the server has not written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file below the directory `top`, and makes it and its name durable.
///
/// # Errors
/// When the file system refuses.
pub fn write(top: &Path, path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // What has the name goes, so that no link of that name is followed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_names(top, path)
}

/// Makes a directory below the directory `top`, and its name durable.
///
/// # Errors
/// When the file system refuses.
pub fn make_dir(top: &Path, path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    sync_names(top, path)
}

/// Makes the names that lead from `top` to `path` durable: strictly, each is after an fsync of its
/// directory.
fn sync_names(top: &Path, path: &Path) -> io::Result<()> {
    let above = path.ancestors().skip(1);
    above.take_while(|dir| dir.starts_with(top)).try_for_each(|dir| File::open(dir)?.sync_all())
}
