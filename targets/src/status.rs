//! What an answer to the status request tells of role and generation.
//!
//! Whether one answer tells of one moment is declared by the target (`atomic`): an answer that
//! mixes two moments has shown two leaders in one generation of healthy clusters, so it is hearsay.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::event::Text;
use fracas_checker::observation::{Grade, Role, Source};
use serde_json::Value as Json;

use crate::extract::{NodeAt, NumberAt, Place};
use crate::reply::Reply;
use crate::sighting::Sighting;
use crate::template::Template;
use crate::text::bounded;

/// No node is in more groups, or they are not looked at.
const GROUPS_MAX: usize = 1_000;

/// How often and in which way a node is asked, and where its answer tells what.
#[derive(Debug)]
pub(crate) struct StatusRule {
    pub(crate) means: Means,
    pub(crate) every: Duration,
    /// Which group of nodes it tells of, where a node is in several.
    pub(crate) group: Option<GroupRule>,
    /// Where a list is that tells of one group after the other.
    pub(crate) each: Option<String>,
    pub(crate) atomic: bool,
    pub(crate) role: RoleRule,
    pub(crate) generation: Option<NumberAt>,
    pub(crate) leader: Option<NodeAt>,
    pub(crate) applied: Option<NumberAt>,
    pub(crate) voted: Option<NodeAt>,
}

/// In which way a node is asked for its status.
#[derive(Debug)]
pub(crate) enum Means {
    /// By a request in the protocol of the target.
    Request,
    /// By a text that is sent over TCP to an address, and answered by a text.
    Text(Template, String),
    /// By a program that is run where the node is.
    Command(Vec<Template>),
    /// Through the client program.
    Program,
}

/// Which group an answer tells of.
#[derive(Debug)]
pub(crate) enum GroupRule {
    /// Always this one.
    Named(Text),
    /// The one that it names.
    In(Place),
    /// The one that it names, if it names one.
    Perhaps(Place),
}

/// How a status answer tells the node's role.
#[derive(Debug)]
pub(crate) enum RoleRule {
    /// The place holds one of these words.
    Word(Place, BTreeMap<String, Role>),
    /// It leads if both places, the leader's name and its own, hold the same. While the first is
    /// empty (`null`, 0, an empty string) it knows no leader, which tells nothing of its role.
    Equals([String; 2]),
}

impl StatusRule {
    /// What an answer tells: of one group, or of each in its list. Parts that are missing or not as
    /// declared are unknown, and so are nodes outside of the cluster.
    pub(crate) fn sight(&self, reply: &Reply, exists: impl Fn(NodeId) -> bool) -> Vec<Sighting> {
        if reply.status().is_some_and(|status| status != 200) {
            return Vec::new();
        }
        let (body, text) = (reply.body(), reply.summary());
        let parts = match &self.each {
            None => std::slice::from_ref(&*body),
            Some(pointer) => {
                body.pointer(pointer).and_then(Json::as_array).map_or(&[][..], Vec::as_slice)
            }
        };
        let sighted = parts.iter().take(GROUPS_MAX).map(|part| self.of_one(part, &text, &exists));
        sighted.flatten().collect()
    }

    /// What one part of an answer tells.
    fn of_one(
        &self,
        body: &Json,
        text: &str,
        exists: &impl Fn(NodeId) -> bool,
    ) -> Option<Sighting> {
        let named = |place: Option<&NodeAt>| {
            place.and_then(|place| place.read(body)).filter(|node| exists(*node))
        };
        let group = match &self.group {
            None => None,
            Some(GroupRule::Perhaps(place)) => name_in(place, body),
            Some(group) => Some(group.read(body)?),
        };
        let sighting = Sighting {
            group,
            grade: if self.atomic { Grade::Claim } else { Grade::Hearsay },
            source: Source::Poll,
            node: None,
            role: self.role.read(body),
            generation: number(self.generation.as_ref(), body),
            leader: named(self.leader.as_ref()),
            applied: number(self.applied.as_ref(), body),
            voted: named(self.voted.as_ref()),
            text: text.to_owned(),
        };
        let tells = sighting.role.is_some() || sighting.generation.is_some();
        (tells || sighting.leader.is_some()).then_some(sighting)
    }
}

impl GroupRule {
    /// The name of the group; none if the answer names none.
    fn read(&self, body: &Json) -> Option<Text> {
        match self {
            Self::Named(name) => Some(name.clone()),
            Self::In(place) | Self::Perhaps(place) => name_in(place, body),
        }
    }
}

/// The name of a group that is at this place.
fn name_in(place: &Place, body: &Json) -> Option<Text> {
    match &*place.find(body)? {
        Json::String(name) => Some(bounded(name).into()),
        Json::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

fn number(place: Option<&NumberAt>, body: &Json) -> Option<u64> {
    place.and_then(|place| place.read(body).ok().flatten())
}

impl RoleRule {
    fn read(&self, body: &Json) -> Option<Role> {
        match self {
            Self::Word(place, words) => words.get(place.find(body)?.as_str()?).copied(),
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
        let rule = RoleRule::Word(Place::At("/role".to_owned()), words);
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
        for leader in [json!(null), json!("0"), json!(0), json!("")] {
            assert_eq!(read(leader), None);
        }
        assert_eq!(rule.read(&json!({"header": {"id": "7"}})), None);
    }
}
