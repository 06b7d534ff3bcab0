//! Netlink: messages, their attributes, and answers that are checked.
//!
//! Knows nothing of links or rules. Every answer is matched to its request by sequence number,
//! and a refusal names what was asked.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{ReceiveTimeout, SndBuf};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto,
    setsockopt, socket,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::error::{Doing, LabError};

/// The kernel answers at once; this long only if something is very wrong.
const ANSWER_SECONDS: i64 = 10;

/// The send buffer that is asked for. A transaction is one datagram and must fit; the kernel gives
/// what it may, at least 416 KiB.
const SEND_BUFFER: usize = 4 * 1024 * 1024;

/// The kernel never sends a longer datagram to a reader with a buffer of this size.
const BUFFER: usize = 64 * 1024;

/// The most datagrams that one answer may consist of.
const DATAGRAMS_MAX: usize = 10_000;

/// The length of a message's header.
const HEADER: usize = 16;

/// The length of an attribute's header.
const ATTRIBUTE_HEADER: usize = 4;

/// The bits of an attribute's kind that are its number; the others are flags.
const KIND_MASK: u16 = 0x3fff;

/// The flag of an attribute that holds attributes.
const NESTED: u16 = 0x8000;

/// A request, built from its header on.
#[derive(Debug, Clone)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// A request of this kind.
    pub(crate) fn new(kind: u16, flags: i32) -> Self {
        let flags = u16::try_from(flags | libc::NLM_F_REQUEST).expect("netlink flags have 16 bits");
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.resize(HEADER, 0);
        Self(bytes)
    }

    /// Appends bytes, and zeros up to the next multiple of four.
    pub(crate) fn put(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Appends an attribute.
    pub(crate) fn attr(self, kind: u16, value: &[u8]) -> Self {
        let start = self.0.len();
        self.put(&[0; ATTRIBUTE_HEADER]).put(value).seal(start, kind, value.len())
    }

    /// Appends an attribute that holds what `fill` appends.
    pub(crate) fn nest(self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        let filled = fill(self.put(&[0; ATTRIBUTE_HEADER]));
        let length = filled.0.len() - start - ATTRIBUTE_HEADER;
        filled.seal(start, kind | NESTED, length)
    }

    /// Writes the header of the attribute that begins at `start`.
    fn seal(mut self, start: usize, kind: u16, length: usize) -> Self {
        let length = u16::try_from(length + ATTRIBUTE_HEADER).expect("attributes here are short");
        self.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.0[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
        self
    }

    /// Asks for an acknowledgement of this message.
    pub(crate) fn acknowledged(mut self) -> Self {
        let flags = u16::from_ne_bytes([self.0[6], self.0[7]]);
        let ack = u16::try_from(libc::NLM_F_ACK).expect("netlink flags have 16 bits");
        self.0[6..8].copy_from_slice(&(flags | ack).to_ne_bytes());
        self
    }

    /// The finished bytes.
    pub(crate) fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).expect("messages here are short");
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        self.0[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.0
    }
}

/// One message of an answer.
struct Answer<'a> {
    kind: i32,
    flags: i32,
    sequence: u32,
    payload: &'a [u8],
}

/// What an answer means for who waits for it.
enum Meaning {
    /// All is done.
    Done,
    /// More will come.
    More,
}

/// A conversation with the kernel, bound for good to the network namespace it was opened in.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    sequence: u32,
}

impl Socket {
    /// Opens a conversation about links and addresses, or about packet filters.
    pub(crate) fn open(protocol: SockProtocol) -> Result<Self, LabError> {
        let opened = || -> Result<OwnedFd, Errno> {
            let flags = SockFlag::SOCK_CLOEXEC;
            let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
            setsockopt(&fd, SndBuf, &SEND_BUFFER)?;
            bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
            setsockopt(&fd, ReceiveTimeout, &TimeVal::seconds(ANSWER_SECONDS))?;
            Ok(fd)
        };
        let fd = opened().doing(|| format!("open a netlink socket ({protocol:?})"))?;
        Ok(Self { fd, sequence: 0 })
    }

    /// Asks for something and waits until it is done.
    pub(crate) fn request(&mut self, attempt: &str, message: Message) -> Result<(), LabError> {
        self.batch(attempt, vec![message.acknowledged()])
    }

    /// Sends messages as one datagram and waits for the acknowledgement of the last one that asks
    /// for one. A refusal of any of them comes before it, because the kernel answers in order.
    pub(crate) fn batch(&mut self, attempt: &str, messages: Vec<Message>) -> Result<(), LabError> {
        let first = self.sequence + 1;
        let mut last = first;
        let mut bytes = Vec::new();
        for message in messages {
            self.sequence += 1;
            if i32::from(message.0[6]) & libc::NLM_F_ACK != 0 {
                last = self.sequence;
            }
            bytes.extend(message.finish(self.sequence));
        }
        self.send(attempt, &bytes)?;
        self.answers(attempt, first, |answer| match answer.kind {
            libc::NLMSG_ERROR if answer.sequence == last => Ok(Meaning::Done),
            _ => Ok(Meaning::More),
        })
    }

    /// Asks for a list and returns the payload of each entry.
    pub(crate) fn dump(
        &mut self,
        attempt: &str,
        message: Message,
    ) -> Result<Vec<Vec<u8>>, LabError> {
        self.sequence += 1;
        let first = self.sequence;
        self.send(attempt, &message.finish(first))?;
        let mut entries = Vec::new();
        self.answers(attempt, first, |answer| {
            if answer.flags & libc::NLM_F_DUMP_INTR != 0 {
                return Err(LabError::answer(attempt, "the list changed while it was read"));
            }
            if answer.kind == libc::NLMSG_DONE {
                return Ok(Meaning::Done);
            }
            entries.push(answer.payload.to_vec());
            Ok(Meaning::More)
        })?;
        Ok(entries)
    }

    /// Sends one datagram to the kernel.
    fn send(&self, attempt: &str, bytes: &[u8]) -> Result<(), LabError> {
        let kernel = NetlinkAddr::new(0, 0);
        let sent = sendto(self.fd.as_raw_fd(), bytes, &kernel, MsgFlags::empty());
        sent.doing(|| attempt.to_owned()).map(|_| ())
    }

    /// Reads answers to the messages from `first` on, until `take` has what it wants.
    fn answers(
        &self,
        attempt: &str,
        first: u32,
        mut take: impl FnMut(&Answer<'_>) -> Result<Meaning, LabError>,
    ) -> Result<(), LabError> {
        let mut buffer = vec![0; BUFFER];
        for _ in 0..DATAGRAMS_MAX {
            let length = self.receive(attempt, &mut buffer)?;
            for answer in split(&buffer[..length]) {
                // What is left of an earlier request that was refused half-way.
                if answer.sequence < first {
                    continue;
                }
                check(attempt, &answer)?;
                if matches!(take(&answer)?, Meaning::Done) {
                    return Ok(());
                }
            }
        }
        Err(LabError::answer(attempt, format!("no end within {DATAGRAMS_MAX} datagrams")))
    }

    /// Reads one datagram. A signal's arrival is no reason to give up.
    fn receive(&self, attempt: &str, buffer: &mut [u8]) -> Result<usize, LabError> {
        loop {
            match recv(self.fd.as_raw_fd(), buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                received => return received.doing(|| format!("{attempt}: read the answer")),
            }
        }
    }
}

/// Fails if the answer is a refusal, or a list that ended in an error.
fn check(attempt: &str, answer: &Answer<'_>) -> Result<(), LabError> {
    if !matches!(answer.kind, libc::NLMSG_ERROR | libc::NLMSG_DONE) {
        return Ok(());
    }
    match answer.payload.get(..4).map(|bytes| number(bytes).cast_signed()) {
        Some(result) if result < 0 => Err(LabError::refused(attempt, -result)),
        Some(_) => Ok(()),
        None => Err(LabError::answer(attempt, "an acknowledgement without a result")),
    }
}

/// The number in four bytes of the machine's order.
fn number(bytes: &[u8]) -> u32 {
    u32::from_ne_bytes(bytes.try_into().expect("the caller took four bytes"))
}

/// Splits a datagram into messages; stops at the first that is cut short.
fn split(mut bytes: &[u8]) -> impl Iterator<Item = Answer<'_>> {
    std::iter::from_fn(move || {
        let header = bytes.get(..HEADER)?;
        let length = number(&header[..4]) as usize;
        let payload = bytes.get(HEADER..length)?;
        let half = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let (kind, flags) = (i32::from(half(4)), i32::from(half(6)));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Answer { kind, flags, sequence: number(&header[8..12]), payload })
    })
}

/// The attributes in `bytes`, as kind and value; stops at the first that is cut short.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = bytes.get(..ATTRIBUTE_HEADER)?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & KIND_MASK;
        let value = bytes.get(ATTRIBUTE_HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The value of the attribute of this kind, if there is one.
pub(crate) fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::{Message, attribute, attributes, split};

    #[test]
    fn attributes_are_found_again() {
        let message = Message::new(16, 0)
            .attr(1, b"abc")
            .nest(2, |inner| inner.attr(3, &[9]).attr(4, &[]))
            .finish(7);
        let answer = split(&message).next().expect("one message");
        assert_eq!((answer.kind, answer.sequence), (16, 7));
        assert_eq!(attribute(answer.payload, 1), Some(&b"abc"[..]));
        let inner = attribute(answer.payload, 2).expect("the nest");
        assert_eq!(attributes(inner).collect::<Vec<_>>(), [(3, &[9][..]), (4, &[][..])]);
        assert_eq!(attribute(answer.payload, 3), None, "only one level is looked at");
    }

    #[test]
    fn what_is_cut_short_ends_the_reading() {
        let message = Message::new(16, 0).attr(1, b"abcdefgh").finish(7);
        for length in 0..message.len() {
            assert_eq!(split(&message[..length]).count(), 0, "{length} bytes");
        }
        for length in 0..12 {
            assert_eq!(attributes(&message[16..16 + length]).count(), 0, "{length} bytes");
        }
        let zero_length = [0; 16];
        assert_eq!(attributes(&zero_length).count(), 0, "it must not go on forever");
        assert_eq!(split(&zero_length).count(), 0);
    }
}
