//! The agent: does to the nodes of a lab and to their network what it is ordered to, by messages.
//!
//! An order is a value, and so is what comes of it: nodes, directions, disks and files are named,
//! never handed over. Whoever gives orders needs no memory, no descriptor and no path in common with
//! the one who takes them, so the two may be on different machines. What is not here: building a lab,
//! which is done where the lab is.

mod files;
mod held;
mod local;
mod logs;
mod measuring;
mod order;
mod preparing;
mod report;
#[cfg(test)]
mod tests;

use crate::error::LabError;

pub use local::{Home, LocalAgent};
pub use order::{DiskChange, Equip, LogOrder, Measure, Order, Prepare, Start, StopSignal};
pub use report::{Facts, Fate, Preparation, Report, Site};

/// Takes orders.
pub trait Agent: Send + Sync {
    /// Carries an order out and tells what came of it.
    ///
    /// # Errors
    /// When it makes no sense, or cannot be carried out.
    fn carry_out(&self, order: &Order) -> Result<Report, LabError>;
}

impl dyn Agent + '_ {
    /// Carries an order out; what comes of it is of the kind that the caller expects.
    ///
    /// # Errors
    /// When it makes no sense, or cannot be carried out.
    pub fn ask<T: TryFrom<Report, Error = Report>>(&self, order: &Order) -> Result<T, LabError> {
        T::try_from(self.carry_out(order)?)
            .map_err(|other| LabError::answer(&format!("ask for {order:?}"), format!("{other:?}")))
    }
}
