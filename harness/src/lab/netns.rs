//! Network namespaces without names: each lives exactly as long as something holds it open, so
//! there is nothing to clean up.

use std::fs::{self, File};
use std::io;

use nix::sched::{CloneFlags, setns, unshare};

use super::error::{Doing, LabError};

/// A network namespace, held open.
#[derive(Debug)]
pub(crate) struct NetNs(File);

impl NetNs {
    /// Makes a new one. A thread makes it and ends, so that the caller's own never changes.
    pub(crate) fn create() -> Result<Self, LabError> {
        in_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).doing(|| "make a network namespace".into())?;
            let own = "/proc/thread-self/ns/net";
            File::open(own).map(Self).doing(|| format!("open `{own}`"))
        })
    }

    /// Runs `task` inside it. Sockets opened and programs started there stay there.
    pub(crate) fn inside<T: Send>(
        &self,
        task: impl FnOnce() -> Result<T, LabError> + Send,
    ) -> Result<T, LabError> {
        in_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET)
                .doing(|| "enter a network namespace".into())?;
            task()
        })
    }

    /// The open namespace itself.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}

/// Runs `task` in a thread of its own and waits for it.
pub(crate) fn in_thread<T: Send>(
    task: impl FnOnce() -> Result<T, LabError> + Send,
) -> Result<T, LabError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("lab-aside".into())
            .spawn_scoped(scope, task)
            .doing(|| "start a thread".into())?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Switches IPv6 off in the namespace of this thread, for all links to come: its automatic
/// addresses and group messages are noise. A kernel without it needs nothing.
pub(crate) fn disable_ipv6() -> Result<(), LabError> {
    for scope in ["all", "default"] {
        let file = format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6");
        match fs::write(&file, "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            written => written.doing(|| format!("write `{file}`"))?,
        }
    }
    Ok(())
}
