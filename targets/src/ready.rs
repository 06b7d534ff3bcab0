//! When a start is over: a node answers, and the cluster has a leader.
//!
//! It deliberately does not wait: how often to ask, and when to give up, is the harness's choice.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::request::Request;
use crate::sighting::Sighting;
use crate::wire::Wire;
use fracas_checker::NodeId;
use fracas_checker::observation::Role;

/// How long one probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A request that a node answers in a certain way once it is up.
#[derive(Debug, Clone)]
pub struct Probe {
    pub(crate) request: Request,
    /// The HTTP status it must answer with; in a protocol without any, anything but an error.
    pub status: Option<u16>,
    /// How long after its start the node must answer so at the latest.
    pub within: Duration,
}

impl Probe {
    /// Where it asks.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.request {
            Request::Http(request) => request.url.to_string(),
            Request::Resp(command) => command.address.to_string(),
        }
    }

    /// Asks once, over a new connection.
    ///
    /// # Errors
    /// The reason why the node is not ready, for people.
    pub async fn ask(&self) -> Result<(), String> {
        let wire = Wire::new(PROBE_TIMEOUT, PROBE_TIMEOUT).map_err(|error| error.to_string())?;
        let asked = wire.exchange(self.request.clone());
        let reply = asked.await.map_err(|failure| failure.to_string())?;
        let is_up = reply.status() == self.status && !reply.is_error();
        if is_up { Ok(()) } else { Err(reply.summary()) }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} -> {status}", self.request),
            None => self.request.fmt(f),
        }
    }
}

/// All nodes together must have come to an [`agreed_leader`] before clients start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterReady {
    /// How long that may take, from the start of the last node.
    pub within: Duration,
}

/// The one node that says it leads, if a majority of `nodes` nodes (itself included) names it or,
/// naming nobody, follows.
///
/// Two nodes that both say so are an agreement on neither.
#[must_use]
pub fn agreed_leader(nodes: usize, seen: &BTreeMap<NodeId, Sighting>) -> Option<NodeId> {
    let mut leaders = seen.iter().filter(|(_, sighting)| sighting.role == Some(Role::Leader));
    let (leader, _) = leaders.next()?;
    if leaders.next().is_some() {
        return None;
    }
    let agrees = |(node, sighting): &(&NodeId, &Sighting)| match sighting.leader {
        Some(named) => named == *leader,
        None => *node == leader || sighting.role == Some(Role::Follower),
    };
    (seen.iter().filter(agrees).count() > nodes / 2).then_some(*leader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fracas_checker::observation::{Grade, Source};

    /// `L` leads, `F` follows, `C` is a candidate; a digit names the node it takes for the leader.
    fn seen(answers: &[&str]) -> BTreeMap<NodeId, Sighting> {
        let sighting = |text: &str| Sighting {
            grade: Grade::Claim,
            source: Source::Poll,
            node: None,
            role: text.chars().find_map(|letter| match letter {
                'L' => Some(Role::Leader),
                'F' => Some(Role::Follower),
                'C' => Some(Role::Candidate),
                _ => None,
            }),
            generation: None,
            leader: text.chars().find_map(|letter| letter.to_digit(10)).map(|n| NodeId(n as u16)),
            applied: None,
            voted: None,
            text: String::new(),
        };
        (1..).map(NodeId).zip(answers.iter().map(|text| sighting(text))).collect()
    }

    #[test]
    fn a_majority_must_agree() {
        for (nodes, answers, expected) in [
            (3, &["L1", "F1", "F1"][..], Some(1)),
            (3, &["F2", "L2"], Some(2)),
            (3, &["L", "F", "F"], Some(1)),
            (3, &["L", "C", ""], None),
            (3, &["L1", "F2", "F2"], None),
            (3, &["L1", "L2", "F1"], None),
            (3, &["F1", "F1", "F1"], None),
            (5, &["L1", "F1"], None),
            (5, &["L1", "F1", "F1"], Some(1)),
            (1, &["L"], Some(1)),
            (3, &[], None),
        ] {
            assert_eq!(agreed_leader(nodes, &seen(answers)), expected.map(NodeId), "{answers:?}");
        }
    }
}
