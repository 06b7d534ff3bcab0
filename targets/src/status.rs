//! What an answer to the status request tells of role and generation.
//!
//! Whether one answer tells of one moment is declared by the target (`atomic`): an answer that
//! mixes two moments has shown two leaders in one generation of healthy clusters, so it is hearsay.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::observation::{Grade, Role, Source};
use serde_json::Value as Json;

use crate::extract::{NodeAt, NumberAt};
use crate::reply::Reply;
use crate::sighting::Sighting;

/// How often a node is asked, and where its answer tells what.
#[derive(Debug)]
pub(crate) struct StatusRule {
    pub(crate) every: Duration,
    pub(crate) atomic: bool,
    pub(crate) role: RoleRule,
    pub(crate) generation: Option<NumberAt>,
    pub(crate) leader: Option<NodeAt>,
    pub(crate) applied: Option<NumberAt>,
    pub(crate) voted: Option<NodeAt>,
}

/// How a status answer tells the node's role.
#[derive(Debug)]
pub(crate) enum RoleRule {
    /// The place holds one of these words.
    Word(String, BTreeMap<String, Role>),
    /// It leads if both places, the leader's name and its own, hold the same. While the first is
    /// empty (`null`, 0, an empty string) it knows no leader, which tells nothing of its role.
    Equals([String; 2]),
}

impl StatusRule {
    /// What an answer tells. Parts that are missing or not as declared are unknown, and so are
    /// nodes outside of the cluster.
    pub(crate) fn sight(&self, reply: &Reply, exists: impl Fn(NodeId) -> bool) -> Option<Sighting> {
        let body = reply.json().filter(|_| reply.status().is_none_or(|status| status == 200))?;
        let named = |place: Option<&NodeAt>| {
            place.and_then(|place| place.read(&body)).filter(|node| exists(*node))
        };
        let sighting = Sighting {
            group: None,
            grade: if self.atomic { Grade::Claim } else { Grade::Hearsay },
            source: Source::Poll,
            node: None,
            role: self.role.read(&body),
            generation: number(self.generation.as_ref(), &body),
            leader: named(self.leader.as_ref()),
            applied: number(self.applied.as_ref(), &body),
            voted: named(self.voted.as_ref()),
            text: reply.summary(),
        };
        let tells = sighting.role.is_some() || sighting.generation.is_some();
        (tells || sighting.leader.is_some()).then_some(sighting)
    }
}

fn number(place: Option<&NumberAt>, body: &Json) -> Option<u64> {
    place.and_then(|place| place.read(body).ok().flatten())
}

impl RoleRule {
    fn read(&self, body: &Json) -> Option<Role> {
        match self {
            Self::Word(pointer, words) => words.get(body.pointer(pointer)?.as_str()?).copied(),
            Self::Equals([leader, own]) => {
                let (leader, own) = (body.pointer(leader)?, body.pointer(own)?);
                let role = if leader == own { Role::Leader } else { Role::Follower };
                (!is_empty(leader) && !is_empty(own)).then_some(role)
            }
        }
    }
}

fn is_empty(name: &Json) -> bool {
    name.is_null() || name == "" || name == "0" || name == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_is_a_known_word() {
        let words = [("lead", Role::Leader), ("follow", Role::Follower)];
        let words = words.map(|(word, role)| (word.to_owned(), role)).into();
        let rule = RoleRule::Word("/role".to_owned(), words);
        assert_eq!(rule.read(&json!({"role": "lead"})), Some(Role::Leader));
        for body in [json!({"role": "learner"}), json!({"role": 1}), json!({}), json!(null)] {
            assert_eq!(rule.read(&body), None);
        }
    }

    #[test]
    fn a_role_is_an_equality() {
        let rule = RoleRule::Equals(["/leader".to_owned(), "/header/id".to_owned()]);
        let read = |leader: Json| rule.read(&json!({"leader": leader, "header": {"id": "7"}}));
        assert_eq!(read(json!("7")), Some(Role::Leader));
        assert_eq!(read(json!("8")), Some(Role::Follower));
        for nobody in [json!(null), json!("0"), json!(0), json!("")] {
            assert_eq!(read(nobody), None);
        }
        assert_eq!(rule.read(&json!({"header": {"id": "7"}})), None);
    }
}
