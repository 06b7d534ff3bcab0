//! A history of which one event after the other becomes known.

use std::sync::OnceLock;

use super::objects;
use super::plan::Header;
use super::validated::History;
use super::validation::{Act, Malformed, Walk};
use crate::event::Event;

/// A history of which one event after the other becomes known.
pub(crate) struct Growing {
    header: Header,
    walk: Walk,
}

impl Growing {
    pub(crate) fn new(header: Header) -> Self {
        Self { header, walk: Walk::default() }
    }

    /// One to which all of `events` were added.
    ///
    /// # Errors
    ///
    /// As [`Growing::add`].
    pub(super) fn of(
        header: Header,
        events: impl IntoIterator<Item = Event>,
    ) -> Result<Self, Malformed> {
        let mut growing = Self::new(header);
        events.into_iter().try_for_each(|event| growing.add(event))?;
        Ok(growing)
    }

    /// Adds the next event.
    ///
    /// # Errors
    ///
    /// What no recorder could have written there.
    pub(crate) fn add(&mut self, event: Event) -> Result<(), Malformed> {
        self.walk.take(event)
    }

    /// Adds what a client did next.
    ///
    /// # Errors
    ///
    /// As [`Growing::add`].
    pub(crate) fn act(&mut self, act: Act) -> Result<(), Malformed> {
        self.walk.act(act)
    }

    /// What was added.
    pub(super) fn recorded(self) -> History {
        let Walk { time: end, operations, others, .. } = self.walk;
        let objects = objects::index(&operations);
        let (header, events) = (self.header, OnceLock::new());
        History { header, others, operations, objects, end, torn: false, before: 0, events }
    }
}
