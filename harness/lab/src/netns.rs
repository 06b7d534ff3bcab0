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

/// Gives the namespace of this thread what every server expects: `::1`, and ports below 1024 for
/// everybody. A kernel without the one or the other needs nothing. Before the loopback link is set up.
pub(crate) fn like_a_machine() -> Result<(), LabError> {
    set("ipv6/conf/lo/disable_ipv6", "0")?;
    set("ipv4/ip_unprivileged_port_start", "0")
}

/// Sets something of the network of this thread's namespace, where the kernel knows it.
fn set(name: &str, value: &str) -> Result<(), LabError> {
    let file = format!("/proc/sys/net/{name}");
    match fs::write(&file, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written.doing(|| format!("write `{file}`")),
    }
}

/// Switches IPv6 off in the namespace of this thread, for all links to come: its automatic
/// addresses and group messages are noise. A kernel without it needs nothing.
pub(crate) fn disable_ipv6() -> Result<(), LabError> {
    let scopes = ["all", "default"].iter();
    scopes
        .map(|scope| format!("ipv6/conf/{scope}/disable_ipv6"))
        .try_for_each(|name| set(&name, "1"))
}
