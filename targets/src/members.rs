//! What a target file says of how the members of a cluster change, compiled. Data only.

use std::collections::BTreeMap;
use std::time::Duration;

use regex_lite::Regex;

use crate::template::Template;

/// What members are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberStep {
    /// Tell who they are.
    List,
    /// Remove a node.
    Remove,
    /// Add a node.
    Add,
}

impl MemberStep {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::List, Self::Remove, Self::Add];

    /// Its name among sample requests.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::List => "members",
            Self::Remove => "member is removed",
            Self::Add => "member is added",
        }
    }

    /// The key of the target file that declares it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Remove => "remove",
            Self::Add => "add",
        }
    }
}

/// `[membership]`, compiled.
#[derive(Debug)]
pub(crate) struct MemberRules {
    pub(crate) steps: BTreeMap<MemberStep, StepRule>,
    /// Where members are in the answer to the first of them.
    pub(crate) listed: Option<Listed>,
    /// With which arguments a server joins, beside its own.
    pub(crate) args: Vec<Template>,
    /// Whether a node that was removed joins with empty directories.
    pub(crate) forget: bool,
    /// How long a change may take, with all attempts.
    pub(crate) within: Duration,
}

/// One step.
#[derive(Debug)]
pub(crate) struct StepRule {
    /// The program that does it, where no request does.
    pub(crate) exec: Option<Vec<Template>>,
    /// The HTTP status of success; none in a protocol without any.
    pub(crate) status: Option<u16>,
    /// A pattern that the answer must match.
    pub(crate) text: Option<Regex>,
}

/// Where the members are in an answer.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The list of them.
    pub(crate) at: String,
    /// In a member, what tells its node …
    pub(crate) node: String,
    /// … and what that is for a node.
    pub(crate) is: Template,
    /// In a member, what it is called in requests.
    pub(crate) id: Option<String>,
}
