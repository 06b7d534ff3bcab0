//! The kernel's door for file systems of programs, `/dev/fuse`, and how to mend a machine where it
//! is shut.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

use crate::error::{Doing, LabError};

/// The device.
const DEVICE: &str = "/dev/fuse";

/// Opens it; reading does not wait.
pub(super) fn open() -> Result<File, LabError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
    options.open(DEVICE).doing(|| format!("open `{DEVICE}`")).map_err(explain)
}

/// Says how to mend what was refused.
pub(super) fn explain(error: LabError) -> LabError {
    let Some(mend) = error.errno().and_then(|number| mend(Errno::from_raw(number))) else {
        return error;
    };
    LabError::Unavailable { what: "use a disk of our own".into(), why: error.to_string(), mend }
}

/// What an error of opening or mounting means.
fn mend(errno: Errno) -> Option<String> {
    let mend = match errno {
        Errno::ENOENT => {
            "load the module `fuse`; in a container add `--device /dev/fuse`; if the device alone \
             is missing, run `mknod -m 666 /dev/fuse c 10 229`"
        }
        Errno::EACCES => "run `chmod 666 /dev/fuse` as root, or run as root",
        Errno::ENXIO | Errno::ENODEV => {
            "load the module `fuse`, or use a kernel with FUSE (`CONFIG_FUSE_FS`)"
        }
        Errno::EPERM => {
            "a container or a security module forbids it: add `--device /dev/fuse --cap-add \
             SYS_ADMIN --security-opt apparmor=unconfined`"
        }
        _ => return None,
    };
    Some(mend.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_refusal_says_how_to_mend_it() {
        let refused = |errno: Errno| {
            let source = io::Error::from(errno);
            explain(LabError::System { doing: "open `/dev/fuse`".into(), source })
        };
        for errno in [Errno::ENOENT, Errno::EACCES, Errno::ENODEV, Errno::EPERM] {
            assert!(matches!(refused(errno), LabError::Unavailable { .. }), "{errno}");
        }
        assert!(matches!(refused(Errno::EIO), LabError::System { .. }));
    }
}
