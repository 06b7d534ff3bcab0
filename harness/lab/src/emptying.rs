//! Emptying a directory of a node. No link is followed; a link in the directory is removed itself.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::plain::Directory;

/// Removes all that is in a directory, durably, and keeps the directory.
pub(crate) fn empty(path: &Path) -> io::Result<()> {
    let held = Directory::hold(path)?;
    for entry in fs::read_dir(held.path())? {
        let entry = entry?;
        let path = held.path().join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    File::open(held.path())?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_emptied_and_what_its_links_lead_to_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (data, other) = (dir.path().join("data"), dir.path().join("other"));
        fs::create_dir_all(data.join("member/snap")).unwrap();
        fs::write(data.join("member/snap/db"), "much").unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("kept"), "").unwrap();
        std::os::unix::fs::symlink(&other, data.join("link")).unwrap();
        std::os::unix::fs::symlink(&other, data.join("member/link")).unwrap();
        empty(&data).unwrap();
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
        assert!(other.join("kept").exists());
        std::os::unix::fs::symlink(&other, dir.path().join("instead")).unwrap();
        assert!(empty(&dir.path().join("instead")).is_err(), "a link is no directory");
        assert!(other.join("kept").exists());
    }
}
