//! Faults of the simulated cluster: what is struck, what is healed, and what is proven of it.

use fracas_checker::event::{EventKind, NodeChange, NodeId};
use fracas_checker::fault::{Cut, Fault, FaultEvent, Measurement, Stage};
use fracas_checker::observation::Role;

use super::super::faults::{cut, kill, pause};
use super::{HEALED, MILLI, Trouble, World};

impl World {
    pub(super) fn plan_troubles(&mut self) {
        let (mut from, mut id) = (150, 0);
        while from + 400 < HEALED {
            for _ in 0..self.dice.within(1, 3) {
                id += 1;
                let begins = from + self.dice.within(0, 40);
                let to = begins + self.dice.within(20, 330);
                let proven = !self.dice.one_in(8);
                let real = proven || self.dice.one_in(2);
                let fault = pause(Vec::new());
                self.troubles.push(Trouble { id, fault, from: begins, to, real, proven });
            }
            from += self.dice.within(330, 700);
        }
    }

    /// Draws a fault, the leader first.
    fn draw(&mut self) -> Fault {
        let mut names: Vec<NodeId> = self.nodes.keys().copied().collect();
        self.dice.shuffle(&mut names);
        // What is stopped already is not stopped again.
        let free: Vec<NodeId> = names.iter().copied().filter(|name| !self.is_down(*name)).collect();
        if self.dice.one_in(2)
            && let Some(place) = names.iter().position(|name| self.nodes[name].role == Role::Leader)
        {
            names.swap(0, place);
        }
        let some = self.dice.within(1, names.len() as u64 / 2 + 2) as usize;
        let (side, rest) = names.split_at(some.min(names.len()));
        let both = |a: &[NodeId], b: &[NodeId]| -> Vec<Cut> {
            a.iter().flat_map(|a| b.iter().flat_map(|b| [(*a, *b), (*b, *a)])).collect()
        };
        let down = || free.iter().copied().filter(|name| side.contains(name)).collect();
        match self.dice.within(0, 6) {
            0 => pause(down()),
            1 | 2 => kill(down()),
            3 => {
                let deaf = self.dice.one_in(2);
                let way =
                    |other: &NodeId| if deaf { (*other, names[0]) } else { (names[0], *other) };
                cut(names[1..].iter().map(way).collect())
            }
            4 => cut(both(&names[..1], &names[1..2])),
            _ => cut(both(side, rest)),
        }
    }

    pub(super) fn faults(&mut self) {
        for place in 0..self.troubles.len() {
            let Trouble { id, from, to, real, proven, .. } = self.troubles[place];
            if self.now == from {
                let fault = self.draw();
                let begin =
                    FaultEvent::Begin { id, fault: fault.clone(), mechanism: String::new() };
                self.record(EventKind::Fault(begin));
                self.troubles[place].fault = fault.clone();
                self.strike(&fault, real);
                self.draw_cuts();
            }
            if self.now == from + 1 {
                self.measured(id, Stage::Injected, proven);
            }
            if self.now == to {
                let fault = self.troubles[place].fault.clone();
                self.heal(&fault, real);
                self.draw_cuts();
            }
            if self.now == to + 2 {
                self.measured(id, Stage::Healed, true);
                let effective = proven.then_some(((from + 1) * MILLI, (to - 1) * MILLI));
                let end = FaultEvent::End { id, effective, problems: Vec::new() };
                self.record(EventKind::Fault(end));
            }
        }
    }

    /// Notes which directions are cut.
    fn draw_cuts(&mut self) {
        let now = self.now;
        let active = self
            .troubles
            .iter()
            .filter(|trouble| trouble.real && (trouble.from..trouble.to).contains(&now));
        let cuts = active.flat_map(|trouble| trouble.fault.cut());
        self.cut = cuts.collect();
    }

    /// Whether a fault that may not be over stops the node.
    fn is_down(&self, id: NodeId) -> bool {
        let now = self.now;
        let mut active =
            self.troubles.iter().filter(|trouble| (trouble.from..=trouble.to + 2).contains(&now));
        active.any(|trouble| trouble.fault.down().contains(&id))
    }

    fn measured(&mut self, id: u32, stage: Stage, holds: bool) {
        let measurements = vec![Measurement { what: String::new(), result: String::new(), holds }];
        self.record(EventKind::Fault(FaultEvent::Proof { id, stage, since: None, measurements }));
    }

    fn strike(&mut self, fault: &Fault, real: bool) {
        for id in fault.down().iter().filter(|_| real) {
            if fault.stopped().contains(id) {
                self.node(*id).paused = true;
                continue;
            }
            // A line may come before the disk.
            let node = self.node(*id);
            if node.up && !node.paused && node.role != Role::Leader {
                let told = (Role::Candidate, node.generation + 1);
                self.line(*id, Some(told.0), told.1, None);
            }
            let node = self.node(*id);
            (node.up, node.paused) = (false, false);
            let (node, incarnation) = (*id, node.life);
            self.record(EventKind::Node { node, incarnation, change: NodeChange::Killed });
        }
    }

    fn heal(&mut self, fault: &Fault, real: bool) {
        for id in fault.down().iter().filter(|_| real) {
            if self.nodes[id].up {
                // Nobody's silence counts that this node could not hear.
                let (now, wait) = (self.now, self.dice.within(20, 60));
                let node = self.node(*id);
                (node.paused, node.heard, node.deadline) = (false, now, now + wait);
            } else {
                self.started(*id);
            }
        }
    }
}
