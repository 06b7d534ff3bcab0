//! Sequential specifications: what an object would answer if there were one client only.
//!
//! A model knows nothing of time, clients or failures; the search in [`crate::linearizability`]
//! asks it, step by step, whether an order of operations is legal.

pub mod bag;
pub mod counter;
pub mod fencing;
pub mod ids;
pub mod kv;
pub mod leaders;
pub mod list_append;
pub mod lock;
mod model;
pub mod mutex;
#[cfg(test)]
mod outcome_of;
pub mod queue;
pub mod register;
pub mod rw_register;
pub mod set;
pub mod timestamps;
mod trie;
pub mod versioned;

pub use bag::Bag;
pub use counter::Counter;
pub use fencing::Fencing;
pub use ids::UniqueIds;
pub use kv::Kv;
pub use leaders::Leaders;
pub use list_append::ListAppend;
pub use lock::Lock;
pub use model::{Effect, Model, Refusal};
pub use mutex::Mutex;
pub use queue::Queue;
pub use register::Register;
pub use rw_register::RwRegister;
pub use set::Set;
pub use timestamps::Timestamps;
pub use versioned::Versioned;
