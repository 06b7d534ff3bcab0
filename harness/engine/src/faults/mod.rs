//! The kinds of faults: a file each, and a line in the table below.
//!
//! The file owns the data of its acts, what the usual mix does of it, what equipment it takes, how
//! it is brought about, measured and healed, its trial for `doctor`, and its words. Nothing else
//! lists kinds or looks into one: all other code asks [`Kind`], [`Action`] and [`Fault`].

mod alone;
pub(crate) mod chance;
pub mod clock;
pub mod disk;
mod down;
mod hit;
mod injector;
pub mod kill;
mod kind;
pub mod loss;
pub mod membership;
mod on;
mod packets;
pub mod partition;
pub mod pause;
pub mod power;
pub mod restart;
mod shapes;
pub mod slow;
pub mod starve;
mod state;
mod table;
pub(crate) mod trial;
pub mod upgrade;
mod victims;

pub(crate) use alone::hit_by;
pub use alone::{DeclaredProcess, ProcessName};
pub use injector::Injector;
pub use kind::{Around, Given, Missing};
pub use on::On;
pub use shapes::Shape;
pub use state::State;
pub use table::{Action, Fault, Kind};
pub use victims::{Direction, Part, Victims};
