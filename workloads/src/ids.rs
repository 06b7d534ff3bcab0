//! Ids: generators are asked for one after the other, on every node.

use crate::generators::Generators;

/// The workload `ids`.
pub(crate) const IDS: Generators = Generators {
    name: "ids",
    about: "ids are generated on every node, without ever waiting for an answer",
    checks: &["unique-ids/unique"],
    prefix: "ids-",
};
