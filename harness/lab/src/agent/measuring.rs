//! Measures what an order names: which proof is taken of which node, and what is remembered from one
//! measurement to the next.

use std::collections::BTreeMap;

use fracas_checker::NodeId;
use fracas_checker::fault::{Cut, Measurement, Stage};

use super::held::{Held, Troubled};
use super::local::LocalAgent;
use super::order::{DiskChange, Measure};
use crate::clock::prove_shift;
use crate::disk::proofs::{self as disks, Mounted};
use crate::error::LabError;
use crate::node::NodeProcess;
use crate::packets;
use crate::programs;
use crate::proofs;
use crate::resources::{Duty, proof};

/// What was measured.
type Measured = Result<Vec<Measurement>, LabError>;

impl LocalAgent {
    /// Measures something at a stage of a fault.
    pub(super) fn measure(&self, measure: &Measure, stage: Stage) -> Measured {
        match measure {
            Measure::Cut(cut) => proofs::partition(&self.lab, cut, stage, &mut self.drops()),
            Measure::Shaped(shapings) => {
                let shapings: BTreeMap<Cut, _> = shapings.iter().copied().collect();
                packets::proof::shaped(&self.lab, &shapings, stage)
            }
            Measure::Pause(node) => {
                self.node(*node)?.running(*node, |process| proofs::pause([process], stage))
            }
            Measure::PausedProcess(node, name) => self
                .node(*node)?
                .running(*node, |process| proofs::paused_process(process, name, stage)),
            Measure::KilledProcess(node, name) => self
                .node(*node)?
                .running(*node, |process| proofs::killed_process(process, name, stage)),
            Measure::Kill(node) => {
                gone(*node, self.node(*node)?, stage, |process| proofs::kill([process], stage))
            }
            Measure::Stop(node) => {
                gone(*node, self.node(*node)?, stage, |process| proofs::stop([process], stage))
            }
            Measure::Program(node, path) => {
                let measure = |process: &mut NodeProcess| programs::proof(process, path);
                self.node(*node)?.running(*node, measure).map(|measured| vec![measured])
            }
            Measure::Clock(node) => {
                let held = self.node(*node)?;
                let measure = |process: &mut _| held.gear().clock(*node)?.prove(process, stage);
                held.running(*node, measure)
            }
            Measure::Shift(node, nanos) => {
                let measure = |process: &mut _| {
                    prove_shift(process, *nanos).map(|measurement| vec![measurement])
                };
                self.node(*node)?.running(*node, measure)
            }
            Measure::Disk(node, change) => self.disk(*node, *change, stage),
            Measure::Time(node, duty) => self.time(*node, *duty, stage),
            Measure::Limit(node, resource) => {
                let measure = |process: &mut _| proof::limited(process, *resource, stage);
                self.node(*node)?.running(*node, measure)
            }
            Measure::Full(node) => {
                let gear = self.node(*node)?.gear();
                let each = gear.small(*node)?.iter().map(|disk| proof::full(disk, stage));
                each.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
            }
        }
    }

    /// Measures the disks of a node.
    fn disk(&self, node: NodeId, change: DiskChange, stage: Stage) -> Measured {
        let gear = self.node(node)?.gear();
        let measure = |troubled: &Troubled| {
            let mounted = Mounted { node, disk: &troubled.disk };
            match change {
                DiskChange::Errors(errors) => {
                    disks::errors(mounted, &errors, stage, &mut troubled.counted())
                }
                DiskChange::Latency(latency) => disks::slow(mounted, latency, stage),
            }
        };
        gear.disks(node)?.iter().map(measure).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
    }

    /// Measures the processor time of a node, by the means that it is starved by.
    fn time(&self, node: NodeId, duty: Duty, stage: Stage) -> Measured {
        self.node(node)?.running(node, |process| match self.rations() {
            Some(_) => proof::rationed(process, duty, stage),
            None => proof::starved(process, duty, stage),
        })
    }
}

/// Measures the end of a node: of what was ended while it lasts, of what was started again afterwards.
fn gone(
    node: NodeId,
    held: &Held,
    stage: Stage,
    measure: impl FnOnce(&mut NodeProcess) -> Measured,
) -> Measured {
    let mut processes = held.processes();
    let processes = &mut *processes;
    let process = if stage == Stage::Healed { &mut processes.running } else { &mut processes.last };
    let missing = || LabError::Asked(format!("measure the end of {node}: it has no process"));
    measure(process.as_mut().ok_or_else(missing)?)
}
