//! What fracas' clients ask of a cluster, and which checks judge the answers.
//!
//! A [`Workload`] is a name, the operations it needs, the checks that judge it, and its *lanes*:
//! independent seeded streams of operations, each driven by one client. Nothing here does I/O or
//! knows any target. Adding a workload costs one file and one line in [`ALL`].

mod draw;
mod expected;
mod holders;
mod leadership;
mod lease;
mod lock;
mod readers;
mod register;
mod workload;

pub use draw::Draw;
pub use expected::expected;
pub use workload::{Lane, Seen, Size, Stream, Workload};

/// Every workload, in the order in which lists show them.
pub const ALL: [&dyn Workload; 4] =
    [&register::Register, &leadership::Leadership, &lock::Lock, &lease::Lease];

/// The workload called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    ALL.into_iter().find(|workload| workload.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are unique, and every file of this crate that holds a workload is in the list.
    #[test]
    fn every_workload_file_is_listed() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let mut found: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| {
                !["lib.rs", "draw.rs", "expected.rs", "holders.rs", "readers.rs", "workload.rs"]
                    .contains(&name.as_str())
            })
            .collect();
        found.sort();
        let mut listed: Vec<String> = ALL.iter().map(|w| format!("{}.rs", w.name())).collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}
