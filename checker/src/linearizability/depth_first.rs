//! Depth-first search for a legal order: one configuration at a time, the most promising first.
//!
//! It takes the steps of the frontier (an operation takes effect at the latest when it ends), but
//! follows a single configuration until it is stuck, and then goes back to the last one that was
//! left aside (Wing and Gong, 1993, with the memory of Lowe, 2016). It finds a witness without
//! looking at much else, where one exists; to show that none does it has to look at everything,
//! for which the frontier is better.
//!
//! What it remembers is exact, not a hash: a position, the open operations that have taken effect
//! and the state are as small as one. A configuration is left out only where a remembered one of
//! the same moment dominates it. Nothing is lost: of all remembered configurations with a legal
//! continuation take the one with the shortest. Its next step leads to one that is remembered, or
//! dominated by one that is and that has a continuation as short as its own; either is shorter
//! still. So if all were expanded and the end was not reached, there is none.

use super::configuration::Configuration;
use super::frontier::Frontier;
use super::ground::{Ground, Outcome, Stop};
use super::moments::Step;
use super::reach::{Limit, Reach};

/// How many configurations beyond an end are looked for at the first attempt, and by how many
/// times more at each further one.
const WIDER: usize = 8;

/// How many configurations are tried for each one looked for.
const EFFORT: usize = 32;

/// The last attempt where other searches can go on; after it what lies further off is forgotten.
const LAST: u32 = 4;

/// A configuration that was left aside, to be followed from the moment `place`.
#[derive(Debug, Clone, Copy)]
struct Node<const W: usize> {
    place: u32,
    /// How often it was expanded already.
    attempt: u32,
    /// How many configurations beyond the next end were put onto the stack already.
    known: u32,
    configuration: Configuration<W>,
}

impl<const W: usize> Node<W> {
    fn new(place: u32, configuration: Configuration<W>) -> Self {
        Self { place, attempt: 0, known: 0, configuration }
    }
}

/// A search that can be interrupted.
pub(crate) struct DepthFirst<'s, const W: usize> {
    reach: Reach<'s, W>,
    stack: Vec<Node<W>>,
    remembered: Frontier<W>,
    reached: Frontier<W>,
    /// The bytes that stack and memory may take.
    bytes: usize,
    /// How often a configuration is met again until what lies further off is forgotten.
    last: u32,
    /// Whether some configurations were left out, so that “not found” shows nothing.
    forgot: bool,
    /// The last end that was reached.
    deepest: usize,
}

impl<'s, const W: usize> DepthFirst<'s, W> {
    /// A search that forgets the oldest of what it left aside when it holds `bytes`.
    pub(crate) fn new(ground: &Ground<'s>, bytes: usize) -> Self {
        let start = Node::new(0, Configuration::of(0));
        Self {
            reach: ground.reach(),
            stack: vec![start],
            remembered: Frontier::new(),
            reached: Frontier::new(),
            bytes,
            last: LAST,
            forgot: false,
            deepest: 0,
        }
    }

    /// The same search, forgetting nothing for as long as it has the bytes: for one that is alone.
    pub(crate) fn thorough(self) -> Self {
        Self { last: u32::MAX, ..self }
    }

    /// Goes on until it is done, or has expanded some `steps` configurations more.
    pub(crate) fn run(&mut self, steps: u64) -> Outcome {
        let last = self.reach.expanded.saturating_add(steps);
        while let Some(node) = self.stack.pop() {
            match self.follow(node) {
                Ok(true) => return Outcome::Legal,
                Ok(false) if self.reach.expanded < last => {}
                Ok(false) => return self.stopped(Stop::Stuck),
                Err(stop) => return self.stopped(stop),
            }
        }
        self.stopped(if self.forgot { Stop::Stuck } else { Stop::Refuted })
    }

    /// Whether there is nothing left to try.
    pub(crate) fn exhausted(&self) -> bool {
        self.stack.is_empty()
    }

    fn stopped(&self, stop: Stop) -> Outcome {
        Outcome::Stopped { place: self.deepest, stop }
    }

    /// Follows a configuration to the next end that it is not past, and puts what lies beyond onto
    /// the stack. Whether it came to the end of all moments.
    fn follow(&mut self, mut node: Node<W>) -> Result<bool, Stop> {
        self.reach.open.seek(node.place as usize);
        if node.attempt == 0 {
            if self.coast(&mut node) {
                return Ok(true);
            }
            self.reach.look(self.held()).map_err(Stop::GaveUp)?;
            if !self.remembered.insert(node.configuration, &self.reach.open) {
                return Ok(false);
            }
        }
        self.expand(node)?;
        self.forget();
        Ok(false)
    }

    /// Walks on while nothing has to be chosen. Whether that led to the end of all moments.
    fn coast(&mut self, node: &mut Node<W>) -> bool {
        let configuration = &mut node.configuration;
        let open = &mut self.reach.open;
        while let Some(moment) = open.next() {
            match moment.step {
                Step::Begin { slot, class, .. } => {
                    open.forward();
                    if open.observes(class) {
                        *configuration = open.watched(*configuration, (slot, class));
                    }
                }
                Step::Maybe { .. } => open.forward(),
                Step::Forget { class, .. } => {
                    open.forward();
                    configuration.used = open.usages.without(configuration.used, class);
                }
                Step::End { slot, class } if configuration.done.has(slot) => {
                    open.forward();
                    *configuration = open.ended(*configuration, (slot, class));
                }
                Step::End { .. } => {
                    node.place = open.place() as u32;
                    self.deepest = self.deepest.max(open.place());
                    return false;
                }
            }
        }
        true
    }

    /// Looks for configurations beyond the end at which `node` stands: for a few at first, and for
    /// more when it is met again.
    fn expand(&mut self, node: Node<W>) -> Result<(), Stop> {
        let Some(Step::End { slot, class }) = self.reach.open.next().map(|moment| moment.step)
        else {
            return Ok(());
        };
        let wanted = WIDER.saturating_pow(node.attempt);
        let limit = Limit { reached: wanted, tried: wanted.saturating_mul(EFFORT) };
        let from = std::iter::once(node.configuration);
        let all = self.reach.past((slot, class), from, limit, &mut self.reached);
        if !all.map_err(Stop::GaveUp)? {
            if node.attempt < self.last {
                let known = self.reached.added() as u32;
                self.stack.push(Node { attempt: node.attempt + 1, known, ..node });
            } else {
                self.forgot = true;
            }
        }
        for later in (node.known as usize..self.reached.added()).rev() {
            let beyond = self
                .reached
                .get(later)
                .map(|configuration| Node::new(node.place + 1, configuration));
            self.stack.extend(beyond);
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.stack.capacity() * size_of::<Node<W>>()
            + self.remembered.bytes()
            + self.reached.bytes()
    }

    /// Drops the older half of what was left aside, and all memory, if they have become too large.
    fn forget(&mut self) {
        if self.held() > self.bytes {
            self.stack.drain(..self.stack.len() / 2);
            self.stack.shrink_to_fit();
            self.remembered = Frontier::new();
            self.forgot = true;
        }
    }

    /// Gives everything up but how far it came.
    pub(crate) fn abandon(&mut self) {
        self.forgot = true;
        self.stack = Vec::new();
        (self.remembered, self.reached) = (Frontier::new(), Frontier::new());
        self.reach.release();
    }

    /// The bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.held() + self.reach.bytes()
    }
}
