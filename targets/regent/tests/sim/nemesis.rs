//! Simulated faults: cuts, pauses, kills, power failures, clocks that are set, disks that fail or
//! are full, and one that is aimed at a voter.

use std::collections::BTreeSet;

use fracas_regent::messages::NodeId;
use rand::RngExt;
use rand::seq::SliceRandom;

use super::{Event, World};

/// From this act on the adversary hunts a voter, and lets nothing disturb the hunt.
const HUNTS: u32 = 8;

#[derive(Debug)]
pub(crate) enum Step {
    /// Something goes wrong.
    Strike,
    /// It is mended.
    Heal,
    /// A dead node is started.
    Start(NodeId),
    /// A stopped node goes on.
    Resume(NodeId),
}

/// What the adversary is about.
#[derive(Debug, Default)]
pub(crate) struct Nemesis {
    over: bool,
    /// Whom to kill as soon as it has voted.
    prey: Option<NodeId>,
}

impl World {
    pub(super) fn nemesis(&mut self, step: Step) {
        match step {
            Step::Strike if self.nemesis.over => {}
            Step::Strike => self.strike(),
            Step::Heal => self.heal(),
            Step::Start(name) => self.start_node(&name),
            Step::Resume(name) => self.resume_node(&name),
        }
    }

    /// No more faults; everyone is up and connected.
    pub(super) fn heal_all(&mut self) {
        self.nemesis.over = true;
        self.nemesis(Step::Heal);
        for name in self.names() {
            self.nemesis(Step::Start(name.clone()));
            self.nemesis(Step::Resume(name));
        }
    }

    fn heal(&mut self) {
        self.cut.clear();
        self.nemesis.prey = None;
        for node in self.nodes.values_mut() {
            node.off = 0;
            node.disk.set_full(false);
            node.disk.set_failing(0);
        }
    }

    fn strike(&mut self) {
        let lasts = self.rng.random_range(200..2_500);
        let mut names = self.names();
        names.shuffle(&mut self.rng);
        if self.chance(60) {
            self.leader_first(&mut names);
        }
        let act = self.rng.random_range(0..10);
        match act {
            0 => self.cut_between(&names[..1], &names[1..]),
            1 => self.cut_between(&names[..names.len() / 2], &names[names.len() / 2..]),
            2 => self.bridge(&names),
            3 => self.deafen(&names),
            4 | 5 => self.pause(&names[..1], lasts),
            6 => self.pause(&names[..names.len() / 2 + 1], lasts),
            7 => {
                let some = self.rng.random_range(1..=names.len());
                self.kill(&names[..some], lasts);
            }
            _ => self.hunt(&names),
        }
        if act < HUNTS && self.chance(60) {
            self.strike_machines(&names, lasts);
        }
        self.after(lasts, Event::Nemesis(Step::Heal));
        let pause = self.rng.random_range(100..1_500);
        self.after(lasts + pause, Event::Nemesis(Step::Strike));
    }

    /// What happens to machines rather than to the network and the processes, often at once.
    fn strike_machines(&mut self, names: &[NodeId], lasts: u64) {
        let some = self.rng.random_range(1..=names.len());
        match self.rng.random_range(0..6) {
            0 => self.set_clocks(&names[..1]),
            1 => self.set_clocks(&names[..some]),
            2 => self.lose_powers(&names[..some], lasts),
            3 => self.lose_powers(names, lasts),
            4 => {
                let count = self.rng.random_range(1..4);
                names[..some].iter().for_each(|name| self.node(name).disk.set_failing(count));
            }
            _ => names[..some].iter().for_each(|name| self.node(name).disk.set_full(true)),
        }
    }

    /// The clocks on the wall jump, each to somewhere else.
    fn set_clocks(&mut self, names: &[NodeId]) {
        for name in names {
            let off = self.rng.random_range(400..60_000);
            self.node(name).off = if self.chance(40) { off } else { -off };
        }
    }

    fn lose_powers(&mut self, names: &[NodeId], lasts: u64) {
        for name in names {
            self.lose_power(name);
            self.after(lasts, Event::Nemesis(Step::Start(name.clone())));
        }
    }

    fn leader_first(&mut self, names: &mut [NodeId]) {
        let leads = |name: &NodeId| {
            self.nodes[name].status.as_ref().is_some_and(|status| status.role == "leader")
        };
        if let Some(i) = names.iter().position(leads) {
            names.swap(0, i);
        }
    }

    fn cut_between(&mut self, some: &[NodeId], others: &[NodeId]) {
        for a in some {
            for b in others {
                self.cut.extend([(a.clone(), b.clone()), (b.clone(), a.clone())]);
            }
        }
    }

    /// Two sides that meet in the first node only.
    fn bridge(&mut self, names: &[NodeId]) {
        let (left, right) = names[1..].split_at(names.len() / 2);
        self.cut_between(left, right);
    }

    /// The first node hears nobody, though all hear it, or the reverse.
    fn deafen(&mut self, names: &[NodeId]) {
        let deaf = self.chance(50);
        let cuts = names[1..].iter().map(|other| {
            let cut = (other.clone(), names[0].clone());
            if deaf { cut } else { (cut.1, cut.0) }
        });
        let cuts: BTreeSet<_> = cuts.collect();
        self.cut.extend(cuts);
    }

    fn pause(&mut self, names: &[NodeId], lasts: u64) {
        for name in names {
            self.node(name).paused = true;
            self.after(lasts, Event::Nemesis(Step::Resume(name.clone())));
        }
    }

    fn kill(&mut self, names: &[NodeId], lasts: u64) {
        for name in names {
            self.kill_node(name);
            self.after(lasts, Event::Nemesis(Step::Start(name.clone())));
        }
    }

    /// The first node is the only bridge between two sides. It dies, comes back while both sides
    /// hold elections, and dies again right after it voted.
    fn hunt(&mut self, names: &[NodeId]) {
        self.bridge(names);
        let back = self.rng.random_range(300..800);
        self.kill(&names[..1], back);
        self.nemesis.prey = Some(names[0].clone());
    }

    pub(super) fn nemesis_reads(&mut self, name: &str, line: &str) {
        let prey = self.nemesis.prey.as_deref() == Some(name);
        if prey && line.starts_with("voted for=") && self.node(name).life > 1 {
            self.nemesis.prey = None;
            self.kill(&[name.to_owned()], 5);
        }
    }
}
