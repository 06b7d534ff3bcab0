//! What the tests share: an oracle, a small language for histories, and a simulated cluster.

pub(crate) mod checked;
pub(crate) mod cluster;
pub(crate) mod dice;
pub(crate) mod events;
pub(crate) mod faults;
pub(crate) mod language;
pub(crate) mod maps;
pub(crate) mod minimal;
pub(crate) mod oracle;
pub(crate) mod samples;
pub(crate) mod sampling;
pub(crate) mod vocabulary;
