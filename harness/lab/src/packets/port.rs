//! One port of the bridge, as a socket: the frames that its node sends are read from it, and what
//! is written to it arrives at the node.
//!
//! Decides nothing. A filter in the kernel keeps the frames of directions that nobody asked for
//! from waking us.
#![expect(unsafe_code, reason = "options of packet sockets without a safe wrapper in nix")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use fracas_checker::NodeId;
use nix::errno::Errno;
use nix::sys::socket::sockopt::{RcvBuf, RcvBufForce};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socket,
};

use crate::error::{Doing, LabError};
use crate::links::{mac, port_index};

/// The kernel's numbers, as in `linux/if_packet.h`.
const SOL_PACKET: i32 = 263;
const PACKET_STATISTICS: i32 = 6;
const PACKET_VNET_HDR: i32 = 15;
const PACKET_IGNORE_OUTGOING: i32 = 23;

/// What may wait in the kernel to be read from one port, where this is root.
const RECEIVE_BUFFER: usize = 16 * 1024 * 1024;

/// The length of the header before each frame, `struct virtio_net_hdr`.
///
/// It says where the checksum belongs that the sender's kernel left to the hardware, and how a
/// frame longer than the link allows is to be cut up. Without it every packet of TCP and UDP that
/// is sent on would arrive with a wrong checksum.
pub(super) const OFFLOAD: usize = 10;

/// The length of a hardware address, the first thing in a frame.
pub(super) const ADDRESS: usize = 6;

/// The longest that is read: a frame of 64 KiB with all its headers.
pub(super) const FRAME_MAX: usize = 66 * 1024;

/// The bytes of headers that each piece of a frame has on the wire: Ethernet, IP, and TCP with a
/// time stamp.
const PIECE_HEADERS: usize = 14 + 20 + 32;

/// The ports of the bridge, by node.
pub(super) type Ports = BTreeMap<NodeId, Port>;

/// A port.
pub(super) struct Port {
    socket: OwnedFd,
    /// How many frames were lost because we did not read them in time.
    missed: AtomicU64,
}

/// `struct tpacket_stats`.
#[repr(C)]
#[derive(Default)]
struct Statistics {
    packets: u32,
    drops: u32,
}

impl Port {
    /// Opens the port to a node; no frame is read from it yet.
    pub(super) fn open(node: NodeId) -> Result<Self, LabError> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let opened = || -> Result<Self, Errno> {
            // Without a protocol nothing is received until it is bound to one.
            let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
            let port = Self { socket, missed: AtomicU64::new(0) };
            port.set(SOL_PACKET, PACKET_VNET_HDR, &1_i32)?;
            port.set(SOL_PACKET, PACKET_IGNORE_OUTGOING, &1_i32)?;
            make_room(&port.socket, RECEIVE_BUFFER)?;
            port.listen_to(&[])?;
            port.bind(port_index(node))?;
            Ok(port)
        };
        opened().doing(|| format!("open the port of node {node} for packets"))
    }

    /// Reads frames to these nodes, and to everybody, from now on; to nobody if there are none.
    pub(super) fn listen_to(&self, nodes: &[NodeId]) -> Result<(), Errno> {
        let mut filter = filter(nodes);
        let program = libc::sock_fprog {
            len: u16::try_from(filter.len()).expect("a filter has a few dozen steps"),
            filter: filter.as_mut_ptr(),
        };
        self.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    /// Reads one frame with its header; none if none is there.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        // The only errors but “nothing there” are of a link that is being taken down.
        let length = recv(self.socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT).ok()?;
        Some(&buffer[..length])
    }

    /// Sends a frame with its header to the node.
    pub(super) fn send(&self, frame: &[u8]) -> Result<(), Errno> {
        send(self.socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT).map(|_| ())
    }

    /// How many frames were not read in time, so far.
    pub(super) fn missed(&self) -> Result<u64, Errno> {
        let mut counted = Statistics::default();
        let mut length = length_of::<Statistics>();
        // SAFETY: the kernel writes at most `length` bytes, the size of `counted`, and both live
        // until the call is over.
        let got = unsafe {
            let place = (&raw mut counted).cast::<c_void>();
            let socket = self.socket.as_raw_fd();
            libc::getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, place, &raw mut length)
        };
        Errno::result(got)?;
        // Reading sets the kernel's counters to zero.
        let new = u64::from(counted.drops);
        Ok(self.missed.fetch_add(new, Ordering::Relaxed) + new)
    }

    /// Binds it to a link, and to frames of every protocol.
    fn bind(&self, index: i32) -> Result<(), Errno> {
        let every = u16::try_from(libc::ETH_P_ALL).expect("the number of a protocol fits");
        let address = libc::sockaddr_ll {
            sll_family: u16::try_from(libc::AF_PACKET).expect("the number of the family fits"),
            sll_protocol: every.to_be(),
            sll_ifindex: index,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: the address is a whole `sockaddr_ll`, and its length is given.
        let bound = unsafe {
            let place = (&raw const address).cast::<libc::sockaddr>();
            libc::bind(self.socket.as_raw_fd(), place, length_of::<libc::sockaddr_ll>())
        };
        Errno::result(bound).map(|_| ())
    }

    /// Sets an option.
    fn set<T>(&self, level: i32, option: i32, value: &T) -> Result<(), Errno> {
        let place = std::ptr::from_ref(value).cast::<c_void>();
        // SAFETY: the kernel reads as many bytes as `T` has, and what a filter's program points to
        // outlives the call.
        let set = unsafe {
            libc::setsockopt(self.socket.as_raw_fd(), level, option, place, length_of::<T>())
        };
        Errno::result(set).map(|_| ())
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Lets so many bytes wait to be read from a socket; without root, as many as the kernel's setting
/// `net.core.rmem_max` allows.
pub(super) fn make_room(socket: &impl AsFd, bytes: usize) -> Result<(), Errno> {
    setsockopt(socket, RcvBufForce, &bytes).or_else(|_| setsockopt(socket, RcvBuf, &bytes))
}

/// The length of a value, as the kernel wants it.
fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("what is handed to the kernel is short")
}

/// A filter that lets frames to these nodes and to groups pass; to nobody if there are none.
fn filter(nodes: &[NodeId]) -> Vec<libc::sock_filter> {
    const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
    const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const IF_BIT: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
    const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
    const WHOLE: u32 = u32::MAX;
    let step = |code: u32, k: u32, jt: usize| libc::sock_filter {
        code: u16::try_from(code).expect("a code has 16 bits"),
        jt: u8::try_from(jt).expect("a lab has few nodes"),
        jf: 0,
        k,
    };
    let count = nodes.len();
    if count == 0 {
        return vec![step(RETURN, 0, 0)];
    }
    // Jumps are counted in the steps that are left out: all lead to the last one.
    let mut steps = vec![step(LOAD_BYTE, 0, 0), step(IF_BIT, 1, count + 2), step(LOAD_WORD, 2, 0)];
    for (place, node) in nodes.iter().enumerate() {
        let [_, _, end @ ..] = mac_of(*node);
        steps.push(step(IF_EQUAL, u32::from_be_bytes(end), count - place));
    }
    steps.extend([step(RETURN, 0, 0), step(RETURN, WHOLE, 0)]);
    steps
}

/// The hardware address of a node.
pub(super) fn mac_of(node: NodeId) -> [u8; ADDRESS] {
    mac(u8::try_from(node.0).expect("the number of every node in a lab was checked"))
}

/// How many bytes a frame, header included, has on the wire, where a long one goes in pieces.
pub(super) fn on_the_wire(frame: &[u8]) -> usize {
    let bytes = frame.len().saturating_sub(OFFLOAD);
    let piece = frame.get(4..6).map_or(0, |size| u16::from_ne_bytes([size[0], size[1]]));
    let pieces = match piece {
        0 => 1,
        piece => bytes.saturating_sub(PIECE_HEADERS).div_ceil(piece.into()).max(1),
    };
    bytes + (pieces - 1) * PIECE_HEADERS
}

#[cfg(test)]
mod tests {
    use fracas_checker::NodeId;

    use super::{filter, on_the_wire};

    /// What a filter of ours answers for a frame to this address.
    fn passes(nodes: &[u16], address: [u8; 6]) -> bool {
        let steps = filter(&nodes.iter().copied().map(NodeId).collect::<Vec<_>>());
        let (mut at, mut loaded) = (0, 0);
        loop {
            let step = steps[at];
            at += 1;
            match u32::from(step.code) {
                0x30 => loaded = u32::from(address[step.k as usize]),
                0x20 => {
                    let from = step.k as usize;
                    let word = address[from..from + 4].try_into().expect("four bytes");
                    loaded = u32::from_be_bytes(word);
                }
                0x45 if loaded & step.k != 0 => at += usize::from(step.jt),
                0x15 if loaded == step.k => at += usize::from(step.jt),
                0x45 | 0x15 => at += usize::from(step.jf),
                _ => return step.k != 0,
            }
        }
    }

    #[test]
    fn a_filter_lets_pass_what_it_is_told() {
        let to = |last| [2, 0x77, 0, 0, 0, last];
        for last in 1..=32 {
            assert_eq!(passes(&[2, 5, 32], to(last)), [2, 5, 32].contains(&last), "{last}");
            assert!(!passes(&[], to(last)));
        }
        assert!(passes(&[2], [0xff; 6]) && !passes(&[], [0xff; 6]));
    }

    #[test]
    fn a_long_frame_has_headers_for_each_piece() {
        let mut frame = vec![0; 10 + 66 + 3000];
        assert_eq!(on_the_wire(&frame), 3066);
        frame[4..6].copy_from_slice(&1000_u16.to_ne_bytes());
        assert_eq!(on_the_wire(&frame), 3066 + 2 * 66);
    }
}
