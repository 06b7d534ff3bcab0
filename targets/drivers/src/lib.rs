//! Client programs (`fracas.client/1`) for systems that no target file can speak to: the loop that
//! they share, and one driver per system.
//!
//! A driver knows the client library of its system and nothing of the loop; the loop knows no system.
//! It bounds the time of every answer, and it tries nothing twice.

mod answer;
mod client;
#[cfg(feature = "etcd")]
pub mod etcd;
#[cfg(feature = "kafka")]
pub mod kafka;
mod message;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(any(feature = "nats", feature = "rabbitmq"))]
mod page;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
mod serve;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod sql;
#[cfg(feature = "zookeeper")]
pub mod zookeeper;

pub use answer::{Answer, Wrong};
pub use client::Client;
pub use message::{Hello, Node, Operation};
pub use serve::{Broken, serve};
