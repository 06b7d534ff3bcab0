//! The planted bugs: mistakes that engineers make when they build a generation clock, locks and
//! leases, queues and transactions, or trust a disk. One table describes all of them; each is planted
//! where the mistake would be made, as `self.bug(Bug::…)`.
//!
//! Without `--bug` none of them is in effect.

mod bug;
mod table;

use std::fmt;

pub use bug::{Bug, BugInfo};
pub use table::BUGS;

impl Bug {
    /// The bug called `name` on the command line.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        BUGS.iter().find(|row| row.name == name).map(|row| row.bug)
    }
}

/// The table as text, for `--list-bugs`.
#[must_use]
pub fn table() -> String {
    BUGS.iter().map(|row| format!("{row}\n")).collect()
}

impl fmt::Display for BugInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        writeln!(f, "    pitfall  {}", self.pitfall)?;
        writeln!(f, "    planted  {}", self.place)?;
        writeln!(f, "    workload {}", self.workload)?;
        write!(f, "    exposed  {}", self.faults.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULTS: [&str; 8] =
        ["partition", "pause", "kill", "power", "clock", "slow", "loss", "disk"];

    #[test]
    fn every_name_leads_back_to_its_row() {
        for row in BUGS {
            assert_eq!(Bug::named(row.name), Some(row.bug));
        }
        assert_eq!(Bug::named("none"), None);
    }

    /// What is read of `core.rs: Core::campaign, Core::on_vote`: the functions are in that file.
    #[test]
    fn every_place_is_there() {
        let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for row in BUGS {
            let (file, functions) = row.place.split_once(": ").expect("a file and functions");
            let code = std::fs::read_to_string(src.join(file)).expect(row.place);
            for function in functions.split(", ") {
                let name = function.rsplit("::").next().unwrap_or_default();
                assert!(code.contains(&format!("fn {name}")), "{}: {function}", row.name);
            }
        }
    }

    #[test]
    fn every_row_names_known_faults() {
        for row in BUGS {
            assert!(!row.faults.is_empty(), "{}", row.name);
            for fault in row.faults {
                assert!(FAULTS.contains(fault), "{}: {fault}", row.name);
            }
        }
    }
}
