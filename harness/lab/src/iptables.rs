//! Cuts by the program `iptables`, in the network namespace of the receiving node.
//!
//! The node that must not hear drops what arrives. Unlike the filter on the bridge this is not
//! atomic: some milliseconds pass between the first node's rules and the last one's. Each node's
//! rules are replaced in one step. Directions that are shaped need the filter on the bridge all the
//! same: here a packet that was sent on could not be told from one that came by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;

use super::command::{find_program, nothing, run, text};
use super::error::{Doing, LabError};
use super::links::{Network, address};
use super::netns::NetNs;
use super::nft::{Nft, open_nft};
use super::partitioner::Partitioner;

/// The names under which systems install it, best first.
const PROGRAMS: [&str; 3] = ["iptables", "iptables-legacy", "iptables-nft"];

/// One call takes some milliseconds; this long only if something is very wrong.
const PATIENCE: Duration = Duration::from_secs(10);

/// One installed variant of the program.
struct Program {
    /// Lists rules.
    list: PathBuf,
    /// Replaces all rules.
    restore: PathBuf,
}

/// The program, and the namespaces it works in.
pub(crate) struct Iptables {
    program: Program,
    places: BTreeMap<NodeId, Arc<NetNs>>,
    cuts: BTreeSet<Cut>,
    /// Closes the way along the bridge for diverted directions; opened when there are some.
    diverter: Option<Nft>,
}

impl Iptables {
    /// Finds a variant that works in these namespaces, and empties their tables.
    pub(crate) fn open(network: &Network) -> Result<Self, LabError> {
        let places: BTreeMap<_, _> =
            network.places.iter().map(|place| (place.node, Arc::clone(&place.netns))).collect();
        let mut refusals = Vec::new();
        for program in PROGRAMS.iter().filter_map(|name| Program::find(name)) {
            match places.values().try_for_each(|netns| program.try_out(netns)) {
                Ok(()) => {
                    return Ok(Self { program, places, cuts: BTreeSet::new(), diverter: None });
                }
                Err(error) => refusals.push(error.to_string()),
            }
        }
        Err(LabError::Unavailable {
            what: "use iptables".into(),
            why: if refusals.is_empty() { "not installed".into() } else { refusals.join("; ") },
            mend: "install `iptables`, with the kernel's `ip_tables` or `nf_tables`".into(),
        })
    }

    /// Makes these directions the only diverted ones.
    fn divert(&mut self, diverted: &[Cut]) -> Result<(), LabError> {
        if self.diverter.is_none() && !diverted.is_empty() {
            self.diverter = Some(open_nft()?);
        }
        self.diverter.as_mut().map_or(Ok(()), |nft| nft.replace(&[], diverted))
    }
}

impl Partitioner for Iptables {
    fn name(&self) -> &'static str {
        "iptables"
    }

    fn replace(&mut self, cuts: &[Cut], diverted: &[Cut]) -> Result<(), LabError> {
        self.divert(diverted)?;
        let wanted: BTreeSet<Cut> = cuts.iter().copied().collect();
        // Until all is done, whatever may be in force counts: a cut that fails half-way must not
        // leave a rule behind that the next one does not know of.
        self.cuts.extend(&wanted);
        for (&node, netns) in &self.places {
            if into(&self.cuts, node).next().is_some() {
                self.program.replace(netns, &into(&wanted, node).collect::<Vec<_>>())?;
            }
        }
        self.cuts = wanted;
        Ok(())
    }

    fn drops(&mut self) -> Result<BTreeMap<Cut, u64>, LabError> {
        let mut drops = BTreeMap::new();
        for (&node, netns) in &self.places {
            let counted = self.program.count(netns)?;
            for from in into(&self.cuts, node) {
                let packets = counted.get(&address(from)).ok_or_else(|| {
                    LabError::answer(
                        "read the counters of iptables",
                        format!("no rule {from}→{node}"),
                    )
                })?;
                drops.insert((from, node), *packets);
            }
        }
        Ok(drops)
    }
}

/// The nodes that `node` must not hear.
fn into(cuts: &BTreeSet<Cut>, node: NodeId) -> impl Iterator<Item = NodeId> {
    cuts.iter().filter(move |(_, to)| *to == node).map(|(from, _)| *from)
}

impl Program {
    /// Both halves of a variant, if it is installed.
    fn find(name: &str) -> Option<Self> {
        let restore = find_program(&format!("{name}-restore"))?;
        Some(Self { list: find_program(name)?, restore })
    }

    /// Whether it can replace and list rules here.
    fn try_out(&self, netns: &NetNs) -> Result<(), LabError> {
        self.replace(netns, &[])?;
        self.count(netns).map(|_| ())
    }

    /// Makes these senders the only ones whose packets are dropped.
    fn replace(&self, netns: &NetNs, senders: &[NodeId]) -> Result<(), LabError> {
        let mut table = "*filter\n:INPUT ACCEPT [0:0]\n".to_owned();
        for sender in senders {
            writeln!(table, "-A INPUT -s {} -j DROP", address(*sender))
                .expect("writing to a string cannot fail");
        }
        table.push_str("COMMIT\n");
        netns
            .inside(|| {
                run(
                    Command::new(&self.restore),
                    text(&table).doing(|| "open a pipe".into())?,
                    PATIENCE,
                )?
                .success()
            })
            .map(|_| ())
    }

    /// How many packets of each sender were dropped.
    fn count(&self, netns: &NetNs) -> Result<BTreeMap<Ipv4Addr, u64>, LabError> {
        let mut list = Command::new(&self.list);
        list.args(["-nvxL", "INPUT"]);
        netns.inside(|| run(list, nothing(), PATIENCE)?.success()).map(|output| dropped(&output))
    }
}

/// Reads `pkts bytes target prot opt in out source destination` of every rule that drops.
fn dropped(listing: &str) -> BTreeMap<Ipv4Addr, u64> {
    let rule = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let sender = columns.iter().find_map(|column| column.parse().ok())?;
        (columns.get(2) == Some(&"DROP")).then_some((sender, columns[0].parse().ok()?))
    };
    listing.lines().filter_map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::dropped;

    #[test]
    fn counters_are_read_from_both_variants() {
        let legacy = "Chain INPUT (policy ACCEPT 0 packets, 0 bytes)\n    pkts      bytes target     \
             prot opt in     out     source               destination\n       3      132 DROP       \
             all  --  *      *       10.77.0.2            0.0.0.0/0\n";
        let nft = "       7      308 DROP       0    --  *      *       10.77.0.3            0.0.0.0/0\n\
             \n       9      308 ACCEPT     0    --  *      *       10.77.0.4            0.0.0.0/0\n";
        let counted: Vec<_> = dropped(&format!("{legacy}{nft}")).into_iter().collect();
        assert_eq!(counted, [([10, 77, 0, 2].into(), 3), ([10, 77, 0, 3].into(), 7)]);
    }
}
