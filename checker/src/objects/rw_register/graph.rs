//! Which transactions come before which, and when each can take effect at the earliest and at the
//! latest, kept up to date as more becomes known.
//!
//! Real time needs no pairs of its own: whoever ended before another began has the earlier instants.
//! What was added can be taken back, the last first. What the pairs mean is said elsewhere.

use crate::event::Nanos;

/// A transaction, or an instant that belongs to none.
pub(super) type Node = usize;

/// Nodes with the pairs of them of which the first comes before the second.
#[derive(Debug)]
pub(super) struct Graph {
    /// From when to when each can take effect.
    windows: Vec<(Nanos, Nanos)>,
    later: Vec<Vec<u32>>,
    earlier: Vec<Vec<u32>>,
    /// What was changed since the beginning, the last last.
    trail: Vec<Change>,
    /// By node: the last search that met it.
    met: Vec<u32>,
    search: u32,
    /// How many pairs were looked at.
    pub(super) effort: u64,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    /// A pair was added that begins with one and ends with the other.
    Pair(u32, u32),
    /// A node had this window before.
    Window(u32, (Nanos, Nanos)),
}

impl Graph {
    pub(super) fn new(windows: Vec<(Nanos, Nanos)>) -> Self {
        let count = windows.len();
        let (later, earlier) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let (trail, met) = (Vec::new(), vec![0; count]);
        Self { windows, later, earlier, trail, met, search: 0, effort: 0 }
    }

    /// A node for an instant that belongs to no transaction.
    pub(super) fn instant(&mut self) -> Node {
        self.windows.push((0, Nanos::MAX));
        self.later.push(Vec::new());
        self.earlier.push(Vec::new());
        self.met.push(0);
        self.windows.len() - 1
    }

    /// States that `first` comes before `second`, whatever follows from it; for [`Self::settle`].
    pub(super) fn state(&mut self, first: Node, second: Node) {
        self.later[first].push(second as u32);
        self.earlier[second].push(first as u32);
    }

    /// When each node can take effect, from all that was stated. False: they cannot all.
    pub(super) fn settle(&mut self) -> bool {
        let Some(order) = self.sorted() else { return false };
        for node in &order {
            for place in 0..self.later[*node].len() {
                let other = self.later[*node][place] as usize;
                self.windows[other].0 = self.windows[other].0.max(self.windows[*node].0);
            }
        }
        for node in order.iter().rev() {
            for place in 0..self.later[*node].len() {
                let other = self.later[*node][place] as usize;
                self.windows[*node].1 = self.windows[*node].1.min(self.windows[other].1);
            }
        }
        self.windows.iter().all(|(earliest, latest)| earliest <= latest)
    }

    /// All nodes, each after those that come before it; none if some come before themselves.
    pub(super) fn sorted(&self) -> Option<Vec<Node>> {
        let mut waits: Vec<usize> = self.earlier.iter().map(Vec::len).collect();
        let mut order: Vec<Node> = (0..waits.len()).filter(|node| waits[*node] == 0).collect();
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            next += 1;
            for other in &self.later[node] {
                let waits = &mut waits[*other as usize];
                *waits -= 1;
                if *waits == 0 {
                    order.push(*other as usize);
                }
            }
        }
        (order.len() == waits.len()).then_some(order)
    }

    /// When `node` can take effect at the earliest.
    pub(super) fn earliest(&self, node: Node) -> Nanos {
        self.windows[node].0
    }

    /// How much was changed so far; for [`Self::back_to`].
    pub(super) fn mark(&self) -> usize {
        self.trail.len()
    }

    /// Takes back what was changed since `mark`.
    pub(super) fn back_to(&mut self, mark: usize) {
        while self.trail.len() > mark {
            match self.trail.pop() {
                Some(Change::Pair(first, second)) => {
                    self.later[first as usize].pop();
                    self.earlier[second as usize].pop();
                }
                Some(Change::Window(node, window)) => self.windows[node as usize] = window,
                None => {}
            }
        }
    }

    /// Adds that `first` comes before `second`. False: it cannot, and the caller takes back what was
    /// changed.
    pub(super) fn add(&mut self, first: Node, second: Node) -> bool {
        if self.windows[first].0 > self.windows[second].1 || self.leads(second, first) {
            return false;
        }
        self.state(first, second);
        self.trail.push(Change::Pair(first as u32, second as u32));
        self.push_later(second, self.windows[first].0)
            && self.push_earlier(first, self.windows[second].1)
    }

    /// Whether `to` comes after `from`, by pairs.
    fn leads(&mut self, from: Node, to: Node) -> bool {
        self.search += 1;
        let mut work = vec![from];
        while let Some(node) = work.pop() {
            if node == to {
                return true;
            }
            self.effort += 1;
            // What cannot come before `to` by time leads there by no pair.
            let beyond = self.windows[node].0 > self.windows[to].1;
            if beyond || std::mem::replace(&mut self.met[node], self.search) == self.search {
                continue;
            }
            work.extend(self.later[node].iter().map(|other| *other as usize));
        }
        false
    }

    /// `node` and what comes after it take effect at `time` or later. Whether they can.
    fn push_later(&mut self, node: Node, time: Nanos) -> bool {
        let mut work = vec![node];
        while let Some(node) = work.pop() {
            let (earliest, latest) = self.windows[node];
            self.effort += 1;
            if earliest >= time {
                continue;
            }
            if time > latest {
                return false;
            }
            self.trail.push(Change::Window(node as u32, (earliest, latest)));
            self.windows[node].0 = time;
            work.extend(self.later[node].iter().map(|other| *other as usize));
        }
        true
    }

    /// `node` and what comes before it take effect at `time` or earlier. Whether they can.
    fn push_earlier(&mut self, node: Node, time: Nanos) -> bool {
        let mut work = vec![node];
        while let Some(node) = work.pop() {
            let (earliest, latest) = self.windows[node];
            self.effort += 1;
            if latest <= time {
                continue;
            }
            if time < earliest {
                return false;
            }
            self.trail.push(Change::Window(node as u32, (earliest, latest)));
            self.windows[node].1 = time;
            work.extend(self.earlier[node].iter().map(|other| *other as usize));
        }
        true
    }
}
