//! All tests of the crate in one program, but those that measure their own process. Linking each
//! file by itself once took most of the time that testing takes.

#[path = "../../benches/generator/mod.rs"]
mod generator;
mod support;

mod catalogue;
mod causes;
mod choosing;
mod collections;
mod collections_large;
mod counters;
mod coverage;
mod coverage_faults;
mod doubts;
mod drains;
mod drawn;
mod examples;
mod fault_proofs;
mod format;
mod formats;
mod formats_large;
mod formats_round_trip;
mod fuzz_readers;
mod golden;
mod golden_registers;
mod guarantees;
mod hard_keys;
mod in_part;
mod initial;
mod leaders;
mod leadership_model;
mod lifecycle;
mod linearizability_oracle;
mod locks;
mod locks_leases;
mod members;
mod mishaps;
mod named_kinds;
mod never_panics;
mod online;
mod online_cases;
mod online_cases_objects;
mod online_kinds;
mod online_leases;
mod online_nodes;
mod online_objects;
mod online_partial;
mod online_stream;
mod online_stream_objects;
mod recorded;
mod search;
mod several_kinds;
mod stores;
mod stories;
mod witness;
mod witness_minimal;
