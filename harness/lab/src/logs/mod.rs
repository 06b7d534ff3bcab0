//! Reading the logs of servers, as they grow and at their ends: only regular files, no link followed,
//! no waiting, in bounded memory. The meaning of a line is not known here.

mod chunk;
mod followed;
pub(crate) mod last_words;
mod tail;

pub use chunk::{Begin, Chunk, Lines, Look};
pub(crate) use followed::Followed;
pub use tail::CHUNK;
