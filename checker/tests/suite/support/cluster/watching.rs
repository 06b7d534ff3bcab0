//! How the simulated cluster is watched: status answers and log lines, late and sometimes mixed.

use fracas_checker::event::{EventKind, NodeId};
use fracas_checker::observation::{Grade, LogEntry, Observation, Role, Source};

use super::{MILLI, Plant, Poll, World};

impl World {
    /// A node writes a line to its log.
    pub(super) fn line(
        &mut self,
        id: NodeId,
        role: Option<Role>,
        generation: u64,
        voted: Option<NodeId>,
    ) {
        let incarnation = self.nodes[&id].life;
        let line = Observation {
            node: id,
            incarnation,
            group: None,
            source: Source::Log,
            grade: Grade::Record,
            since: 0,
            role,
            generation: Some(generation),
            leader: None,
            applied: None,
            voted,
            entry: None,
            text: String::new(),
        };
        self.node(id).lines.push(line);
    }

    pub(super) fn read_lines(&mut self) {
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            if self.dice.one_in(20) {
                let (now, node) = (self.now, self.node(id));
                let since = std::mem::replace(&mut node.read, now) * MILLI;
                for line in std::mem::take(&mut node.lines) {
                    self.record(EventKind::Observe(Observation { since, ..line }));
                }
            }
        }
    }

    pub(super) fn polls(&mut self) {
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            match self.node(id).poll.take() {
                None => {
                    let arrives = self.now + self.dice.within(0, 6);
                    let poll = Poll { sent: self.now + 1, arrives: arrives + 1, answer: None };
                    self.node(id).poll = Some(poll);
                }
                Some(Poll { sent, answer: Some((time, seen)), .. }) if time <= self.now => {
                    if self.nodes[&id].life == seen.incarnation {
                        let since = sent * MILLI;
                        self.record(EventKind::Observe(Observation { since, ..seen }));
                    }
                }
                Some(poll) if poll.answer.is_none() && poll.arrives <= self.now => {
                    if self.runs(id) {
                        let time = self.now + self.dice.within(0, 6);
                        let answer = Some((time, self.status(id)));
                        self.node(id).poll = Some(Poll { answer, ..poll });
                    } else if self.nodes[&id].up {
                        self.node(id).poll = Some(poll);
                    }
                }
                poll => self.node(id).poll = poll,
            }
        }
    }

    fn status(&mut self, id: NodeId) -> Observation {
        let mixed = self.dice.one_in(6);
        let diverges = self.run.plant == Some(Plant::Diverges) && id == NodeId(1);
        let place = self.dice.within(0, 1 + self.nodes[&id].known as u64) as usize;
        let told = self.dice.one_in(3);
        let entry = self.log.get(place).filter(|_| told && place < self.nodes[&id].known);
        let entry = entry.map(|(generation, value)| LogEntry {
            index: place as u64 + 1,
            generation: *generation,
            value: Some((value + i64::from(diverges)).into()),
        });
        let node = self.node(id);
        let before = std::mem::replace(&mut node.told, node.generation);
        Observation {
            node: id,
            incarnation: node.life,
            group: None,
            source: Source::Poll,
            grade: if mixed { Grade::Hearsay } else { Grade::Claim },
            since: 0,
            role: Some(node.role),
            generation: Some(if mixed { before } else { node.generation }),
            leader: node.leader,
            applied: None,
            voted: node.vote,
            entry,
            text: String::new(),
        }
    }
}
