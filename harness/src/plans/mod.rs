//! Plans: which runs a night has, as a file next to the code says it.
//!
//! A plan is data: rows of keys that are flags of `fracas run`, named profiles of them, and how many
//! seeds each row is run with. Everything here is pure; what a flag means is the command line's.

mod expand;
mod file;
mod keys;
mod night;
mod shard;

pub(crate) use expand::{Chosen, PlannedRow, Seeds, of_night, seen, words};
pub(crate) use file::{PlanFile, Section, Value, Written, is_plan};
pub(crate) use keys::{KEYS, Key, OTHERS, STRUCTURE, TARGET};
pub(crate) use night::{Night, NightFrom};
pub(crate) use shard::{Shard, ShardArg};
