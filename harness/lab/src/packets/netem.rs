//! Shaping by the kernel's own queues: `netem` under a `prio` queue on the bridge's port to the
//! receiver, with a band for every sender. Used only where somebody asks for it.
//!
//! The chances are the kernel's, not the seed's. Packets that still wait when their direction is
//! healed are lost. Since Linux 6.16 no port may have two senders of which one has packets doubled:
//! the kernel refuses it, and so the fault did not happen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;
use nix::sys::socket::SockProtocol;

use super::Shaping;
use super::flow::QUEUE_MAX;
use crate::error::LabError;
use crate::links::{LOOPBACK_INDEX, address, port_index};
use crate::netlink::{Message, Socket};

/// How many bands a `prio` queue can have. The first one is for all that is not shaped.
const BANDS: u16 = 16;

/// The most nodes whose directions can be told apart.
pub(super) const NODES_MAX: u16 = BANDS - 1;

/// How many packets may wait in a direction without a bandwidth.
const WAITING_MAX: u32 = 10_000;

/// The length of a full frame.
const FRAME: u64 = 1514;

/// The longest jitter: the kernel draws it in 32 bits of nanoseconds.
const JITTER_MAX: Duration = Duration::from_secs(2);

/// Where a link's queue for what it sends hangs: `TC_H_ROOT`.
const ROOT: u32 = u32::MAX;

/// The number of the `prio` queue: `1:0`.
const PRIO: u32 = 1 << 16;

/// The number of no sender's `netem` queue; those of senders follow.
const NETEM: u32 = 0x10 << 16;

/// Attributes of a `netem` queue.
const NETEM_REORDER: u16 = 3;
const NETEM_RATE: u16 = 6;
const NETEM_LATENCY64: u16 = 10;
const NETEM_JITTER64: u16 = 11;

/// Attributes of a `u32` filter, and the flag of one that decides.
const U32_CLASS: u16 = 1;
const U32_SELECTOR: u16 = 5;
const U32_TERMINAL: u8 = 1;

/// Where the sender's address is in an IPv4 packet.
const SOURCE_AT: i32 = 12;

/// What can be used instead.
const INSTEAD: &str = "use `--mechanism packets=reinject`, the default: it needs no module";

/// The conversation about the queues of the bridge's ports.
pub(crate) struct Queues(Socket);

impl Queues {
    /// Hangs all that is needed on the lab's own loopback link, to see whether the kernel has it,
    /// and takes it off again.
    ///
    /// # Errors
    /// [`LabError::Unavailable`], if the kernel does not have it.
    pub(super) fn open() -> Result<Self, LabError> {
        let mut queues = Self(Socket::open(SockProtocol::NetlinkRoute)?);
        let trial = Shaping { delay: Duration::from_millis(1), ..Shaping::default() };
        let asked = [prio(LOOPBACK_INDEX), netem(LOOPBACK_INDEX, NodeId(1), &trial)];
        let asked = asked.into_iter().chain([steer(LOOPBACK_INDEX, NodeId(1))]);
        let tried = asked
            .into_iter()
            .try_for_each(|(attempt, message)| queues.0.request(&attempt, message));
        let taken_off = queues.ask(off(LOOPBACK_INDEX));
        let unavailable = |error: LabError| LabError::Unavailable {
            what: "use netem".into(),
            why: format!("the kernel has none ({error})"),
            mend: INSTEAD.into(),
        };
        tried.map_err(unavailable)?;
        taken_off.map(|()| queues)
    }

    /// Makes `now` the only shaped directions, where `before` were. What stays as it is is not
    /// touched.
    pub(crate) fn replace(
        &mut self,
        before: &BTreeMap<Cut, Shaping>,
        now: &BTreeMap<Cut, Shaping>,
    ) -> Result<(), LabError> {
        now.iter().try_for_each(|(cut, shaping)| possible(*cut, shaping))?;
        let done = changes(before, now).into_iter().try_for_each(|change| self.ask(change));
        if done.is_err() {
            // Nobody knows how far it came: all is taken off, and put back as it was.
            for to in receivers(before).union(&receivers(now)) {
                let _was_there = self.ask(off(port_index(*to)));
            }
            let restored = changes(&BTreeMap::new(), before);
            restored.into_iter().try_for_each(|change| self.ask(change))?;
        }
        done
    }

    fn ask(&mut self, (attempt, message): Change) -> Result<(), LabError> {
        self.0.request(&attempt, message)
    }
}

/// Something that is asked of the kernel, and the words for it.
type Change = (String, Message);

/// Fails if the kernel's queues cannot do this.
fn possible((from, to): Cut, shaping: &Shaping) -> Result<(), LabError> {
    if shaping.jitter > JITTER_MAX {
        let why = format!("netem knows no jitter of more than {JITTER_MAX:?}");
        return Err(LabError::Asked(format!("shape {from}→{to}: {why}")));
    }
    Ok(())
}

/// What has to be asked so that `now` is in force instead of `before`, in this order: packets are
/// steered to a queue after it is there, and away from it before it goes.
fn changes(before: &BTreeMap<Cut, Shaping>, now: &BTreeMap<Cut, Shaping>) -> Vec<Change> {
    let (had, has) = (receivers(before), receivers(now));
    let mut changes = Vec::new();
    changes.extend(has.difference(&had).map(|to| prio(port_index(*to))));
    for ((from, to), shaping) in now {
        let (index, old) = (port_index(*to), before.get(&(*from, *to)));
        if old != Some(shaping) {
            changes.push(netem(index, *from, shaping));
        }
        if old.is_none() {
            changes.push(steer(index, *from));
        }
    }
    let gone = before.keys().filter(|cut| !now.contains_key(cut) && has.contains(&cut.1));
    changes.extend(gone.flat_map(|(from, to)| [spare(*to, *from), remove(*to, *from)]));
    changes.extend(had.difference(&has).map(|to| off(port_index(*to))));
    changes
}

/// To whom these directions lead.
fn receivers(all: &BTreeMap<Cut, Shaping>) -> BTreeSet<NodeId> {
    all.keys().map(|(_, to)| *to).collect()
}

/// The fixed part of a message about queues and filters: `struct tcmsg`.
fn header(index: i32, handle: u32, parent: u32, info: u32) -> Vec<u8> {
    let words = [handle, parent, info].map(u32::to_ne_bytes).concat();
    [&[0; 4], &index.to_ne_bytes()[..], &words].concat()
}

/// The band of a sender, as a class of the `prio` queue; the first one is nobody's.
fn band(from: NodeId) -> u32 {
    PRIO | (u32::from(from.0) + 1)
}

/// Hangs a queue with a band for every sender on a link.
fn prio(index: i32) -> Change {
    let (create, header) = (libc::NLM_F_CREATE | libc::NLM_F_REPLACE, header(index, PRIO, ROOT, 0));
    // Whatever priority a packet has, it belongs to the first band, unless it is steered elsewhere.
    let options = [&i32::from(BANDS).to_ne_bytes()[..], &[0; 16]].concat();
    let message = Message::new(libc::RTM_NEWQDISC, create).put(&header);
    let message = message.attr(libc::TCA_KIND, b"prio\0").attr(libc::TCA_OPTIONS, &options);
    (format!("hang a `prio` queue on link {index}"), message)
}

/// Hangs a queue that shapes in the band of a sender, or changes what it does.
fn netem(index: i32, from: NodeId, shaping: &Shaping) -> Change {
    let create = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
    let header = header(index, NETEM + (u32::from(from.0) << 16), band(from), 0);
    let message = Message::new(libc::RTM_NEWQDISC, create).put(&header);
    let message =
        message.attr(libc::TCA_KIND, b"netem\0").attr(libc::TCA_OPTIONS, &options(shaping));
    (format!("hang a `netem` queue for {from} on link {index}"), message)
}

/// What a `netem` queue is to do: `struct tc_netem_qopt`, with times in nanoseconds besides, and
/// what was added to it later.
fn options(shaping: &Shaping) -> Vec<u8> {
    let share = |share: f64| (share * f64::from(u32::MAX)) as u32;
    let reorders = shaping.reorder > 0.0;
    // Of each packet it is drawn anew whether it overtakes others.
    let gap = u32::from(reorders);
    let old = [0, waiting(shaping), share(shaping.loss), gap, share(shaping.duplicate), 0];
    let mut options = old.map(u32::to_ne_bytes).concat();
    options.extend(attribute(NETEM_LATENCY64, &nanos(shaping.delay)));
    options.extend(attribute(NETEM_JITTER64, &nanos(shaping.jitter)));
    if reorders {
        let reorder = [share(shaping.reorder), 0].map(u32::to_ne_bytes).concat();
        options.extend(attribute(NETEM_REORDER, &reorder));
    }
    // A queue with a bandwidth, however large, keeps packets in order whatever the jitter.
    let wide = (!shaping.jitter.is_zero()).then_some(u64::MAX);
    if let Some(rate) = shaping.bandwidth.or(wide) {
        let bytes = u32::try_from(rate / 8).unwrap_or(u32::MAX);
        options.extend(attribute(NETEM_RATE, &[bytes, 0, 0, 0].map(u32::to_ne_bytes).concat()));
    }
    options
}

/// How many packets may wait: with a bandwidth, those that are late or whose turn comes soon.
fn waiting(shaping: &Shaping) -> u32 {
    let Some(rate) = shaping.bandwidth else { return WAITING_MAX };
    let time = QUEUE_MAX + shaping.delay + shaping.jitter;
    let frames = time.as_secs_f64() * rate as f64 / (8 * FRAME) as f64;
    (frames.ceil() as u32).clamp(2, WAITING_MAX)
}

fn nanos(time: Duration) -> [u8; 8] {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX).to_ne_bytes()
}

/// An attribute whose value needs no filling.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("attributes here are short");
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat()
}

/// The fixed part of a message about the filter that steers a sender's packets. Its preference is
/// the band's number, so that it can be named again.
fn filter(kind: u16, flags: i32, index: i32, from: NodeId) -> Message {
    let protocol = u16::try_from(libc::ETH_P_IP).expect("protocols have 16 bits").to_be();
    let info = (band(from) & 0xffff) << 16 | u32::from(protocol);
    Message::new(kind, flags).put(&header(index, 0, PRIO, info))
}

/// Steers the packets of a sender into its band.
fn steer(index: i32, from: NodeId) -> Change {
    let create = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let message = filter(libc::RTM_NEWTFILTER, create, index, from);
    let message = message.attr(libc::TCA_KIND, b"u32\0").nest(libc::TCA_OPTIONS, |options| {
        let class = options.attr(U32_CLASS, &band(from).to_ne_bytes());
        class.attr(U32_SELECTOR, &selector(address(from)))
    });
    (format!("steer the packets of {from} on link {index}"), message)
}

/// `struct tc_u32_sel` with one key: packets with this source address.
fn selector(source: Ipv4Addr) -> Vec<u8> {
    let head = [U32_TERMINAL, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let place = [SOURCE_AT.to_ne_bytes(), 0_i32.to_ne_bytes()].concat();
    [&head[..], &[0xff; 4], &source.octets(), &place].concat()
}

/// Steers the packets of a sender nowhere any more.
fn spare(to: NodeId, from: NodeId) -> Change {
    let index = port_index(to);
    (format!("spare the packets of {from} to {to}"), filter(libc::RTM_DELTFILTER, 0, index, from))
}

/// Takes the queue of a sender off.
fn remove(to: NodeId, from: NodeId) -> Change {
    let header = header(port_index(to), NETEM + (u32::from(from.0) << 16), band(from), 0);
    let message = Message::new(libc::RTM_DELQDISC, 0).put(&header);
    (format!("take off the queue of {from} to {to}"), message)
}

/// Takes all queues off a link.
fn off(index: i32) -> Change {
    let message = Message::new(libc::RTM_DELQDISC, 0).put(&header(index, PRIO, ROOT, 0));
    (format!("take the queues off link {index}"), message)
}

#[cfg(target_endian = "little")]
#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A message in hexadecimal digits, after its length, number and sender.
    fn shown((_, message): Change) -> String {
        let bytes = message.finish(0);
        let parts = [&bytes[4..8], &bytes[16..]].concat();
        let words = parts.chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")));
        words.map(Iterator::collect::<String>).collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn check(change: Change, expect: &[&str]) {
        assert_eq!(shown(change), expect.join(" "));
    }

    #[test]
    fn a_queue_has_a_first_band_for_all_that_is_not_shaped() {
        let header = "24000105 00000000 e9030000 00000100 ffffffff 00000000";
        let kind = "09000100 7072696f 00000000";
        let options = "18000200 10000000 00000000 00000000 00000000 00000000";
        check(prio(1001), &[header, kind, options]);
        let taken_off = "25000100 00000000 e9030000 00000100 ffffffff 00000000";
        check(off(1001), &[taken_off]);
    }

    #[test]
    fn packets_are_steered_by_their_sender() {
        let header = "2c000106 00000000 e9030000 00000000 00000100 08000300";
        let (kind, class) = ("08000100 75333200", "30000280 08000100 03000100");
        let selector = "24000500 01000100 00000000 00000000 00000000 ffffffff 0a4d0002 0c000000 \
                        00000000";
        check(steer(1001, NodeId(2)), &[header, kind, class, selector]);
        let spared = "2d000100 00000000 e9030000 00000000 00000100 08000300";
        check(spare(NodeId(1), NodeId(2)), &[spared]);
    }

    #[test]
    fn a_delay_with_jitter_keeps_the_order() {
        let shaping = Shaping { delay: 10 * MS, jitter: 2 * MS, ..Shaping::default() };
        let header = "24000105 00000000 e9030000 00001200 03000100 00000000";
        let kind = "0a000100 6e657465 6d000000";
        let old = "48000200 00000000 10270000 00000000 00000000 00000000 00000000";
        let times = "0c000a00 80969800 00000000 0c000b00 80841e00 00000000";
        let rate = "14000600 ffffffff 00000000 00000000 00000000";
        check(netem(1001, NodeId(2), &shaping), &[header, kind, old, times, rate]);
    }

    #[test]
    fn shares_and_bandwidths_are_in_the_units_of_the_kernel() {
        let shaping = Shaping {
            delay: MS,
            loss: 0.5,
            duplicate: 0.25,
            reorder: 1.0,
            bandwidth: Some(8_000_000),
            ..Shaping::default()
        };
        let words: Vec<u32> = options(&shaping)
            .chunks(4)
            .map(|word| u32::from_ne_bytes(word.try_into().unwrap()))
            .collect();
        // 201 ms of a megabyte per second are 133 frames.
        assert_eq!(words[..6], [0, 133, u32::MAX / 2, 1, u32::MAX / 4, 0]);
        assert_eq!(words[6..12], [0x000a_000c, 1_000_000, 0, 0x000b_000c, 0, 0]);
        assert_eq!(words[12..15], [0x0003_000c, u32::MAX, 0], "reordered");
        assert_eq!(words[15..], [0x0006_0014, 1_000_000, 0, 0, 0], "bytes per second");
    }

    #[test]
    fn only_what_changes_is_touched() {
        let slow = Shaping { delay: MS, ..Shaping::default() };
        let slower = Shaping { delay: 2 * MS, ..slow };
        let pair = |from, to| (NodeId(from), NodeId(to));
        let before = BTreeMap::from([(pair(1, 2), slow), (pair(3, 2), slow), (pair(1, 3), slow)]);
        let now = BTreeMap::from([(pair(1, 2), slow), (pair(4, 2), slower), (pair(1, 5), slow)]);
        let words = |before, now| changes(before, now).into_iter().map(|(attempt, _)| attempt);
        let expect = [
            "hang a `prio` queue on link 1005",
            "hang a `netem` queue for n1 on link 1005",
            "steer the packets of n1 on link 1005",
            "hang a `netem` queue for n4 on link 1002",
            "steer the packets of n4 on link 1002",
            "spare the packets of n3 to n2",
            "take off the queue of n3 to n2",
            "take the queues off link 1003",
        ];
        assert_eq!(words(&before, &now).collect::<Vec<_>>(), expect);
        assert_eq!(words(&now, &now).count(), 0);
        let harder = BTreeMap::from([(pair(1, 2), slower)]);
        let again = words(&BTreeMap::from([(pair(1, 2), slow)]), &harder);
        assert_eq!(again.collect::<Vec<_>>(), ["hang a `netem` queue for n1 on link 1002"]);
    }
}
