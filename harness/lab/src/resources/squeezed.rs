//! What can run out, and what the processes of a node were told of it. Data only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A resource that can run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// File descriptors.
    Files,
    /// Memory, in bytes of addresses.
    Memory,
}

/// What the processes of a node were told, and what held before.
#[derive(Debug, Default)]
pub(crate) struct Squeezed(pub(super) BTreeMap<Resource, BTreeMap<i32, Told>>);

/// What one process was told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) before: u64,
    pub(super) now: u64,
}
