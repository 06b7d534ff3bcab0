//! What is done to a program on an architecture that nobody has written the stub for: nothing,
//! and that is said.

use nix::unistd::Pid;

use super::super::error::LabError;
use super::stops::Stops;

/// No architecture: the filter lets everything pass.
pub(super) const AUDIT_ARCH: u32 = 0;

/// Never made.
#[derive(Debug)]
pub(super) enum Tailor {}

impl Tailor {
    /// Refuses.
    pub(super) fn new() -> Result<Self, LabError> {
        Err(LabError::Unavailable {
            what: "redirect a clock".into(),
            why: format!(
                "nobody has written it for {}: other names in the vDSO, other registers and a stub \
                 of its own",
                std::env::consts::ARCH
            ),
            mend: "use x86_64, or `--mechanism clock=faketime` for programs that load libraries"
                .into(),
        })
    }

    /// Is never called.
    pub(super) fn outfit(&self, _: Pid, _: i32, _: &Stops) -> Result<(), LabError> {
        match *self {}
    }

    /// Is never called.
    pub(super) fn close(&self, _: Pid, _: i32, _: &Stops) -> Result<(), LabError> {
        match *self {}
    }
}
