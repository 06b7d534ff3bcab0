//! The runs of many shards and nights: what is new, fixed, flaky or still there.
//!
//! Texts of `results.json` go in, `index.html` and `index.json` come out. It judges nothing: it
//! compares what the checks said. `docs/nights.md` says how.

mod diff;
mod json;
mod lines;
mod merged;
mod page;
mod row;
mod standing;
mod stored;
mod trend;

pub use diff::Diff;
pub use json::{INDEX_SCHEMA, index_json};
pub use lines::index_text;
pub use merged::{Index, Unread};
pub use page::index_html;
pub use stored::Stored;
