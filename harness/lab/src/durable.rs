//! Files of the harness that lie where a server's data lies: durable at once, under every model of a
//! disk, so that no power failure takes what the server has not written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::plain::{self, Directory, Place};

/// Writes a file below the directory `top`, and makes it and its name durable.
pub(crate) fn write(top: &Path, path: &Path, text: &str) -> io::Result<()> {
    let place = Place::make(path)?;
    // What has the name goes, so that no link of that name is followed.
    match fs::remove_file(place.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(place.path())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_names(top, path)
}

/// Makes a directory below the directory `top`, and its name durable.
pub(crate) fn make_dir(top: &Path, path: &Path) -> io::Result<()> {
    Directory::make(path)?;
    sync_names(top, path)
}

/// Makes the names that lead from `top` to `path` durable: strictly, each is after an fsync of its
/// directory.
fn sync_names(top: &Path, path: &Path) -> io::Result<()> {
    let above = path.ancestors().skip(1);
    let mut below = above.take_while(|dir| dir.starts_with(top));
    below.try_for_each(|dir| plain::open_file(dir, OpenOptions::new().read(true))?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_is_written_behind_a_link_that_a_server_has_planted() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let (node, victim) = (top.join("n1"), top.join("victim"));
        fs::create_dir_all(&victim).unwrap();
        fs::write(victim.join("file"), "precious").unwrap();
        fs::create_dir_all(&node).unwrap();
        symlink(&victim, node.join("etc")).unwrap();
        assert!(write(&node, &node.join("etc/file"), "overwritten").is_err());
        assert!(make_dir(&node, &node.join("etc/data")).is_err());
        assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "precious");
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);

        write(&node, &node.join("conf/a/file"), "text").unwrap();
        make_dir(&node, &node.join("data/deep")).unwrap();
        assert_eq!(fs::read_to_string(node.join("conf/a/file")).unwrap(), "text");
        assert!(node.join("data/deep").is_dir());
    }
}
