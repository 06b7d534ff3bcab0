//! Processor time by turns: all processes of a node run for a moment, then stand still, again and
//! again. The node's init does it, because only it reaches all of them at once.
//!
//! What a server gets is measured by a process beside it that does nothing but run: the kernel
//! counts for how long it ran, and for how long it waited for a processor. What these times prove
//! is not decided here.

use std::time::Duration;

use super::Duty;
use crate::NodeProcess;
use crate::channel::{Order, Report};
use crate::error::LabError;

impl NodeProcess {
    /// Lets the node's processes run by turns only; none lets them run again.
    ///
    /// # Errors
    /// When the turns make no sense, or the node does not do it.
    pub fn starve(&mut self, duty: Option<Duty>) -> Result<(), LabError> {
        if let Some(duty) = duty.filter(|duty| !duty.is_sensible()) {
            return Err(LabError::Asked(format!("starve node {}: {duty:?}", self.node())));
        }
        match self.order(&Order::Starve(duty), "starve")? {
            Some(Report::Signalled) | None => Ok(()),
            Some(other) => Err(LabError::answer("starve a node", format!("{other:?}"))),
        }
    }

    /// The share of so much time in which a process of the node ran that wants to run all the time.
    /// If `waiting` counts, too, other work of the machine does not make it less. None if the node
    /// has ended.
    ///
    /// # Errors
    /// When it cannot be started, or does not tell.
    pub fn spin(&mut self, time: Duration, waiting: bool) -> Result<Option<f64>, LabError> {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match self.order(&Order::Spin(millis, waiting), "measure turns in")? {
            Some(Report::Spun(percent)) => Ok(Some(f64::from(percent) / 100.0)),
            None => Ok(None),
            Some(other) => Err(LabError::answer("measure turns", format!("{other:?}"))),
        }
    }
}
