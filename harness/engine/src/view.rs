//! What is known of the cluster right now: who leads, by the newest that was seen, hearsay included.
//!
//! The nemesis aims by it, clients follow it, the progress line shows it. No verdict rests on it:
//! checks read the history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fracas_checker::event::{Nanos, NodeId, Text};
use fracas_checker::observation::{Observation, Role};
use tokio::sync::watch;

/// A shared, always current picture; cheap to clone.
#[derive(Debug, Clone)]
pub struct View {
    nodes: Arc<Mutex<BTreeMap<NodeId, Seen>>>,
    elections: Arc<watch::Sender<Election>>,
    faults: Arc<AtomicUsize>,
    /// Where nodes are in several groups: the one that is aimed at, the first that was seen.
    group: Arc<OnceLock<Option<Text>>>,
}

/// What was last seen of a node.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    at: Nanos,
    role: Option<Role>,
    generation: Option<u64>,
}

impl Seen {
    /// Whether it is in the generation of a leader. A follower may tell none (the leader alone knows it
    /// in ZooKeeper): that it follows must do.
    fn is_in(&self, generation: Option<u64>) -> bool {
        let tells_none = self.generation.is_none() && self.role == Some(Role::Follower);
        tells_none || self.generation == generation
    }
}

/// The highest generation in which a leader was seen, and that leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Election {
    /// How many generations with a leader were seen in this run.
    pub count: u64,
    /// The highest of them.
    pub generation: u64,
    /// The node that led it; none before the first leader.
    pub leader: Option<NodeId>,
    /// The node that led before, where that was another node.
    pub before: Option<NodeId>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            nodes: Arc::default(),
            elections: Arc::new(watch::Sender::new(Election::default())),
            faults: Arc::default(),
            group: Arc::default(),
        }
    }
}

impl View {
    /// Takes in what a node was seen to be. Hearsay counts, unless it is of a generation that the
    /// node has left behind: hearsay is good enough for waiting and for choosing victims, and no
    /// verdict rests on it.
    pub fn observe(&self, seen: &Observation, at: Nanos) {
        if *self.group.get_or_init(|| seen.group.clone()) != seen.group {
            return;
        }
        let mut nodes = self.lock();
        let node = nodes.entry(seen.node).or_default();
        if !seen.grade.proves() && seen.generation.is_some() && seen.generation < node.generation {
            return;
        }
        let steps_down = node.role == Some(Role::Leader) && seen.role == Some(Role::Follower);
        let remembered = node.generation.filter(|_| !steps_down);
        node.at = at;
        node.role = seen.role.or(node.role);
        node.generation = seen.generation.or(remembered);
        if let (Some(Role::Leader), Some(generation)) = (seen.role, seen.generation) {
            self.elected(seen.node, generation);
        }
    }

    fn elected(&self, node: NodeId, generation: u64) {
        self.elections.send_if_modified(|last| {
            let newer = last.leader.is_none() || generation > last.generation;
            if newer {
                let before = last.leader.filter(|other| *other != node).or(last.before);
                *last = Election { count: last.count + 1, generation, leader: Some(node), before };
            }
            newer
        });
    }

    /// Forgets a node that was stopped: what it said of itself no longer holds.
    pub fn forget(&self, node: NodeId) {
        self.lock().remove(&node);
    }

    /// The node that leads the highest generation seen, unless it was stopped or has stepped down.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        let nodes = self.lock();
        let leads = |(node, seen): (&NodeId, &Seen)| match (seen.role, seen.generation) {
            (Some(Role::Leader), generation) => Some((generation, seen.at, *node)),
            _ => None,
        };
        nodes.iter().filter_map(leads).max().map(|(.., node)| node)
    }

    /// The node that led before the one that was elected last.
    #[must_use]
    pub fn last_leader(&self) -> Option<NodeId> {
        self.elections.borrow().before
    }

    /// Whether a leader is known and `quorum` nodes are in its generation, as far as they tell one.
    #[must_use]
    pub fn agrees(&self, quorum: usize) -> bool {
        let Some(leader) = self.leader() else { return false };
        let nodes = self.lock();
        let generation = nodes.get(&leader).and_then(|seen| seen.generation);
        nodes.values().filter(|seen| seen.is_in(generation)).count() >= quorum
    }

    /// Whether `count` nodes are known, all in one generation as far as they tell one, and exactly one
    /// of them leads.
    #[must_use]
    pub fn unanimous(&self, count: usize) -> bool {
        let nodes = self.lock();
        let mut leaders = nodes.values().filter(|seen| seen.role == Some(Role::Leader));
        let (Some(leader), None) = (leaders.next(), leaders.next()) else { return false };
        nodes.len() == count && nodes.values().all(|seen| seen.is_in(leader.generation))
    }

    /// A watch on elections: changes whenever a leader of a higher generation is seen.
    #[must_use]
    pub fn elections(&self) -> watch::Receiver<Election> {
        self.elections.subscribe()
    }

    /// How many faults are in effect.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.faults.load(Ordering::Relaxed)
    }

    /// Notes how many faults are in effect.
    pub fn set_faults(&self, count: usize) {
        self.faults.store(count, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeId, Seen>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use fracas_checker::observation::{Grade, Source};

    use super::*;

    fn seen(node: u16, role: Role, generation: u64, grade: Grade) -> Observation {
        Observation {
            node: NodeId(node),
            incarnation: 1,
            group: None,
            source: Source::Poll,
            grade,
            since: 0,
            role: Some(role),
            generation: Some(generation),
            leader: None,
            applied: None,
            voted: None,
            entry: None,
            text: String::new(),
        }
    }

    #[test]
    fn the_leader_of_the_highest_generation_leads() {
        let view = View::default();
        view.observe(&seen(1, Role::Leader, 4, Grade::Claim), 10);
        view.observe(&seen(2, Role::Leader, 5, Grade::Claim), 11);
        view.observe(&seen(1, Role::Leader, 4, Grade::Claim), 12);
        assert_eq!(view.leader(), Some(NodeId(2)));
        assert_eq!(view.elections().borrow().count, 2);
        view.observe(&seen(2, Role::Follower, 6, Grade::Claim), 13);
        assert_eq!(view.leader(), Some(NodeId(1)));
        view.forget(NodeId(1));
        assert_eq!(view.leader(), None);
    }

    #[test]
    fn hearsay_is_good_enough_to_aim_by_and_never_of_the_past() {
        let view = View::default();
        view.observe(&seen(1, Role::Leader, 4, Grade::Hearsay), 10);
        assert_eq!(view.leader(), Some(NodeId(1)));
        view.observe(&seen(1, Role::Follower, 5, Grade::Claim), 11);
        view.observe(&seen(1, Role::Leader, 4, Grade::Hearsay), 12);
        assert_eq!(view.leader(), None);
    }

    #[test]
    fn agreement_needs_a_quorum_in_the_leaders_generation() {
        let view = View::default();
        view.observe(&seen(1, Role::Leader, 4, Grade::Claim), 10);
        view.observe(&seen(2, Role::Follower, 3, Grade::Claim), 10);
        assert!(!view.agrees(2));
        view.observe(&seen(2, Role::Follower, 4, Grade::Claim), 11);
        assert!(view.agrees(2));
    }

    #[test]
    fn followers_that_tell_no_generation_agree() {
        let view = View::default();
        let silent =
            |node, role| Observation { generation: None, ..seen(node, role, 0, Grade::Claim) };
        view.observe(&silent(1, Role::Follower), 10);
        assert!(!view.agrees(1) && !view.unanimous(1), "nobody leads");
        view.observe(&seen(2, Role::Leader, 4, Grade::Claim), 10);
        assert!(view.agrees(2) && view.unanimous(2) && !view.agrees(3));
        view.observe(&seen(1, Role::Leader, 5, Grade::Claim), 11);
        view.observe(&silent(2, Role::Follower), 12);
        assert!(view.agrees(2), "what it led once is not what it follows");
        view.observe(&silent(3, Role::Candidate), 12);
        assert!(!view.agrees(3) && !view.unanimous(3), "a candidate follows nobody");
    }
}
