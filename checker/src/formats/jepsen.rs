//! What the formats of Jepsen's family share: from records of invocations and completions to a
//! history of our vocabulary.
//!
//! Every tool of the family writes the same record (process, type, function, value) in its own
//! notation. Readers make [`Record`]s; here they are paired, the style of the whole file is found
//! (are values `[key value]`? does `:add` mean a set or a counter?), and each becomes an event.
//! What cannot be said in our vocabulary is refused, with its place; what can be left out without
//! changing a verdict is left out, with a note.

mod build;
mod completions;
mod drains;
mod maps;
mod meaning;
mod pairs;
mod record;
mod shapes;
mod style;
mod times;
mod transaction;
mod values;
mod verb;

pub(super) use build::{About, history};
pub(super) use record::{Record, Source, Step, Who};
