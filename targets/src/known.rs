//! What is known of a target when its file is loaded, though it does not stand there.

use std::collections::BTreeMap;

use crate::spec::Serves;

/// Values of settings, by their names.
pub type Settings = BTreeMap<String, String>;

/// A kind of fault that target files may allow, or a scenario that they may ask for. Which there are
/// is known to whoever brings faults about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFault {
    /// Its word, which is a key of `[faults]`.
    pub word: &'static str,
    /// Of a scenario, the kinds of faults that the target must allow beside it.
    pub needs: Vec<&'static str>,
    /// Whether it can only be done where it is known in which directories the data is.
    pub needs_data: bool,
    /// Whether it can only be done where it is known how members of the cluster change.
    pub needs_membership: bool,
}

/// What a file is held against.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The kinds of faults that it may allow.
    pub faults: &'a [KnownFault],
    /// The settings that have another value than their default.
    pub settings: &'a Settings,
    /// What its client program said that it serves; none if nobody asked it yet, and then promises of
    /// what it serves are not looked at.
    pub serves: Option<&'a Serves>,
}
