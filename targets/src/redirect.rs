//! Answers that send an operation to another node, where the target file declares that they are followed.
//!
//! Pure. Following one is a new attempt, which whoever records the history makes and writes down; it
//! deliberately leads to no address but those of the cluster's nodes.

use fracas_checker::{Completion, NodeId};
use reqwest::Url;

use crate::endpoint::Endpoints;
use crate::text::bounded;

/// What an answer says of where its operation is to be asked, by the words of a protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    pub(crate) place: Place,
    /// What else the request there needs: each protocol knows what this is.
    pub(crate) detour: String,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// An address, or a name.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Where an answer sends its operation: to a node of the cluster. To follow it is a new attempt,
/// with an outcome of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    node: NodeId,
    pub(crate) detour: String,
}

impl Redirect {
    /// The node that is to be asked.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The node of the cluster that is meant; none if none is.
    pub(crate) fn to(elsewhere: Elsewhere, endpoints: &Endpoints, default: u16) -> Option<Self> {
        let Elsewhere { place, detour } = elsewhere;
        let meant = |node: NodeId, base: &str| {
            Place::of(base, default).is_some_and(|own| {
                let named = place.host.eq_ignore_ascii_case(&node.to_string());
                own.port == place.port && (own.host == place.host || named)
            })
        };
        let mut nodes = endpoints.iter().filter(|(node, at)| meant(**node, &at.base));
        nodes.next().map(|(node, _)| Self { node: *node, detour })
    }

    /// How the attempt ended whose answer said so: the node that was asked did nothing.
    pub(crate) fn ended(&self, answer: &str) -> Completion {
        Completion::Fail { error: bounded(&format!("redirected to {}: {answer}", self.node)) }
    }
}

impl Place {
    /// Where an address points to; without a port, to the one that the protocol has.
    pub(crate) fn of(base: &str, default: u16) -> Option<Self> {
        let url = Url::parse(base).ok()?;
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some(Self { host, port: url.port_or_known_default().unwrap_or(default) })
    }
}

/// One attempt at an operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended.
    pub completion: Completion,
    /// Where its answer sends the operation, if it does and that is declared. Then nothing was done.
    pub redirect: Option<Redirect>,
}

impl From<Completion> for Attempt {
    fn from(completion: Completion) -> Self {
        Self { completion, redirect: None }
    }
}
