//! One queue, with or without order, watched for elements that are handed out more often than they
//! came in.
//!
//! A balance is kept of each value: the enqueues of it that were invoked and have not failed, less
//! the dequeues that answered it. Below nothing there is no legal order, whatever the order of the
//! queue: of an element that is enqueued once, that is when it is handed out twice, before it came,
//! or although its enqueue fails. A value whose balance is nothing is forgotten; what was enqueued
//! and never seen again is kept, as it may still be handed out.
//!
//! This is less than the check judges: neither an element out of order, nor one that is lost, nor a
//! false “empty” is noticed here.

use std::marker::PhantomData;

use crate::hashing::Map;
use crate::linearizability::monitor::{Ended, Ending, Invocation, Monitor, Stop, text};
use crate::linearizability::object::Object;
use crate::models::{Bag, Queue};
use crate::op::{Op, OpKind, Outcome, Value};

/// A queue without order.
pub(super) type OneBag = Balances<Bag>;

/// A queue in order.
pub(super) type OneQueue = Balances<Queue>;

/// One queue of kind `K`: the values whose balance is above nothing.
#[derive(Debug, Clone)]
pub(super) struct Balances<K> {
    values: Map<Value, u32>,
    /// The bytes of all texts among them.
    texts: usize,
    kind: PhantomData<fn() -> K>,
}

impl<K> Default for Balances<K> {
    fn default() -> Self {
        Self { values: Map::default(), texts: 0, kind: PhantomData }
    }
}

impl<K: Object + std::fmt::Debug> Monitor for Balances<K> {
    const ID: &'static str = K::ID;
    const KINDS: &'static [OpKind] = K::KINDS;

    fn invoke(&mut self, invocation: Invocation<'_>) -> Result<(), Stop> {
        if let Op::Enqueue { value, .. } = invocation.op {
            let balance = self.values.entry(value.clone()).or_default();
            self.texts += if *balance == 0 { text(value) } else { 0 };
            *balance = balance.saturating_add(1);
        }
        Ok(())
    }

    fn complete(&mut self, ended: Ended<'_>) -> Result<(), Stop> {
        match (ended.invocation.op, ended.how) {
            (Op::Enqueue { value, .. }, Ending::Failed)
            | (_, Ending::Ok(Outcome::Dequeue { value: Some(value) })) => self.take(value),
            _ => Ok(()),
        }
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * (size_of::<(Value, u32)>() + 1) + self.texts
    }
}

impl<K> Balances<K> {
    fn take(&mut self, value: &Value) -> Result<(), Stop> {
        match self.values.get_mut(value) {
            None => Err(Stop::Refuted),
            Some(balance) if *balance > 1 => {
                *balance -= 1;
                Ok(())
            }
            Some(_) => {
                self.values.remove(value);
                self.texts -= text(value);
                Ok(())
            }
        }
    }
}
