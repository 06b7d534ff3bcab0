//! Just-in-time linearization over a frontier of configurations: one pass through all moments.
//!
//! An operation takes effect at the latest when it ends; what else must have happened before is
//! tried only then (Lowe, “Testing for linearizability”, 2016). A pass that keeps every
//! configuration is exact: where none is left, no legal order exists. One that keeps only some may
//! find a legal order, and shows nothing if it does not.

use super::frontier::{Configuration, Frontier};
use super::moments::What;
use super::reach::{Limit, Reach};
use super::slots::Slot;
use super::space::{Deed, State};
use super::turns::{Ground, Outcome, Stop};
use super::usages::Usages;

/// How many times its width a narrow pass may try before it keeps what it has.
const DEPTH: usize = 16;

/// When the counts of usage are worth rebuilding, in bytes.
const COMPACT_FROM: usize = 1 << 16;

/// One pass.
pub(crate) struct BreadthFirst<'s, const W: usize> {
    reach: Reach<'s, W>,
    now: Frontier<W>,
    spare: Frontier<W>,
    /// How many configurations are kept.
    width: usize,
    /// Whether some were not.
    narrowed: bool,
    /// Whether it stops as soon as some are not.
    all_or_nothing: bool,
}

impl<'s, const W: usize> BreadthFirst<'s, W> {
    /// A pass that keeps at most `width` configurations, from any of the states `from`.
    pub(crate) fn new(ground: &Ground<'s>, from: &[State], width: usize) -> Self {
        let reach = ground.reach();
        let mut now = Frontier::new();
        for state in from {
            now.insert(Configuration::of(*state), &reach.scene);
        }
        Self { reach, now, spare: Frontier::new(), width, narrowed: false, all_or_nothing: false }
    }

    /// The same pass, which stops as soon as it would have to leave something out.
    pub(crate) fn all_or_nothing(self) -> Self {
        Self { all_or_nothing: true, ..self }
    }

    /// Walks through all moments. How far it came, and why not to the end.
    pub(crate) fn run(&mut self) -> Outcome {
        while let Some(moment) = self.reach.scene.next() {
            if let Err(stop) = self.pass(moment.what) {
                return Outcome::Stopped { place: self.reach.scene.place(), stop };
            }
        }
        Outcome::Legal
    }

    /// How many configurations were expanded.
    pub(crate) fn expanded(&self) -> u64 {
        self.reach.expanded
    }

    fn pass(&mut self, what: What) -> Result<(), Stop> {
        match what {
            What::Begin { slot, deed, .. } => {
                let scene = &mut self.reach.scene;
                scene.forward();
                if scene.observes(deed) {
                    self.now.change(|one| scene.watched(one, (slot, deed)));
                }
                self.look()
            }
            What::Maybe { .. } => {
                self.reach.scene.forward();
                Ok(())
            }
            What::End { slot, deed } => self.end((slot, deed)),
            What::Forget { deed, .. } => {
                self.reach.scene.forward();
                self.forget(deed);
                Ok(())
            }
        }
    }

    fn look(&mut self) -> Result<(), Stop> {
        let bytes = self.now.bytes() + self.spare.bytes();
        self.reach.look(bytes).map_err(Stop::GaveUp)
    }

    /// Keeps what is left of the frontier once an operation has taken effect.
    fn end(&mut self, ending: (Slot, Deed)) -> Result<(), Stop> {
        let limit = match self.width {
            usize::MAX => Limit::NONE,
            width => Limit { reached: width, tried: DEPTH * width },
        };
        self.reach.elsewhere += self.now.bytes();
        let all = self.reach.past(ending, self.now.iter(), limit, &mut self.spare);
        self.reach.elsewhere -= self.now.bytes();
        self.narrowed |= !all.map_err(Stop::GaveUp)?;
        if self.spare.is_empty() || (self.narrowed && self.all_or_nothing) {
            return Err(if self.narrowed { Stop::Stuck } else { Stop::Refuted });
        }
        std::mem::swap(&mut self.now, &mut self.spare);
        self.reach.scene.forward();
        if self.now.len() > self.width && !self.all_or_nothing {
            self.narrow();
        }
        if self.reach.scene.usages.bytes() > COMPACT_FROM.max(8 * self.now.bytes()) {
            self.compact();
        }
        self.look()
    }

    /// Keeps some of the configurations: of every state alike those that have spent least.
    fn narrow(&mut self) {
        self.narrowed = true;
        let usages = &self.reach.scene.usages;
        let spent = |one: &Configuration<W>| (usages.total(one.used), one.done.len());
        let mut all: Vec<Configuration<W>> = self.now.iter().collect();
        all.sort_unstable_by_key(|one| (one.state, spent(one), *one.done.words(), one.used));
        let by_state = all.chunk_by(|one, other| one.state == other.state);
        let mut ranked: Vec<(usize, Configuration<W>)> =
            by_state.flat_map(|same| same.iter().copied().enumerate()).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        self.now.clear();
        for (_, one) in ranked.into_iter().take(self.width) {
            self.now.insert(one, &self.reach.scene);
        }
    }

    fn forget(&mut self, deed: Deed) {
        self.spare.clear();
        for one in self.now.iter() {
            let used = self.reach.scene.usages.without(one.used, deed);
            self.spare.insert(Configuration { used, ..one }, &self.reach.scene);
        }
        std::mem::swap(&mut self.now, &mut self.spare);
    }

    /// Counts the usages afresh, so that those of the past are forgotten.
    fn compact(&mut self) {
        let mut fresh = Usages::new();
        let usages = &self.reach.scene.usages;
        self.now.change(|one| Configuration { used: usages.moved(one.used, &mut fresh), ..one });
        self.reach.scene.usages = fresh;
    }
}
