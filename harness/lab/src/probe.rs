//! Whether packets get from one node to another, direction by direction.
//!
//! A probe is a datagram that nobody answers: an answer would need the other direction too. Its
//! sockets are in the nodes' network namespaces but belong to the harness, so a paused or killed
//! server does not matter. It says nothing of the servers' own connections.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;
use nix::poll::{PollFd, PollFlags};

use super::error::{Doing, LabError};
use super::links::{Network, address};
use super::wait::ready;

/// How often each datagram is sent at most: one may be lost when a buffer is full.
const ROUNDS: u32 = 3;

/// The length of a probe: its number, twice, so that a stray datagram is never taken for one.
const LENGTH: usize = 16;

/// How many datagrams are taken from one socket before the others get their turn: a server that
/// floods it must not keep us there.
const DRAIN_MAX: usize = 1024;

/// One node's end.
struct End {
    socket: UdpSocket,
    address: SocketAddr,
}

/// The ends in all nodes.
pub(crate) struct Prober {
    ends: BTreeMap<NodeId, End>,
    number: u64,
}

impl Prober {
    /// Opens a socket in every node's namespace.
    pub(crate) fn open(network: &Network) -> Result<Self, LabError> {
        let mut ends = BTreeMap::new();
        for place in &network.places {
            let end = place.netns.inside(|| {
                End::open(place.node).doing(|| format!("open the probe of node {}", place.node))
            })?;
            ends.insert(place.node, end);
        }
        Ok(Self { ends, number: 0 })
    }

    /// Sends along every pair, again where nothing arrived, and tells where something did. Ends
    /// early when everything has.
    pub(crate) fn probe(
        &mut self,
        pairs: &[Cut],
        wait: Duration,
    ) -> Result<BTreeMap<Cut, bool>, LabError> {
        self.number += 1;
        let mut missing: BTreeSet<Cut> = pairs.iter().copied().collect();
        for _ in 0..ROUNDS {
            let deadline = Instant::now() + wait / ROUNDS;
            for (from, to) in &missing {
                self.send(*from, *to)?;
            }
            while !missing.is_empty() && Instant::now() < deadline && self.wait(deadline)? {
                for arrived in self.arrived()? {
                    missing.remove(&arrived);
                }
            }
        }
        Ok(pairs.iter().map(|pair| (*pair, !missing.contains(pair))).collect())
    }

    /// The end in a node.
    fn end(&self, node: NodeId) -> Result<&End, LabError> {
        self.ends.get(&node).ok_or_else(|| LabError::Asked(format!("probe: no node {node} here")))
    }

    /// Sends one datagram.
    fn send(&self, from: NodeId, to: NodeId) -> Result<(), LabError> {
        let target = self.end(to)?.address;
        let sent = self.end(from)?.socket.send_to(&self.datagram(), target);
        sent.doing(|| format!("probe {from}→{to}")).map(|_| ())
    }

    /// What this probe's datagrams consist of.
    fn datagram(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..].copy_from_slice(&(!self.number).to_be_bytes());
        bytes
    }

    /// Waits until something has arrived somewhere; false at the deadline.
    fn wait(&self, deadline: Instant) -> Result<bool, LabError> {
        let sockets = self.ends.values().map(|end| &end.socket);
        let mut fds: Vec<_> =
            sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        ready(&mut fds, deadline).doing(|| "wait for probes".into())
    }

    /// Takes everything that has arrived: the directions that carried this probe.
    fn arrived(&self) -> Result<Vec<Cut>, LabError> {
        let mut arrived = Vec::new();
        for (&to, end) in &self.ends {
            for _ in 0..DRAIN_MAX {
                let received = self.receive(end).doing(|| format!("read probes to {to}"))?;
                let Some(sender) = received else { break };
                let from = self.ends.iter().find(|(_, end)| Some(end.address) == sender);
                arrived.extend(from.map(|(&from, _)| (from, to)));
            }
        }
        Ok(arrived)
    }

    /// Takes one datagram: none if there is none, and no sender if it is not of this probe.
    fn receive(&self, end: &End) -> io::Result<Option<Option<SocketAddr>>> {
        let mut buffer = [0; LENGTH + 1];
        match end.socket.recv_from(&mut buffer) {
            Ok((length, sender)) => {
                Ok(Some((buffer[..length] == self.datagram()).then_some(sender)))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl End {
    /// Opens one in the calling thread's network namespace.
    fn open(node: NodeId) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        Ok(Self { socket, address: (address(node), port).into() })
    }
}
