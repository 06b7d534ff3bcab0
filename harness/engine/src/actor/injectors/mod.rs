//! Troubles: what it takes to bring a fault about, to measure it, and to mend it. One kind a file.
//!
//! An injector changes the cluster and nothing else; the actor says when, and writes down what came
//! of it.

mod clock;
mod disk;
mod injector;
mod kill;
mod links;
mod partition;
mod pause;
mod power;
mod starve;

use fracas_checker::fault::Fault;

pub use injector::Injector;

/// What it takes to do the fault of this number.
#[must_use]
pub fn injector(id: u32, fault: &Fault) -> Box<dyn Injector> {
    match fault.clone() {
        Fault::Partition { cut, .. } => Box::new(partition::Partition::new(id, cut)),
        Fault::Pause { nodes } => Box::new(pause::Pause(nodes)),
        Fault::Kill { nodes, again } => Box::new(kill::Kill::new(nodes, again)),
        Fault::Clock { nodes, change } => Box::new(clock::Wrong { nodes, change }),
        Fault::Slow { pairs, link } | Fault::Lossy { pairs, link } => {
            Box::new(links::Links { id, pairs, link })
        }
        Fault::Power { nodes, loss } => Box::new(power::Power::new(id, nodes, loss)),
        Fault::Disk { nodes, trouble } => Box::new(disk::Troubled::new(nodes, trouble)),
        Fault::Starve { nodes, scarcity } => Box::new(starve::Starve { nodes, scarcity }),
    }
}
