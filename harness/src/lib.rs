//! The orchestrator of fracas as a library; the binary only parses and dispatches.

pub mod doctor;
pub mod lab;
