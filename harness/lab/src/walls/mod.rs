//! The walls of a node: what its processes see of the machine, and what they may do to it.
//!
//! Everything is read-only; where people and programs keep what is theirs there is nothing; the
//! evidence is out of sight; what the server needs is shown again. It is done by the node's init
//! just before it starts the server. What is to be seen is decided elsewhere (`view`).

mod calls;
mod places;
mod readonly;
pub(super) mod sockets;
mod view;

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::sys::prctl;

pub use calls::able as filters_calls;
pub(super) use calls::refuse as refuse_calls;

use super::error::{Doing, LabError};
use super::mounts::{bind_held, hold, tmpfs};
use super::view::View;
use places::{Devices, cover, tame_proc};
use readonly::{Extent, read_only, writable};
use view::{Step, steps};

/// Where every user may make files, of which only its owner may remove one.
const FOR_ALL: [&str; 2] = ["/tmp", "/var/tmp"];

/// What is needed of the machine, held open before anything covers it.
pub(super) struct Held {
    steps: Vec<(PathBuf, Step, Option<OwnedFd>)>,
    devices: Devices,
}

impl Held {
    /// Takes hold of all that is to be shown.
    pub(super) fn of(view: &View) -> Result<Self, LabError> {
        let held = |(path, step): (PathBuf, Step)| {
            let shown = matches!(step, Step::Read | Step::Write);
            Ok((path.clone(), step, shown.then(|| hold(&path)).transpose()?))
        };
        let steps = steps(view).into_iter().map(held).collect::<Result<_, LabError>>()?;
        Ok(Self { steps, devices: Devices::hold(view.fuse)? })
    }

    /// Puts the walls up, for good.
    pub(super) fn raise(self, view: &View) -> Result<(), LabError> {
        read_only(Path::new("/"), Extent::All)?;
        for (path, step, held) in &self.steps {
            match held {
                None => empty(path)?,
                Some(held) => show(path, *step, held)?,
            }
        }
        self.devices.mount()?;
        tame_proc(view.namespaces)?;
        let sockets = view.sockets.iter().filter(|path| is_socket(path)).cloned();
        cover(&sockets.collect::<Vec<_>>())?;
        let buried = self.steps.iter().filter(|(_, step, _)| *step == Step::Bury);
        buried.map(|(path, ..)| path).try_for_each(|path| read_only(path, Extent::One))?;
        prctl::set_no_new_privs().doing(|| "give up new privileges".into())?;
        calls::refuse(view.namespaces)
    }
}

/// Puts an empty directory there. One that is hidden with what lies above is made anew.
fn empty(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path).doing(|| format!("make `{}`", path.display()))?;
    let for_all = FOR_ALL.iter().any(|place| path == Path::new(place));
    tmpfs(path, if for_all { "1777" } else { "0755" })
}

/// Whether a socket can be reached there.
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// Shows what is held at its own place.
fn show(path: &Path, step: Step, held: &OwnedFd) -> Result<(), LabError> {
    let doing = || format!("make `{}`", path.display());
    if !path.exists() {
        let (dir, file) = match nix::sys::stat::fstat(held).doing(doing)?.st_mode & libc::S_IFMT {
            libc::S_IFDIR => (Some(path), None),
            _ => (path.parent(), Some(path)),
        };
        dir.map_or(Ok(()), fs::create_dir_all).doing(doing)?;
        file.map_or(Ok(()), |file| File::create(file).map(drop)).doing(doing)?;
    }
    bind_held(held, path)?;
    if step == Step::Write { writable(path, Extent::All) } else { Ok(()) }
}
