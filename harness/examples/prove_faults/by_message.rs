//! An agent that hears every order and tells every report in writing, as one on another machine would:
//! a fault that is proven on it needs nothing else in common with who gives the orders.

use std::sync::Arc;

use fracas_lab::LabError;
use fracas_lab::agent::{Agent, LocalAgent, Order, Report};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The agent in this process, behind its messages.
pub(crate) struct ByMessage(pub(crate) Arc<LocalAgent>);

impl Agent for ByMessage {
    fn carry_out(&self, order: &Order) -> Result<Report, LabError> {
        written(&self.0.carry_out(&written(order)))
    }
}

/// What is read where a message has been written.
fn written<T: Serialize + DeserializeOwned>(message: &T) -> T {
    let text = serde_json::to_string(message).expect("a message can be written");
    serde_json::from_str(&text).expect("a message can be read as it was written")
}
