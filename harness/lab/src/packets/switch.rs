//! Which packets wait, for whom and until when. Knows no thread and reads no port.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Instant;

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;

use super::flow::{Fate, Flow};
use super::port::Ports;
use super::port::{ADDRESS, OFFLOAD, mac_of, on_the_wire};
use super::{Carried, Shaping};

/// How many bytes may wait in all. A second's delay of two gigabits per second is as much.
const WAITING_MAX: usize = 256 * 1024 * 1024;

/// The shaped directions, and the packets that wait in them.
#[derive(Default)]
pub(super) struct Switch {
    lines: BTreeMap<Cut, Line>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// How many bytes wait.
    bytes: usize,
    /// The number of the next packet that waits.
    next: u64,
}

/// A shaped direction.
struct Line {
    flow: Flow,
    carried: Carried,
}

/// A packet that waits. The order is that in which they are due; of two at the same instant, that
/// in which they came.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due: Instant,
    number: u64,
    line: Cut,
    frame: Vec<u8>,
}

impl Switch {
    /// Shapes these directions. What waits in one whose shaping changes is sent on at once.
    pub(super) fn add(&mut self, shapings: &BTreeMap<Cut, Shaping>, ports: &Ports) {
        let same = |line: &Line, shaping: &Shaping| line.flow.shaping() == shaping;
        let changed = shapings
            .iter()
            .filter(|(cut, shaping)| self.lines.get(cut).is_some_and(|line| !same(line, shaping)));
        let changed: BTreeSet<Cut> = changed.map(|(cut, _)| *cut).collect();
        self.let_go(ports, |line| changed.contains(&line));
        for (&cut, &shaping) in shapings {
            let new = || Line { flow: Flow::new(cut, shaping), carried: Carried::default() };
            let line = self.lines.entry(cut).or_insert_with(new);
            if changed.contains(&cut) {
                line.flow = Flow::new(cut, shaping);
            }
        }
    }

    /// Forgets all other directions. What waits in them is sent on at once.
    pub(super) fn keep(&mut self, directions: &BTreeMap<Cut, Shaping>, ports: &Ports) {
        self.let_go(ports, |line| !directions.contains_key(&line));
        self.lines.retain(|line, _| directions.contains_key(line));
    }

    /// Forgets these directions. What waits in them is lost.
    pub(super) fn sever(&mut self, directions: &BTreeSet<Cut>) {
        self.waiting.retain(|Reverse(waiting)| !directions.contains(&waiting.line));
        self.bytes = self.waiting.iter().map(|Reverse(waiting)| waiting.frame.len()).sum();
        self.lines.retain(|line, _| !directions.contains(line));
    }

    /// Sends what waits in these directions, in order, though it is not due.
    fn let_go(&mut self, ports: &Ports, chosen: impl Fn(Cut) -> bool) {
        for Reverse(waiting) in
            std::mem::take(&mut self.waiting).into_sorted_vec().into_iter().rev()
        {
            if chosen(waiting.line) {
                self.bytes -= waiting.frame.len();
                self.send(waiting.line, &waiting.frame, ports);
            } else {
                self.waiting.push(Reverse(waiting));
            }
        }
    }

    /// Decides the fate of a frame that a node has sent, for each shaped direction that it takes.
    pub(super) fn take(&mut self, from: NodeId, frame: &[u8], (now, ports): (Instant, &Ports)) {
        let Some(address) = frame.get(OFFLOAD..OFFLOAD + ADDRESS) else { return };
        let to_group = address[0] & 1 == 1;
        let all = self.lines.range((from, NodeId(0))..=(from, NodeId(u16::MAX)));
        let lines = all.map(|(line, _)| *line);
        // A filter of the kernel has looked at the address already, but for all directions at once.
        let lines = lines.filter(|(_, to)| to_group || mac_of(*to) == address);
        for line in lines.collect::<Vec<_>>() {
            self.take_along(line, frame, (now, ports));
        }
    }

    /// Decides the fate of a frame in one direction.
    fn take_along(&mut self, line: Cut, frame: &[u8], (now, ports): (Instant, &Ports)) {
        let Some(Line { flow, carried }) = self.lines.get_mut(&line) else { return };
        carried.taken += 1;
        match flow.fate(now, on_the_wire(frame)) {
            Fate::Lost => carried.lost += 1,
            Fate::Refused => carried.refused += 1,
            Fate::Due { at, doubled, early } => {
                carried.doubled_and_early(doubled, early);
                for _ in 0..=u8::from(doubled) {
                    if at <= now {
                        self.send(line, frame, ports);
                    } else {
                        self.put(line, frame, at);
                    }
                }
            }
        }
    }

    /// Has a frame wait.
    fn put(&mut self, line: Cut, frame: &[u8], due: Instant) {
        if self.bytes + frame.len() > WAITING_MAX {
            self.count(line, |carried| carried.failed += 1);
            return;
        }
        self.bytes += frame.len();
        self.next += 1;
        let frame = frame.to_vec();
        self.waiting.push(Reverse(Waiting { due, number: self.next, line, frame }));
    }

    /// Sends what is due.
    pub(super) fn send_due(&mut self, now: Instant, ports: &Ports) {
        while self.next_due().is_some_and(|due| due <= now) {
            let Some(Reverse(waiting)) = self.waiting.pop() else { return };
            self.bytes -= waiting.frame.len();
            self.send(waiting.line, &waiting.frame, ports);
            self.count(waiting.line, |carried| carried.late = carried.late.max(now - waiting.due));
        }
    }

    /// When the next packet is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse(waiting)| waiting.due)
    }

    /// Sends a frame to the end of its direction.
    fn send(&mut self, line: Cut, frame: &[u8], ports: &Ports) {
        let sent = ports.get(&line.1).is_some_and(|port| port.send(frame).is_ok());
        self.count(line, |carried| if sent { carried.sent += 1 } else { carried.failed += 1 });
    }

    /// Counts something in a direction, if it is still shaped.
    fn count(&mut self, line: Cut, count: impl FnOnce(&mut Carried)) {
        if let Some(line) = self.lines.get_mut(&line) {
            count(&mut line.carried);
        }
    }

    /// To whom packets of this node are shaped.
    pub(super) fn receivers(&self, from: NodeId) -> Vec<NodeId> {
        self.lines.keys().filter(|line| line.0 == from).map(|line| line.1).collect()
    }

    /// What was done in each direction.
    pub(super) fn carried(&self) -> BTreeMap<Cut, Carried> {
        self.lines.iter().map(|(line, it)| (*line, it.carried)).collect()
    }
}

impl Carried {
    /// Counts what will be done to one packet.
    fn doubled_and_early(&mut self, doubled: bool, early: bool) {
        self.duplicated += u64::from(doubled);
        self.reordered += u64::from(early);
    }
}
