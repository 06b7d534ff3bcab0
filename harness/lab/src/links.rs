//! The lab's network: one bridge, and for every node a network namespace with a link to it.
//!
//! ```text
//!   lab:  br0 10.77.0.254 ── v1 ══ eth0 10.77.0.1   node n1
//!                         └─ v2 ══ eth0 10.77.0.2   node n2
//! ```
//!
//! Traffic between nodes is *forwarded* by the bridge; traffic between the lab and a node is not,
//! so whoever cuts the forwarding leaves the harness and its clients in touch with every node.
//!
//! All addresses are known in advance, and so are permanent neighbour and forwarding entries:
//! nobody asks for anybody's hardware address. Otherwise cutting only n1→n2 would soon silence
//! n2→n1 too, since n1's answers to n2's questions would be lost, and frames to an address that
//! was not seen yet would be flooded to every port and counted there as dropped.

use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use fracas_checker::NodeId;
use nix::sys::socket::SockProtocol;

use super::error::LabError;
use super::netlink::{Message, Socket};
use super::netns::{self, NetNs};

/// The most nodes of a lab: with this many, one transaction still fits the kernel's buffers.
pub const NODES_MAX: u16 = 32;

/// The bridge's place in the network, and the last byte of its addresses.
const GATEWAY: u8 = 254;

/// The length of the network part of an address.
const PREFIX: u8 = 24;

/// The number of `lo` in every network namespace.
pub(crate) const LOOPBACK_INDEX: i32 = 1;

/// The numbers given to our links. They are far above those the kernel gives by itself, so a
/// link never has to be looked up by name.
const BRIDGE_INDEX: i32 = 1000;

/// The number of every node's own link, in the node's namespace.
const NODE_INDEX: i32 = 500;

/// The attribute of a veth's data that describes the other end.
const VETH_INFO_PEER: u16 = 1;

/// The bridge's name.
const BRIDGE: &str = "br0";

/// A node's place in the network.
pub(crate) struct Place {
    /// Which node.
    pub(crate) node: NodeId,
    /// Its network namespace.
    pub(crate) netns: Arc<NetNs>,
}

/// The bridge, the links and the namespaces of a lab.
pub(crate) struct Network {
    /// Where each node is, in the order in which they were asked for.
    pub(crate) places: Vec<Place>,
    /// The conversation about links of the lab's own namespace.
    socket: Socket,
}

/// The address of a node.
pub(crate) fn address(node: NodeId) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last_byte(node))
}

/// The address of the bridge.
pub(crate) fn gateway() -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, GATEWAY)
}

/// An `/etc/hosts`: the machine's own names, and those of these nodes.
pub(crate) fn hosts(nodes: impl Iterator<Item = NodeId>) -> String {
    let own = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_owned();
    nodes.fold(own, |names, node| names + &format!("{}\t{node}\n", address(node)))
}

/// The name of the bridge's port to a node.
pub(crate) fn port(node: NodeId) -> String {
    format!("v{}", node.0)
}

/// What distinguishes a node's addresses.
fn last_byte(node: NodeId) -> u8 {
    u8::try_from(node.0).expect("the number of every node in a lab was checked")
}

/// The hardware address of a node's link, or of the bridge.
pub(crate) fn mac(last: u8) -> [u8; 6] {
    [0x02, 0x77, 0, 0, 0, last]
}

/// The number of the bridge's port to a node.
pub(crate) fn port_index(node: NodeId) -> i32 {
    BRIDGE_INDEX + i32::from(node.0)
}

impl Network {
    /// Builds it in the network namespace of the calling thread.
    pub(crate) fn build(nodes: &[NodeId]) -> Result<Self, LabError> {
        netns::disable_ipv6()?;
        let mut network =
            Self { places: Vec::new(), socket: Socket::open(SockProtocol::NetlinkRoute)? };
        network.bridge()?;
        for &node in nodes {
            let place = Place { node, netns: Arc::new(NetNs::create()?) };
            network.connect(&place)?;
            network.places.push(place);
        }
        for place in &network.places {
            place.netns.inside(|| set_up_node(place.node, nodes))?;
        }
        Ok(network)
    }

    /// Makes the bridge and gives it its address.
    fn bridge(&mut self) -> Result<(), LabError> {
        let message = new_link(BRIDGE_INDEX, BRIDGE)
            .attr(libc::IFLA_ADDRESS, &mac(GATEWAY))
            .nest(libc::IFLA_LINKINFO, |info| info.attr(libc::IFLA_INFO_KIND, b"bridge"));
        self.socket.request("create the bridge `br0`", message)?;
        add_address(&mut self.socket, BRIDGE_INDEX, gateway())?;
        set_up(&mut self.socket, BRIDGE_INDEX)
    }

    /// Links a node's namespace to the bridge.
    fn connect(&mut self, place: &Place) -> Result<(), LabError> {
        let (node, index) = (place.node, port_index(place.node));
        let netns = place.netns.file().as_raw_fd();
        let peer = |data: Message| {
            data.nest(VETH_INFO_PEER, |peer| {
                peer.put(&link_header(NODE_INDEX, 0))
                    .attr(libc::IFLA_IFNAME, b"eth0\0")
                    .attr(libc::IFLA_ADDRESS, &mac(last_byte(node)))
                    .attr(libc::IFLA_NET_NS_FD, &netns.to_ne_bytes())
            })
        };
        let message = new_link(index, &port(node))
            .attr(libc::IFLA_MASTER, &BRIDGE_INDEX.to_ne_bytes())
            .nest(libc::IFLA_LINKINFO, |info| {
                info.attr(libc::IFLA_INFO_KIND, b"veth").nest(libc::IFLA_INFO_DATA, peer)
            });
        self.socket.request(&format!("link node {node} to the bridge"), message)?;
        set_up(&mut self.socket, index)?;
        add_neighbour(&mut self.socket, BRIDGE_INDEX, Some(address(node)), last_byte(node))?;
        add_neighbour(&mut self.socket, index, None, last_byte(node))
    }
}

impl Drop for Network {
    /// Removes the bridge and its ports; a node's namespace goes when its last process is gone.
    fn drop(&mut self) {
        let ports = self.places.iter().map(|place| port_index(place.node));
        for index in ports.chain([BRIDGE_INDEX]).collect::<Vec<_>>() {
            let message = Message::new(libc::RTM_DELLINK, 0).put(&link_header(index, 0));
            if let Err(error) = self.socket.request("remove a link", message) {
                tracing::warn!("{error}");
            }
        }
    }
}

/// Makes the loopback link of this thread's namespace usable.
pub(crate) fn loopback_up() -> Result<(), LabError> {
    set_up(&mut Socket::open(SockProtocol::NetlinkRoute)?, LOOPBACK_INDEX)
}

/// Sets a node's own namespace up; runs inside it.
fn set_up_node(node: NodeId, nodes: &[NodeId]) -> Result<(), LabError> {
    netns::disable_ipv6()?;
    netns::like_a_machine()?;
    loopback_up()?;
    let mut socket = Socket::open(SockProtocol::NetlinkRoute)?;
    add_address(&mut socket, NODE_INDEX, address(node))?;
    set_up(&mut socket, NODE_INDEX)?;
    for &other in nodes.iter().filter(|other| **other != node) {
        add_neighbour(&mut socket, NODE_INDEX, Some(address(other)), last_byte(other))?;
    }
    add_neighbour(&mut socket, NODE_INDEX, Some(gateway()), GATEWAY)
}

/// The fixed part of a message about a link.
fn link_header(index: i32, flags: i32) -> [u8; 16] {
    let mut header = [0; 16];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..16].copy_from_slice(&flags.to_ne_bytes());
    header
}

/// The beginning of a request for a new link.
fn new_link(index: i32, name: &str) -> Message {
    Message::new(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL)
        .put(&link_header(index, 0))
        .attr(libc::IFLA_IFNAME, format!("{name}\0").as_bytes())
}

/// Sets a link up.
fn set_up(socket: &mut Socket, index: i32) -> Result<(), LabError> {
    let message = Message::new(libc::RTM_NEWLINK, 0).put(&link_header(index, libc::IFF_UP));
    socket.request(&format!("set link {index} up"), message)
}

/// Gives a link its address.
fn add_address(socket: &mut Socket, index: i32, address: Ipv4Addr) -> Result<(), LabError> {
    let family = u8::try_from(libc::AF_INET).expect("the number of the family fits");
    let mut header = vec![family, PREFIX, 0, 0];
    header.extend(index.to_ne_bytes());
    let message = Message::new(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL)
        .put(&header)
        .attr(libc::IFA_LOCAL, &address.octets())
        .attr(libc::IFA_ADDRESS, &address.octets());
    socket.request(&format!("give link {index} the address {address}"), message)
}

/// Adds a permanent entry: who has this address is at this hardware address; without an address,
/// who has this hardware address is behind this port of the bridge.
fn add_neighbour(
    socket: &mut Socket,
    index: i32,
    address: Option<Ipv4Addr>,
    last: u8,
) -> Result<(), LabError> {
    let family = if address.is_some() { libc::AF_INET } else { libc::AF_BRIDGE };
    let (state, flags) = match address {
        Some(_) => (libc::NUD_PERMANENT, 0),
        // Static: the address of a machine behind the port, not of the port itself.
        None => (libc::NUD_NOARP, libc::NTF_MASTER),
    };
    let mut header = vec![u8::try_from(family).expect("the number of the family fits"), 0, 0, 0];
    header.extend(index.to_ne_bytes());
    header.extend(state.to_ne_bytes());
    header.extend([flags, 0]);
    let flags = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
    let mut message = Message::new(libc::RTM_NEWNEIGH, flags).put(&header);
    if let Some(address) = address {
        message = message.attr(libc::NDA_DST, &address.octets());
    }
    let message = message.attr(libc::NDA_LLADDR, &mac(last));
    socket.request(&format!("add the neighbour {last} of link {index}"), message)
}
