//! What every way of cutting the network has in common. Which one is taken is decided elsewhere.

use std::collections::BTreeMap;

use fracas_checker::fault::Cut;

use super::error::LabError;

/// A way to cut the network between nodes.
pub(crate) trait Partitioner: Send {
    /// Its name, as it stands in the history.
    fn name(&self) -> &'static str;
    /// Makes these directions the only ones that are cut, and closes the way along the bridge for
    /// those that are diverted: somebody else takes their packets there. None is both.
    fn replace(&mut self, cuts: &[Cut], diverted: &[Cut]) -> Result<(), LabError>;
    /// How many packets each cut direction has dropped since the last replacement.
    fn drops(&mut self) -> Result<BTreeMap<Cut, u64>, LabError>;
}
