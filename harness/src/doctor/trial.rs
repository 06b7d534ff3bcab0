//! One trial of the doctor: a process enters a scratch lab and tries every mechanism there.
//!
//! A mechanism works if its proofs hold, by the same measurements as in a run.

use std::collections::BTreeMap;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};

use super::{ANSWER, Finding, PROBE_ARGUMENT};
use crate::lab::{self, Isolation, Lab, LabError, LabSpec, Launch, Mechanism, NodeProcess, proofs};

/// How long the process that is paused and killed would live.
const IDLE: Duration = Duration::from_secs(120);

/// The hidden entry point of a trial, with the argument after [`PROBE_ARGUMENT`]; returns the exit
/// code. The process must have one thread.
#[must_use]
pub fn probe_main(argument: &str) -> u8 {
    let isolation = match argument {
        "root" => Isolation::Root,
        "userns" => Isolation::Userns,
        _ => {
            std::thread::sleep(IDLE);
            return 0;
        }
    };
    let entered = lab::enter(isolation, |world| {
        answer(&try_all(&format!("entered ({})", world.isolation)));
        0
    });
    entered.unwrap_or_else(|error| {
        answer(&[Finding::refused("namespaces", &error)]);
        0
    })
}

/// Writes findings as one line.
fn answer(findings: &[Finding]) {
    let json = serde_json::to_string(findings).expect("findings are plain data");
    println!("{ANSWER}{json}");
}

/// The nodes of a scratch lab.
fn nodes() -> Vec<NodeId> {
    [1, 2].map(NodeId).into()
}

/// Tries every mechanism inside a world.
fn try_all(entered: &str) -> Vec<Finding> {
    let network = Lab::try_network(&nodes()).map(|()| "2 nodes on a bridge".to_owned());
    let mut findings = vec![
        Finding::of("namespaces", Ok(entered.to_owned())),
        Finding::of("network", network),
        Finding::of("nft-bridge", try_partition(Mechanism::Nft)),
        Finding::of("iptables", try_partition(Mechanism::Iptables)),
    ];
    findings.extend(try_node());
    replace_partitions(&mut findings);
    findings
}

/// Builds a lab.
fn build(partition: Mechanism) -> Result<Lab, LabError> {
    Lab::build(&LabSpec { nodes: nodes(), partition, ineffective_cut: false })
}

/// Cuts one direction and heals it.
fn try_partition(mechanism: Mechanism) -> Result<String, LabError> {
    let lab = build(mechanism)?;
    let (cut, mut counted) = ([(NodeId(1), NodeId(2))], BTreeMap::new());
    lab.cut(&cut)?;
    let mut measured = proofs::partition(&lab, &cut, Stage::Injected, &mut counted)?;
    lab.cut(&[])?;
    measured.extend(proofs::partition(&lab, &cut, Stage::Healed, &mut counted)?);
    proven(&measured)
}

/// Pauses and kills a node.
fn try_node() -> [Finding; 2] {
    let started = build(Mechanism::Auto).and_then(|lab| Ok((start_idle(&lab)?, lab)));
    match started {
        Ok((mut node, _lab)) => {
            [Finding::of("pause", try_pause(&mut node)), Finding::of("kill", try_kill(&mut node))]
        }
        Err(error) => ["pause", "kill"].map(|what| Finding::refused(what, &error)),
    }
}

/// Starts something that does nothing.
fn start_idle(lab: &Lab) -> Result<NodeProcess, LabError> {
    lab.start(&Launch {
        node: NodeId(1),
        argv: ["/proc/self/exe", PROBE_ARGUMENT, "idle"].map(str::to_owned).into(),
        env: BTreeMap::new(),
        dir: "/".into(),
        stdout: "/dev/null".into(),
        stderr: "/dev/null".into(),
    })
}

/// Pauses a node and resumes it.
fn try_pause(node: &mut NodeProcess) -> Result<String, LabError> {
    node.pause()?;
    let mut measured = proofs::pause([&mut *node], Stage::Injected)?;
    node.resume()?;
    measured.extend(proofs::pause([node], Stage::Healed)?);
    proven(&measured)
}

/// Kills a node.
fn try_kill(node: &mut NodeProcess) -> Result<String, LabError> {
    node.kill()?;
    proven(&proofs::kill([node], Stage::Injected)?)
}

/// Sums measurements up, or names the first that does not hold.
fn proven(measured: &[Measurement]) -> Result<String, LabError> {
    match measured.iter().find(|measurement| !measurement.holds) {
        None => Ok(format!("worked, by {} measurements", measured.len())),
        Some(Measurement { what, result, .. }) => {
            Err(LabError::Reported(format!("it had no effect: {what}: {result}")))
        }
    }
}

/// Names what partitions are made with where one of the two ways does not work.
fn replace_partitions(findings: &mut [Finding]) {
    let works = |what| findings.iter().any(|found: &Finding| found.what == what && found.available);
    let (nft, iptables) = (works("nft-bridge"), works("iptables"));
    for finding in findings.iter_mut().filter(|finding| !finding.available) {
        finding.instead = match finding.what.as_str() {
            "nft-bridge" if iptables => Some("iptables".to_owned()),
            "iptables" if nft => Some("nft-bridge".to_owned()),
            _ => None,
        };
    }
}

impl Finding {
    /// What came of trying `what`.
    fn of(what: &str, tried: Result<String, LabError>) -> Self {
        match tried {
            Ok(detail) => {
                Self { what: what.to_owned(), available: true, detail, instead: None, mend: None }
            }
            Err(error) => Self::refused(what, &error),
        }
    }

    /// It did not work.
    pub(super) fn refused(what: &str, error: &LabError) -> Self {
        let (detail, mend) = match error {
            LabError::Unavailable { what, why, mend } => (format!("{what}: {why}"), mend.as_str()),
            other => (other.to_string(), usual_mend(what)),
        };
        let mend = (!mend.is_empty()).then(|| mend.to_owned());
        Self { what: what.to_owned(), available: false, detail, instead: None, mend }
    }
}

/// How to mend what failed without saying how. Empty if it is not known.
fn usual_mend(what: &str) -> &'static str {
    match what {
        "network" => {
            "load the modules `bridge` and `veth`; in a container add `--cap-add NET_ADMIN`"
        }
        "nft-bridge" => "load the module `nf_tables`, with the `bridge` family",
        "namespaces" => "run it as root, or in a container with `--privileged`",
        _ => "",
    }
}
