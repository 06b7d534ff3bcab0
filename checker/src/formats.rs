//! Readers and writers of histories, one per file.
//!
//! A reader either hands over a valid history or says which line is wrong; it never repairs.

pub mod jsonl;
