//! Just-in-time linearization over a frontier of configurations: one pass through all moments.
//!
//! An operation takes effect at the latest when it ends; what else must have happened before is
//! tried only then (Lowe, “Testing for linearizability”, 2016). A pass that keeps every
//! configuration is exact: where none is left, no legal order exists. One that keeps only some may
//! find a legal order, and shows nothing if it does not.

use super::configuration::Configuration;
use super::frontier::Frontier;
use super::ground::{Ground, Outcome, Stop};
use super::moments::Step;
use super::reach::{Limit, Reach};
use super::slots::Slot;
use super::space::{OpClass, State};
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
    /// Where it can go back to, the last one last.
    kept: Vec<Kept<W>>,
}

/// A frontier to go back to.
struct Kept<const W: usize> {
    place: usize,
    narrowed: bool,
    configurations: Vec<Configuration<W>>,
}

impl<'s, const W: usize> BreadthFirst<'s, W> {
    /// A pass that keeps at most `width` configurations, from any of the states `from`.
    pub(crate) fn new(ground: &Ground<'s>, from: &[State], width: usize) -> Self {
        let reach = ground.reach();
        let mut now = Frontier::new();
        for state in from {
            now.insert(Configuration::of(*state), &reach.open);
        }
        let (spare, kept) = (Frontier::new(), Vec::new());
        Self { reach, now, spare, width, narrowed: false, all_or_nothing: false, kept }
    }

    /// The same pass, which stops as soon as it would have to leave something out.
    pub(crate) fn all_or_nothing(self) -> Self {
        Self { all_or_nothing: true, ..self }
    }

    /// Walks through all moments. How far it came, and why not to the end.
    pub(crate) fn run(&mut self) -> Outcome {
        while let Some(passed) = self.step() {
            if let Err(stop) = passed {
                return Outcome::Stopped { place: self.place(), stop };
            }
        }
        Outcome::Legal
    }

    /// Walks past the next moment; none at the end.
    pub(crate) fn step(&mut self) -> Option<Result<(), Stop>> {
        self.reach.open.next().map(|moment| self.pass(moment.step))
    }

    /// The moment at which it stands.
    pub(crate) fn place(&self) -> usize {
        self.reach.open.place()
    }

    /// Keeps at most `width` configurations from now on.
    pub(crate) fn set_width(&mut self, width: usize) {
        self.width = width;
    }

    /// Notes the frontier, to go back to it; forgets the oldest of more than `most`.
    pub(crate) fn keep(&mut self, most: usize) {
        if self.kept.len() >= most {
            self.kept.remove(0);
        }
        let configurations = self.now.iter().collect();
        self.kept.push(Kept { place: self.place(), narrowed: self.narrowed, configurations });
    }

    /// Goes back to the frontier that was noted `times` times ago, or to the oldest. Whether there
    /// is one.
    pub(crate) fn back(&mut self, times: usize) -> bool {
        self.kept.truncate((self.kept.len() + 1).saturating_sub(times).max(1));
        let Some(kept) = self.kept.last() else { return false };
        self.reach.open.seek(kept.place);
        self.narrowed = kept.narrowed;
        self.now.clear();
        for configuration in &kept.configurations {
            self.now.insert(*configuration, &self.reach.open);
        }
        true
    }

    /// How many configurations were expanded.
    pub(crate) fn expanded(&self) -> u64 {
        self.reach.expanded
    }

    fn pass(&mut self, step: Step) -> Result<(), Stop> {
        match step {
            Step::Begin { slot, class, .. } => {
                let open = &mut self.reach.open;
                open.forward();
                if open.observes(class) {
                    self.now.change(|configuration| open.watched(configuration, (slot, class)));
                }
                self.look()
            }
            Step::Maybe { .. } => {
                self.reach.open.forward();
                Ok(())
            }
            Step::End { slot, class } => self.end((slot, class)),
            Step::Forget { class, .. } => {
                self.reach.open.forward();
                self.forget(class);
                Ok(())
            }
        }
    }

    fn look(&mut self) -> Result<(), Stop> {
        let kept = self.kept.iter().map(|kept| size_of_val(&kept.configurations[..]));
        let bytes = self.now.bytes() + self.spare.bytes() + kept.sum::<usize>();
        self.reach.look(bytes).map_err(Stop::GaveUp)
    }

    /// Keeps what is left of the frontier once an operation has taken effect.
    fn end(&mut self, ending: (Slot, OpClass)) -> Result<(), Stop> {
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
        self.reach.open.forward();
        if self.now.len() > self.width && !self.all_or_nothing {
            self.narrow();
        }
        if self.reach.open.usages.bytes() > COMPACT_FROM.max(8 * self.now.bytes()) {
            self.compact();
        }
        self.look()
    }

    /// Keeps some of the configurations: of every state alike those that have spent least.
    fn narrow(&mut self) {
        self.narrowed = true;
        let usages = &self.reach.open.usages;
        let spent = |configuration: &Configuration<W>| {
            (usages.total(configuration.used), configuration.done.len())
        };
        let mut all: Vec<Configuration<W>> = self.now.iter().collect();
        all.sort_unstable_by_key(|configuration| {
            (
                configuration.state,
                spent(configuration),
                *configuration.done.words(),
                configuration.used,
            )
        });
        let by_state = all.chunk_by(|first, second| first.state == second.state);
        let mut ranked: Vec<(usize, Configuration<W>)> =
            by_state.flat_map(|same| same.iter().copied().enumerate()).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        self.now.clear();
        for (_, configuration) in ranked.into_iter().take(self.width) {
            self.now.insert(configuration, &self.reach.open);
        }
    }

    fn forget(&mut self, class: OpClass) {
        self.spare.clear();
        for configuration in self.now.iter() {
            let used = self.reach.open.usages.without(configuration.used, class);
            self.spare.insert(Configuration { used, ..configuration }, &self.reach.open);
        }
        std::mem::swap(&mut self.now, &mut self.spare);
    }

    /// Counts the usages afresh, so that those of the past are forgotten.
    fn compact(&mut self) {
        let mut fresh = Usages::new();
        let usages = &self.reach.open.usages;
        self.now.change(|configuration| Configuration {
            used: usages.moved(configuration.used, &mut fresh),
            ..configuration
        });
        for configuration in self.kept.iter_mut().flat_map(|kept| &mut kept.configurations) {
            configuration.used = usages.moved(configuration.used, &mut fresh);
        }
        self.reach.open.usages = fresh;
    }
}
