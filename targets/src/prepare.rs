//! What a target prepares once on a machine, before the first start of its nodes: a program fills a
//! directory, of which every node gets a copy. Data only; nothing is run here.

use std::time::Duration;

use crate::quoted::quoted;
use crate::template::Template;

/// A preparation, as declared.
#[derive(Debug)]
pub(crate) struct PrepareRule {
    pub(crate) command: Vec<Template>,
    pub(crate) key: Vec<Template>,
    /// Whether a part of the key is the version of the server.
    pub(crate) by_version: bool,
    /// The directory of a node that gets the copy.
    pub(crate) into: Template,
    pub(crate) within: Duration,
}

/// A preparation with its texts filled in.
#[derive(Debug, Clone)]
pub struct Prepare {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What it depends on beside its command.
    pub key: Vec<String>,
    /// How long it may take.
    pub within: Duration,
}

impl Prepare {
    /// Its program and arguments, as a shell must be given them.
    #[must_use]
    pub fn command(&self) -> String {
        self.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}
