//! What a driver is: sessions at nodes, and operations in them.

use std::future::Future;

use crate::answer::{Answer, Wrong};
use crate::message::{Hello, Node, Operation};

/// A session of one process at one node. It ends when it is dropped.
pub trait Client: Sized {
    /// The words of the operations that it performs, and `status` if it tells who leads.
    const SERVES: &'static [&'static str];

    /// Opens a session. Whatever goes wrong here, no operation has been sent.
    fn open(node: &Node, hello: &Hello) -> impl Future<Output = Result<Self, String>>;

    /// Performs an operation, once. It may be dropped at any moment: its outcome is unknown then.
    fn perform(&mut self, operation: &Operation) -> impl Future<Output = Answer>;

    /// What a node says of itself, as an object. Asked if [`Self::SERVES`] has `status`.
    fn status(_node: &Node, _hello: &Hello) -> impl Future<Output = Answer> {
        async { Err(Wrong::Fail("it tells no status".to_owned())) }
    }
}
