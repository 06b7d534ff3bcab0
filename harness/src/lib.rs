//! The orchestrator of fracas as a library; the binary only parses and dispatches.

pub mod doctor;
pub mod exit;
pub mod lab;
pub mod nemesis;
pub mod text;
pub mod view;
