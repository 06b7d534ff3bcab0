//! The built program as its users meet it: command lines in, texts, files and exit codes out.
//!
//! Runs are real clusters in a lab of this machine, two at a time; where the machine cannot make
//! one, a test says `skipped: …` and why. Nothing here looks into the program's insides.

mod cli_check;
mod cli_check_files;
mod cli_clean;
mod cli_errors;
mod cli_index;
mod cli_init;
mod cli_lists;
mod cli_plans;
mod cli_settings;
mod cli_shells;
mod cli_spec;
mod cli_words;
mod docs_bisect;
mod docs_reasons;
mod run_anomaly;
mod run_coverage;
mod run_drivers;
mod run_ends;
mod run_faults;
mod run_flags;
mod run_harness;
mod run_machine;
mod run_membership;
mod run_nights;
mod run_power;
mod run_prepare;
mod run_processes;
mod run_redis;
mod run_replay;
mod run_scenarios;
mod run_series;
mod run_setup;
mod run_sigkill;
mod run_status;
mod run_story;
mod run_upgrade;
mod run_user;
mod support;
