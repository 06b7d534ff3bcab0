//! How a direction treats packets: probes with numbers go there and come back, each way timed.
//!
//! Both ends belong to this process and read one clock, so the way there is timed by itself, not
//! guessed as half of the way there and back. It says nothing of the servers' own connections.

mod sample;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;
use nix::poll::{PollFd, PollFlags};

use super::port::make_room;
use crate::error::{Doing, LabError};
use crate::links::{Network, address};
use crate::wait::ready;

use sample::Tally;
pub use sample::{Sample, Way};

/// What may wait to be read at one end, where this is root.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// What a probe consists of: the number of the measurement, twice, so that a stray datagram is
/// never taken for one; the direction's place in the list; its own number; and whether it is on
/// its way back.
const PROBE: usize = 8 + 8 + 4 + 4 + 1;

/// The bytes of a datagram's headers: Ethernet, IP, UDP.
const HEADERS: usize = 14 + 20 + 8;

/// The longest frame that a burst consists of, and the shortest.
const BURST_FRAME: (u64, u64) = (64 + HEADERS as u64, 1442);

/// For how long a burst keeps a link busy: less than the queue of a narrow link holds.
const BURST: Duration = Duration::from_millis(150);

/// The most frames of a burst, and the fewest that a rate is concluded from.
const BURST_COUNT: (u64, usize) = (400, 5);

/// How long the last frames of a burst are waited for.
const BURST_WITHIN: Duration = Duration::from_millis(500);

/// The longest that a measurement may take, on a machine that has no time for it.
const MEASURED_WITHIN: Duration = Duration::from_secs(60);

/// How many datagrams are read from one end before the others get their turn.
const TURN_MAX: usize = 256;

/// How often probes are sent, and how long they are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many go along each direction.
    pub count: u32,
    /// How long to wait between two of one direction.
    pub every: Duration,
    /// How long to wait for those that are missing after the last was sent.
    pub patience: Duration,
}

impl Plan {
    /// The bytes of a probe's frame, which a narrow link takes its time for.
    pub(super) const FRAME: usize = PROBE + HEADERS;
}

/// One node's end.
struct End {
    socket: UdpSocket,
    address: SocketAddr,
}

/// The ends in all nodes.
pub(crate) struct Meter {
    ends: BTreeMap<NodeId, End>,
    /// The number of the last measurement.
    number: u64,
}

/// A probe, as it is on its way.
#[derive(Clone, Copy)]
struct Probe {
    direction: u32,
    number: u32,
    back: bool,
}

impl Meter {
    /// Opens a socket in every node's namespace.
    pub(crate) fn open(network: &Network) -> Result<Self, LabError> {
        let mut ends = BTreeMap::new();
        for place in &network.places {
            let end = place.netns.inside(|| {
                End::open(place.node).doing(|| format!("open the meter of node {}", place.node))
            })?;
            ends.insert(place.node, end);
        }
        Ok(Self { ends, number: 0 })
    }

    /// Sends probes along all directions at once and has each sent back.
    pub(crate) fn round_trips(
        &mut self,
        pairs: &[Cut],
        plan: Plan,
    ) -> Result<BTreeMap<Cut, Sample>, LabError> {
        self.begin(pairs)?;
        let mut tallies: Vec<Tally> = pairs.iter().map(|_| Tally::default()).collect();
        let (mut next, mut sent) = (Instant::now(), 0);
        let stop = next + MEASURED_WITHIN;
        loop {
            let now = Instant::now();
            if now >= next && sent < plan.count {
                self.send_all(pairs, &mut tallies, sent)?;
                sent += 1;
                // A late one is not followed by many at once: they would fill a buffer.
                next = now + if sent < plan.count { plan.every } else { plan.patience };
            }
            let complete = sent == plan.count && tallies.iter().all(Tally::is_complete);
            if complete || now >= stop || (sent == plan.count && now >= next) {
                break;
            }
            self.wait(next.min(stop))?;
            self.receive_all(pairs, &mut tallies)?;
        }
        Ok(pairs.iter().copied().zip(tallies.into_iter().map(Tally::finish)).collect())
    }

    /// Begins a measurement: from now on, what is left of another is a stray.
    fn begin(&mut self, pairs: &[Cut]) -> Result<(), LabError> {
        self.number += 1;
        match pairs
            .iter()
            .find(|(from, to)| [from, to].iter().any(|it| !self.ends.contains_key(it)))
        {
            Some((from, to)) => Err(LabError::Asked(format!("measure {from}→{to}: no such nodes"))),
            None => Ok(()),
        }
    }

    /// Sends the next probe along every direction.
    fn send_all(&self, pairs: &[Cut], tallies: &mut [Tally], number: u32) -> Result<(), LabError> {
        for ((direction, pair), tally) in (0..).zip(pairs).zip(tallies) {
            tally.sent(Instant::now());
            self.send(*pair, Probe { direction, number, back: false })?;
        }
        Ok(())
    }

    /// Takes everything that has arrived, and sends back what has to go back.
    fn receive_all(&self, pairs: &[Cut], tallies: &mut [Tally]) -> Result<(), LabError> {
        for (node, end) in &self.ends {
            for _ in 0..TURN_MAX {
                let Some(length_and_probe) = self.receive(*node, end)? else { break };
                let Some(probe) = length_and_probe else { continue };
                let place = probe.direction as usize;
                let (Some(&(from, to)), Some(tally)) = (pairs.get(place), tallies.get_mut(place))
                else {
                    continue;
                };
                let first = tally.arrived(probe.number, probe.back, Instant::now());
                if first && !probe.back {
                    self.send((to, from), Probe { back: true, ..probe })?;
                }
            }
        }
        Ok(())
    }

    /// Sends one probe.
    fn send(&self, (from, to): Cut, probe: Probe) -> Result<(), LabError> {
        let bytes = probe.bytes(self.number);
        let sent = self.ends[&from].socket.send_to(&bytes, self.ends[&to].address);
        sent.doing(|| format!("send a probe {from}→{to}")).map(|_| ())
    }

    /// Takes one datagram: none if there is none, and no probe if it is not of this measurement.
    fn receive(&self, node: NodeId, end: &End) -> Result<Option<Option<Probe>>, LabError> {
        let mut buffer = [0; 2048];
        match end.socket.recv(&mut buffer) {
            Ok(length) => Ok(Some(Probe::read(&buffer[..length], self.number))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error).doing(|| format!("read the probes of {node}")),
        }
    }

    /// Waits until something has arrived somewhere, or until this time.
    fn wait(&self, until: Instant) -> Result<(), LabError> {
        let sockets = self.ends.values().map(|end| &end.socket);
        let mut fds: Vec<_> =
            sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        ready(&mut fds, until).doing(|| "wait for probes".into()).map(|_| ())
    }

    /// Sends as much along a direction as should keep it busy for a while at `rate` bits per
    /// second, all at once, and tells at how many bits per second it arrived. None if too little
    /// did.
    pub(crate) fn burst(&mut self, pair: Cut, rate: u64) -> Result<Option<f64>, LabError> {
        self.begin(&[pair])?;
        let (frame, count) = burst_of(rate);
        let mut arrivals: BTreeMap<u32, Instant> = BTreeMap::new();
        let datagram = usize::try_from(frame).unwrap_or(usize::MAX).saturating_sub(HEADERS);
        for number in 0..count {
            let mut bytes = Probe { direction: 0, number, back: false }.bytes(self.number);
            bytes.resize(datagram.max(PROBE), 0);
            let sent = self.ends[&pair.0].socket.send_to(&bytes, self.ends[&pair.1].address);
            sent.doing(|| format!("send a burst {}→{}", pair.0, pair.1))?;
            self.note_arrivals(pair.1, &mut arrivals)?;
        }
        let until = Instant::now() + BURST_WITHIN;
        while Instant::now() < until && arrivals.len() < count as usize {
            self.wait(until)?;
            self.note_arrivals(pair.1, &mut arrivals)?;
        }
        Ok(speed(arrivals.into_values().collect(), frame))
    }

    /// Notes when each frame of a burst arrived first.
    fn note_arrivals(
        &self,
        node: NodeId,
        arrivals: &mut BTreeMap<u32, Instant>,
    ) -> Result<(), LabError> {
        for _ in 0..TURN_MAX {
            let Some(probe) = self.receive(node, &self.ends[&node])? else { break };
            if let Some(probe) = probe {
                arrivals.entry(probe.number).or_insert_with(Instant::now);
            }
        }
        Ok(())
    }
}

/// How many bits pass at this rate in this time.
fn bits_in(rate: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(rate) * time.as_micros() / 1_000_000).unwrap_or(u64::MAX)
}

/// The length of a burst's frames, so that a slow link gets at least sixteen, and how many.
fn burst_of(rate: u64) -> (u64, u32) {
    let bits = bits_in(rate, BURST);
    let frame = (bits / 8 / 16).clamp(BURST_FRAME.0, BURST_FRAME.1);
    let count = (bits / 8 / frame).clamp(BURST_COUNT.1 as u64 * 2, BURST_COUNT.0);
    (frame, u32::try_from(count).expect("a burst is short"))
}

/// The bits per second between the first arrival and the last.
fn speed(mut arrivals: Vec<Instant>, frame: u64) -> Option<f64> {
    arrivals.sort_unstable();
    let (first, last) = (arrivals.first()?, arrivals.last()?);
    let enough = arrivals.len() >= BURST_COUNT.1 && last > first;
    let bits = (arrivals.len() - 1) as f64 * frame as f64 * 8.0;
    enough.then(|| bits / (*last - *first).as_secs_f64())
}

impl Probe {
    /// What is sent.
    fn bytes(self, measurement: u64) -> Vec<u8> {
        let number = measurement.to_be_bytes();
        let twice = (!measurement).to_be_bytes();
        let [direction, own] = [self.direction, self.number].map(u32::to_be_bytes);
        [&number[..], &twice, &direction, &own, &[u8::from(self.back)]].concat()
    }

    /// Reads one of this measurement.
    fn read(bytes: &[u8], measurement: u64) -> Option<Self> {
        let (head, rest) = bytes.get(..PROBE)?.split_at(16);
        let ours = [measurement.to_be_bytes(), (!measurement).to_be_bytes()].concat();
        let number = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.try_into().ok()?));
        if head != ours {
            return None;
        }
        Some(Self {
            direction: number(&rest[..4])?,
            number: number(&rest[4..8])?,
            back: rest[8] == 1,
        })
    }
}

impl End {
    /// Opens one in the calling thread's network namespace.
    fn open(node: NodeId) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_nonblocking(true)?;
        make_room(&socket, RECEIVE_BUFFER)?;
        let port = socket.local_addr()?.port();
        Ok(Self { socket, address: (address(node), port).into() })
    }
}
