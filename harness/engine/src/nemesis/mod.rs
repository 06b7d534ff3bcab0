//! Choosing faults: pure, seeded, and ignorant of how a fault is brought about.
//!
//! A [`Plan`] is drawn before the run from the seed alone: what, when and for how long. When it is
//! time may hang on what the cluster does (“after the third election”), and so may which nodes an
//! act means (“the leader”): that is settled when its time comes, by [`resolve`], a pure function
//! of the act and the state of that moment. Doing it is the job of [`crate::actor`].

mod act;
mod config;
mod mix;
mod plan;
mod planned;
mod resolve;
mod scenarios;
mod schedule;
mod words;

pub use act::Act;
pub use config::{Config, Fits};
pub use mix::Nemesis;
pub use plan::{Plan, SCHEMA};
pub use planned::{After, Planned, Until};
pub use resolve::resolve;
pub use scenarios::{SCENARIOS, Scenario};
pub use schedule::line_of;
