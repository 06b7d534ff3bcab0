//! Choosing faults: pure, seeded, and ignorant of how a fault is brought about.
//!
//! A [`Plan`] is drawn before the run from the seed alone: what, when and for how long. When it is
//! time may hang on what the cluster does (“after the third election”), and so may which nodes an
//! act means (“the leader”): that is settled when its time comes, by [`resolve`], a pure function
//! of the act and the state of that moment. Doing it is the job of [`crate::actor`].

mod act;
mod mix;
mod partition;
mod plan;
mod resolve;
mod schedule;
mod state;
mod stories;
mod words;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use act::{Act, Does, Part, Ways, Whom};
pub use mix::Nemesis;
pub use plan::{After, Config, Fits, Plan, Planned, SCHEMA, Until};
pub use resolve::resolve;
pub use schedule::line_of;
pub use state::{State, hardest_hit};
pub use stories::{AIMS, Aim};

/// The generator that settles what an act leaves to chance.
fn random(draw: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(draw)
}

/// A number below `bound`, which must not be 0.
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    random.random_range(0..bound)
}
