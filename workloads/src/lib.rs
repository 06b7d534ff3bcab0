//! What fracas' clients ask of a cluster, and which checks judge the answers.
//!
//! A [`Workload`] is whole: its name, the operations it needs, which keys are which kind of object,
//! its *lanes* (independent seeded streams of operations, each driven by one client), how to look at
//! its objects, how much must have been seen for a pass, and the checks that judge it. [`Chosen`]
//! are those of one run. Nothing here does I/O or knows any target. Adding a workload costs one file
//! and one line in [`ALL`], beside its `mod`.

mod chosen;
mod clients;
mod counter;
mod delivery;
mod draw;
mod exchange;
mod expected;
mod fifo;
mod generators;
mod holders;
mod ids;
mod kv;
mod leadership;
mod lease;
mod list_append;
mod load;
mod lock;
mod look;
mod mutex;
mod names;
mod queue;
mod readers;
mod register;
mod rw_register;
mod set;
mod timestamps;
mod transactions;
mod versioned;
mod workload;

pub use chosen::Chosen;
pub use draw::Draw;
pub use load::Load;
pub use look::{BACK, Look, Until};
pub use workload::{Lane, Least, Part, Stream, Workload};

/// Every workload, in the order in which lists show them.
pub const ALL: &[&dyn Workload] = &[
    &register::Register,
    &set::Set,
    &queue::QUEUE,
    &fifo::FIFO,
    &delivery::DELIVERY,
    &counter::Counter,
    &ids::IDS,
    &timestamps::TIMESTAMPS,
    &mutex::Mutex,
    &versioned::Versioned,
    &kv::Kv,
    &list_append::ListAppend,
    &rw_register::RwRegister,
    &leadership::Leadership,
    &lock::Lock,
    &lease::Lease,
];

/// The workload called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    ALL.iter().copied().find(|workload| workload.name() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fracas_checker::judge;

    use super::*;

    /// What belongs to one workload is told by how its name begins; a number follows.
    #[test]
    fn every_prefix_tells_its_workload() {
        let chosen = Chosen::new(
            ALL,
            &Load { nodes: Vec::new(), clients: 1, rate: None, keys: 1, serves: [].into() },
        );
        for workload in ALL {
            let key = format!("{}0", workload.prefix());
            let kinds = chosen.objects();
            assert_eq!(kinds.of_key(&key).map(<[String]>::len), Some(workload.kinds().len()));
            let first = kinds.of_key(&key).and_then(|checks| checks.first().cloned());
            assert_eq!(first.as_deref(), workload.kinds().first().copied(), "{key}");
        }
    }

    #[test]
    fn names_are_unique_and_checks_exist() {
        let names: BTreeSet<&str> = ALL.iter().map(|workload| workload.name()).collect();
        assert_eq!(names.len(), ALL.len());
        let known: BTreeSet<&str> = judge::checks().map(|check| check.id).collect();
        for workload in ALL {
            let mut checks = workload.checks().iter().chain(workload.kinds());
            assert!(checks.all(|id| known.contains(id)), "{}", workload.name());
            let asked: BTreeSet<_> = workload.needs().iter().chain(workload.uses()).collect();
            assert!(workload.least().ok.iter().all(|(kind, _)| asked.contains(kind)));
        }
    }
}
