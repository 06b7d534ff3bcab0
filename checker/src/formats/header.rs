//! What stands for the header of a history that has none.

use crate::history::{Header, Plan, SCHEMA};

/// The header of a history that has none: nothing is known of the run, and no plan goes with it.
pub(super) fn header() -> Header {
    Header {
        schema: SCHEMA.to_owned(),
        run: "recorded".to_owned(),
        target: "unknown".to_owned(),
        seed: 0,
        nodes: Vec::new(),
        plan: Plan::default(),
    }
}
