//! What the tests share: an oracle, and a small language for histories.

#![expect(dead_code, reason = "every test uses a part of it")]

pub(crate) mod language;
pub(crate) mod oracle;
pub(crate) mod vocabulary;
