//! The threads that speak with servers and read their answers: they may do nothing to the machine,
//! whatever a server makes of them. What acts on the lab runs in other threads.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot::{self, error::RecvError};
use tokio::task::JoinHandle;

/// A runtime whose threads give up every capability before they do anything.
///
/// # Errors
/// When its threads cannot be started.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().on_thread_start(give_up).build()
}

/// Runs a task in a thread of its own, which may do what the caller may. An error says that it has
/// panicked.
///
/// # Errors
/// When the thread cannot be started.
pub fn beside<T: Send + 'static>(
    name: &str,
    task: impl Future<Output = T> + Send + 'static,
) -> io::Result<JoinHandle<Result<T, RecvError>>> {
    let (done, told) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // If nobody waits for it any more, the run is over.
        let _unheard = done.send(runtime.block_on(task));
    })?;
    Ok(tokio::spawn(told))
}

/// Gives up all that this thread may do but to read the files of servers.
pub fn only_read() {
    if let Err(error) = fracas_lab::keep_reading_only() {
        tracing::warn!("a thread that reads what servers write keeps its capabilities: {error}");
    }
}

/// Runs `task`, which reads text of servers, in a thread that may only read files, and waits for
/// its end.
///
/// # Errors
/// When the thread cannot be started.
pub fn apart<T: Send>(name: &str, task: impl FnOnce() -> T + Send) -> io::Result<T> {
    /// As much as the first thread has.
    const STACK: usize = 8 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || {
            only_read();
            task()
        })?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Gives up the rights of this thread.
pub fn give_up() {
    if let Err(error) = fracas_lab::give_up_capabilities() {
        tracing::warn!("a thread that acts on no lab keeps its capabilities: {error}");
    }
}
