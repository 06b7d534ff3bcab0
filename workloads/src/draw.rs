//! Randomness for streams of operations: one root seed, one independent stream per lane.
//!
//! It also hands out the values that are written, so that every value is written at most once
//! over the whole run whatever lanes and workloads there are.

use fracas_checker::Value;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The source of all choices of one lane.
#[derive(Debug)]
pub struct Draw {
    random: ChaCha8Rng,
    next: i64,
    step: i64,
}

impl Draw {
    /// The source of lane `lane` of `lanes` under `seed`.
    ///
    /// Values are `lane + 1`, `lane + 1 + lanes`, …: unique over all lanes of a run.
    #[must_use]
    pub fn new(seed: u64, lane: u32, lanes: u32) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::from(lane) + 1);
        Self { random, next: i64::from(lane) + 1, step: i64::from(lanes.max(1)) }
    }

    /// A value that nobody has written yet and nobody else will.
    pub fn fresh_value(&mut self) -> Value {
        self.fresh_number().into()
    }

    /// The same as a number.
    pub fn fresh_number(&mut self) -> i64 {
        let value = self.next;
        self.next += self.step;
        value
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u16) -> u16 {
        self.random.random_range(0..bound)
    }

    /// One of `all`, of which there must be some.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let count = u16::try_from(all.len()).unwrap_or(u16::MAX);
        &all[usize::from(self.below(count))]
    }

    /// A factor from 0.5 to 1.5 by which a pause between operations is stretched, so that clients
    /// do not march in step.
    pub fn jitter(&mut self) -> f64 {
        0.5 + f64::from(self.random.next_u32()) / f64::from(u32::MAX)
    }
}
