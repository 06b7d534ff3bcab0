//! Opening what a target says is a file. It may be a pipe that nobody writes to, a device, or a link
//! to somebody else's file, or lie behind one: only a regular file is opened, and nothing here ever
//! waits.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::plain;

/// What was found where a file was expected.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file, opened to read.
    File(File),
    /// Nothing.
    Nothing,
    /// Something else, in words: `a named pipe`.
    Else(&'static str),
}

/// Opens a regular file to read.
///
/// # Errors
/// When it can neither be looked at nor opened.
pub(crate) fn open(path: &Path) -> io::Result<Found> {
    match plain::about(path) {
        Ok(about) if about.is_file() => opened(path),
        Ok(about) => Ok(Found::Else(word(about.file_type()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            Ok(Found::Else("a file behind a symbolic link"))
        }
        Err(error) => Err(error),
    }
}

/// Opens what was a regular file a moment ago, and looks again at what was opened.
fn opened(path: &Path) -> io::Result<Found> {
    let file = match plain::open_file(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Ok(Found::Else("a symbolic link"));
        }
        Err(error) => return Err(error),
    };
    let about = file.metadata()?;
    Ok(if about.is_file() { Found::File(file) } else { Found::Else(word(about.file_type())) })
}

/// What something is that is no regular file.
fn word(kind: FileType) -> &'static str {
    let words = [
        (kind.is_dir(), "a directory"),
        (kind.is_symlink(), "a symbolic link"),
        (kind.is_fifo(), "a named pipe"),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device() || kind.is_block_device(), "a device"),
    ];
    words.iter().find(|(is, _)| *is).map_or("no file", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "x").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(dir.path(), at("above")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        assert!(matches!(open(&at("file")).unwrap(), Found::File(_)));
        assert!(matches!(open(&at("missing")).unwrap(), Found::Nothing));
        let others = [
            (at("link"), "a symbolic link"),
            (at("above/file"), "a file behind a symbolic link"),
            (at("socket"), "a socket"),
            (at("pipe"), "a named pipe"),
            (dir.path().to_owned(), "a directory"),
            ("/dev/null".into(), "a device"),
        ];
        for (path, expect) in others {
            let found = open(&path).unwrap();
            assert!(matches!(found, Found::Else(word) if word == expect), "{found:?}, {expect}");
        }
    }
}
