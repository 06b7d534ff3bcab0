//! The generators that settle what is left to chance: seeded, always.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The generator that settles what an act leaves to chance.
pub(crate) fn random(draw: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(draw)
}

/// A number below `bound`, which must not be 0.
pub(crate) fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    random.random_range(0..bound)
}

/// One of `items`, which must not be empty.
pub(crate) fn one_of<T: Copy>(items: &[T], random: &mut ChaCha8Rng) -> T {
    *items.choose(random).expect("the caller gives at least one")
}
