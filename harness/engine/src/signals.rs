//! Ctrl-C and SIGTERM: once ends the run in order, twice tears it down at once.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::interrupt::Interrupt;
use crate::progress::{Listener, Progress};

/// Whether the run was interrupted; cheap to ask.
#[derive(Debug, Clone)]
pub struct Interrupts(watch::Receiver<Option<Interrupt>>);

impl Interrupts {
    /// Begins to take signals, and tells `listener` of the first. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the kernel refuses to have signals delivered.
    pub fn listen(listener: Arc<dyn Listener>) -> io::Result<Self> {
        let mut int = signal(SignalKind::interrupt())?;
        let mut term = signal(SignalKind::terminate())?;
        let (sender, told) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let interrupt = tokio::select! {
                    _ = int.recv() => Interrupt::Int,
                    _ = term.recv() => Interrupt::Term,
                };
                if sender.borrow().is_some() {
                    // The end of process 1 of this world takes everything in it along.
                    std::process::exit(i32::from(interrupt.code()));
                }
                listener.hear(&Progress::Interrupted(interrupt));
                sender.send_replace(Some(interrupt));
            }
        });
        Ok(Self(told))
    }

    /// What interrupted the run, if anything has.
    #[must_use]
    pub fn now(&self) -> Option<Interrupt> {
        *self.0.borrow()
    }
}
