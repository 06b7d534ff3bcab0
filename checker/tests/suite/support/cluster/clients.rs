//! Clients of the simulated cluster: what they ask, and what leaders make of it.

use fracas_checker::event::{Completion, EventKind, NodeId, Op, Outcome, ProcessId, Stamp};
use fracas_checker::observation::Role;

use super::{FINAL, Invocation, KEYS, LOAD, Plant, STOP, TIMEOUT, World};

impl World {
    /// A write that nobody waits for any more takes effect, or is gone for good.
    pub(super) fn late_effects(&mut self) {
        let leader = self.nodes.keys().copied().find(|id| self.runs(*id) && self.has_quorum(*id));
        if let Some(leader) = leader
            && self.dice.one_in(30)
            && let Some((op, key)) = self.dangling.pop()
            && self.dice.one_in(2)
        {
            self.apply(leader, &op, key);
        }
    }

    /// Carries out `op` under the leader `id`; none if a compare-and-set found something else.
    fn apply(&mut self, id: NodeId, op: &Op, key: u64) -> Option<Outcome> {
        let held = self.registers.get(&key).copied();
        let (new, outcome) = match op {
            Op::Read { .. } => return Some(Outcome::Read { value: held.map(Into::into) }),
            Op::Write { value, .. } => (value, Outcome::Write),
            Op::Cas { old, new, .. } if held == old.as_int() => (new, Outcome::Cas),
            _ => return None,
        };
        let new = new.as_int().expect("values are numbers");
        self.before.insert(key, held);
        self.registers.insert(key, new);
        self.log.push((self.nodes[&id].generation, new));
        Some(outcome)
    }

    pub(super) fn serve(&mut self) {
        for place in 0..self.clients.len() {
            match self.clients[place].busy.take() {
                None => self.ask(place),
                Some(Invocation { answer: Some((time, completion)), .. }) if time <= self.now => {
                    self.complete(place, completion);
                }
                Some(asked) if asked.answer.is_none() && asked.timeout <= self.now => {
                    self.give_up(place, &asked);
                }
                Some(asked) => {
                    let asked = self.handle(asked);
                    self.clients[place].busy = Some(asked);
                }
            }
        }
    }

    fn ask(&mut self, place: usize) {
        let closing = self.now >= FINAL;
        if self.now < LOAD || self.now + 2 >= STOP || !self.dice.one_in(4) {
            return;
        }
        let key = self.dice.within(0, KEYS);
        let name = format!("k{key}").into();
        self.value += 1;
        let value = self.value.into();
        let op = match self.dice.within(0, 10) {
            _ if closing => Op::Read { key: name },
            0..5 => Op::Read { key: name },
            5..9 => Op::Write { key: name, value },
            _ => {
                let old = self.registers.get(&key).copied().unwrap_or(1).into();
                Op::Cas { key: name, old, new: value }
            }
        };
        let any = NodeId(1 + self.dice.within(0, u64::from(self.run.nodes())) as u16);
        let leaders = self.nodes.iter().filter(|(_, node)| node.role == Role::Leader);
        let mut leaders: Vec<NodeId> = leaders.map(|(id, _)| *id).collect();
        self.dice.shuffle(&mut leaders);
        let at = leaders.first().copied().filter(|_| !self.dice.one_in(5)).unwrap_or(any);
        let process = ProcessId(self.clients[place].process);
        let (arrives, timeout) = (self.now + self.dice.within(0, 4), self.now + TIMEOUT);
        self.record(EventKind::Invoke { process, node: Some(at), op: op.clone() });
        let asked = Invocation { op, key, at, arrives, timeout, answer: None };
        self.clients[place].busy = Some(asked);
    }

    /// What the node makes of a request that has arrived.
    fn handle(&mut self, mut asked: Invocation) -> Invocation {
        let (id, plant) = (asked.at, self.run.plant);
        let answers = self.now + self.dice.within(0, 4);
        if asked.answer.is_some() || asked.arrives > self.now || self.nodes[&id].paused {
            return asked;
        }
        let fail = Completion::Fail { error: String::new() };
        let stamp = Stamp::new(Some(id), Some(self.nodes[&id].generation));
        let ok = |outcome| Completion::Ok { outcome, stamp: stamp.clone() };
        if !self.nodes[&id].up || self.nodes[&id].role != Role::Leader {
            asked.answer = Some((answers, fail));
        } else if self.has_quorum(id) {
            let done = self.apply(id, &asked.op, asked.key).map_or(fail, ok);
            // An answer may get lost.
            let lost = self.dice.one_in(30);
            let info = Completion::Info { error: String::new() };
            asked.answer = Some(if lost { (asked.timeout, info) } else { (answers, done) });
        } else if plant == Some(Plant::StaleRead) && matches!(asked.op, Op::Read { .. }) {
            let value = self.nodes[&id].copy.get(&asked.key).map(|value| (*value).into());
            asked.answer = Some((answers, ok(Outcome::Read { value })));
        } else if plant == Some(Plant::AckAlone) && matches!(asked.op, Op::Write { .. }) {
            asked.answer = Some((answers, ok(Outcome::Write)));
        }
        asked
    }

    fn complete(&mut self, place: usize, completion: Completion) {
        let process = ProcessId(self.clients[place].process);
        if matches!(completion, Completion::Info { .. }) {
            self.clients[place].process = self.processes;
            self.processes += 1;
        }
        self.record(EventKind::Complete { process, completion });
    }

    fn give_up(&mut self, place: usize, asked: &Invocation) {
        if !matches!(asked.op, Op::Read { .. }) {
            self.dangling.push((asked.op.clone(), asked.key));
        }
        self.complete(place, Completion::Info { error: String::new() });
    }
}
