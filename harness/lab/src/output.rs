//! Where a server writes what it has to say: opened by the harness, outside of what the server
//! sees, and handed to the node's init.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use super::channel::Channel;
use super::error::{Doing, LabError};
use super::launch::Launch;
use super::plain::{self, Directory};

/// The files behind standard output and standard error.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) stdout: File,
    pub(super) stderr: File,
}

impl Output {
    /// Opens both of a server that is started. Its directory must be there, too.
    pub(super) fn open(launch: &Launch) -> Result<Self, LabError> {
        Directory::hold(&launch.dir).doing(|| format!("enter `{}`", launch.dir.display()))?;
        Self::at(&launch.stdout, &launch.stderr)
    }

    /// Opens both.
    pub(super) fn at(stdout: &Path, stderr: &Path) -> Result<Self, LabError> {
        Ok(Self { stdout: append(stdout)?, stderr: append(stderr)? })
    }

    /// Hands both over.
    pub(super) fn send(&self, channel: &Channel) -> Result<(), LabError> {
        let files: [BorrowedFd<'_>; 2] = [self.stdout.as_fd(), self.stderr.as_fd()];
        channel.hand(&files).doing(|| "hand the output over".into())
    }

    /// Takes what was handed over.
    pub(super) fn receive(channel: &Channel, wait: Duration) -> Result<Self, LabError> {
        let doing = || "take the output over".into();
        let files = channel.take(wait).doing(doing)?.into_iter().map(File::from);
        match <[File; 2]>::try_from(files.collect::<Vec<_>>()) {
            Ok([stdout, stderr]) => Ok(Self { stdout, stderr }),
            Err(files) => {
                Err(LabError::answer("take the output over", format!("{} files", files.len())))
            }
        }
    }
}

/// Opens a file to write at its end. The server can put anything in its place between two starts: a
/// link is not followed, and a pipe that nobody reads is not waited for.
fn append(file: &Path) -> Result<File, LabError> {
    let opened = plain::open_file(file, OpenOptions::new().create(true).append(true));
    opened.doing(|| format!("open `{}`", file.display()))
}
