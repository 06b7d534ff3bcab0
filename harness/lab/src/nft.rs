//! Cuts by a packet filter on the bridge: one rule for each direction, in one transaction.
//!
//! The rules are in the lab's own namespace, matched by bridge port, so a cut takes effect between
//! two packets for all nodes at once, no node can undo it, and it holds for every protocol. Only
//! forwarded frames are looked at: the harness still reaches every node. Nothing is ever rejected:
//! a cut is silent.

use std::collections::BTreeMap;

use fracas_checker::NodeId;
use fracas_checker::fault::Cut;
use nix::sys::socket::SockProtocol;

use super::error::LabError;
use super::links::port;
use super::netlink::{Message, Socket, attribute, attributes};
use super::partitioner::Partitioner;

/// The family of a batch's first and last message.
const ANY_FAMILY: u8 = 0;

/// The family of rules for frames that pass a bridge.
const BRIDGE_FAMILY: u8 = 7;

/// The table and the chain that hold our rules.
const TABLE: &[u8] = b"fracas\0";
const CHAIN: &[u8] = b"cuts\0";

/// The point where a bridge passes frames from port to port.
const HOOK_FORWARD: u32 = 2;

/// The register that a rule compares in.
const REGISTER: u32 = 1;

/// The register that holds what becomes of the frame.
const VERDICT: u32 = 0;

/// What stands between the two nodes in the label of a rule: why their packets are dropped.
const CUT: char = '>';
/// Somebody else carries them, in his own time.
const DIVERTED: char = '~';

/// The kernel's numbers, as in `linux/netfilter/nf_tables.h`.
mod kernel {
    pub(super) const BATCH_BEGIN: u16 = 16;
    pub(super) const BATCH_END: u16 = 17;
    pub(super) const SUBSYSTEM: u16 = 10;
    pub(super) const NEW_TABLE: u16 = 0;
    pub(super) const DELETE_TABLE: u16 = 2;
    pub(super) const NEW_CHAIN: u16 = 3;
    pub(super) const NEW_RULE: u16 = 6;
    pub(super) const GET_RULE: u16 = 7;
    pub(super) const DELETE_RULE: u16 = 8;
    pub(super) const TABLE_NAME: u16 = 1;
    pub(super) const CHAIN_TABLE: u16 = 1;
    pub(super) const CHAIN_NAME: u16 = 3;
    pub(super) const CHAIN_HOOK: u16 = 4;
    pub(super) const CHAIN_TYPE: u16 = 7;
    pub(super) const HOOK_NUMBER: u16 = 1;
    pub(super) const HOOK_PRIORITY: u16 = 2;
    pub(super) const RULE_TABLE: u16 = 1;
    pub(super) const RULE_CHAIN: u16 = 2;
    pub(super) const RULE_EXPRESSIONS: u16 = 4;
    pub(super) const RULE_USERDATA: u16 = 7;
    pub(super) const LIST_ELEMENT: u16 = 1;
    pub(super) const EXPRESSION_NAME: u16 = 1;
    pub(super) const EXPRESSION_DATA: u16 = 2;
    pub(super) const META_REGISTER: u16 = 1;
    pub(super) const META_KEY: u16 = 2;
    pub(super) const META_IN_NAME: u32 = 6;
    pub(super) const META_OUT_NAME: u32 = 7;
    pub(super) const COMPARE_REGISTER: u16 = 1;
    pub(super) const COMPARE_OPERATOR: u16 = 2;
    pub(super) const COMPARE_DATA: u16 = 3;
    pub(super) const COMPARE_EQUAL: u32 = 0;
    pub(super) const DATA_VALUE: u16 = 1;
    pub(super) const DATA_VERDICT: u16 = 2;
    pub(super) const VERDICT_CODE: u16 = 1;
    pub(super) const VERDICT_DROP: u32 = 0;
    pub(super) const IMMEDIATE_REGISTER: u16 = 1;
    pub(super) const IMMEDIATE_DATA: u16 = 2;
    pub(super) const COUNTER_PACKETS: u16 = 2;
}

/// The packet filter on the bridge.
pub(crate) struct Nft(Socket);

/// Opens it, or says how to mend a machine without it.
pub(crate) fn open_nft() -> Result<Nft, LabError> {
    Nft::open().map_err(|error| LabError::Unavailable {
        what: "use nft on the bridge".into(),
        why: error.to_string(),
        mend: "use a kernel with `nf_tables` and its `bridge` family (`CONFIG_NF_TABLES_BRIDGE`)"
            .into(),
    })
}

impl Nft {
    /// Makes an empty chain of rules in the calling thread's network namespace.
    pub(crate) fn open() -> Result<Self, LabError> {
        let mut nft = Self(Socket::open(SockProtocol::NetlinkNetFilter)?);
        nft.0
            .batch("create a packet filter on the bridge", batch(vec![new_table(), new_chain()]))?;
        Ok(nft)
    }
}

impl Partitioner for Nft {
    fn name(&self) -> &'static str {
        "nft-bridge"
    }

    fn replace(&mut self, cuts: &[Cut], diverted: &[Cut]) -> Result<(), LabError> {
        // Deleting the rules of a chain without naming one deletes all.
        let mut changes = vec![rules_message(kernel::DELETE_RULE, 0)];
        changes.extend(cuts.iter().map(|cut| drop_rule(*cut, CUT)));
        changes.extend(diverted.iter().map(|cut| drop_rule(*cut, DIVERTED)));
        self.0.batch("replace the rules of the bridge", batch(changes))
    }

    fn drops(&mut self) -> Result<BTreeMap<Cut, u64>, LabError> {
        let attempt = "read the counters of the bridge";
        let rules = self.0.dump(attempt, rules_message(kernel::GET_RULE, libc::NLM_F_DUMP))?;
        let read = |rule: &Vec<u8>| {
            counted(rule).ok_or_else(|| LabError::answer(attempt, "a rule not of ours"))
        };
        let all = rules.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|(why, _)| *why == CUT).map(|(_, counted)| counted).collect())
    }
}

impl Drop for Nft {
    fn drop(&mut self) {
        let gone = message(kernel::DELETE_TABLE, 0).attr(kernel::TABLE_NAME, TABLE);
        if let Err(error) = self.0.batch("remove the packet filter", batch(vec![gone])) {
            tracing::warn!("{error}");
        }
    }
}

/// The fixed part of every message about packet filters.
fn header(family: u8, resource: u16) -> [u8; 4] {
    let resource = resource.to_be_bytes();
    [family, 0, resource[0], resource[1]]
}

/// A message about rules of the bridge.
fn message(kind: u16, flags: i32) -> Message {
    Message::new(kernel::SUBSYSTEM << 8 | kind, flags).put(&header(BRIDGE_FAMILY, 0))
}

/// Encloses changes in a transaction. The last one asks for the acknowledgement: it comes when all
/// have been committed.
fn batch(mut changes: Vec<Message>) -> Vec<Message> {
    let last = changes.pop().map(Message::acknowledged);
    let edge = |kind| Message::new(kind, 0).put(&header(ANY_FAMILY, kernel::SUBSYSTEM));
    let (begin, end) = (edge(kernel::BATCH_BEGIN), edge(kernel::BATCH_END));
    [begin].into_iter().chain(changes).chain(last).chain([end]).collect()
}

/// Creates our table.
fn new_table() -> Message {
    message(kernel::NEW_TABLE, libc::NLM_F_CREATE | libc::NLM_F_EXCL)
        .attr(kernel::TABLE_NAME, TABLE)
}

/// Creates our chain, where the bridge forwards frames.
fn new_chain() -> Message {
    message(kernel::NEW_CHAIN, libc::NLM_F_CREATE)
        .attr(kernel::CHAIN_TABLE, TABLE)
        .attr(kernel::CHAIN_NAME, CHAIN)
        .nest(kernel::CHAIN_HOOK, |hook| {
            hook.attr(kernel::HOOK_NUMBER, &HOOK_FORWARD.to_be_bytes())
                .attr(kernel::HOOK_PRIORITY, &0_u32.to_be_bytes())
        })
        .attr(kernel::CHAIN_TYPE, b"filter\0")
}

/// A message about the rules of our chain.
fn rules_message(kind: u16, flags: i32) -> Message {
    message(kind, flags).attr(kernel::RULE_TABLE, TABLE).attr(kernel::RULE_CHAIN, CHAIN)
}

/// The rule `meta iifname == vA, meta oifname == vB, counter, drop`.
fn drop_rule(cut: Cut, why: char) -> Message {
    let (from, to) = cut;
    rules_message(kernel::NEW_RULE, libc::NLM_F_CREATE | libc::NLM_F_APPEND)
        .nest(kernel::RULE_EXPRESSIONS, |list| {
            let list = compare_name(list, kernel::META_IN_NAME, &port(from));
            let list = compare_name(list, kernel::META_OUT_NAME, &port(to));
            let list = expression(list, b"counter\0", |data| data);
            expression(list, b"immediate\0", drop_frame)
        })
        .attr(kernel::RULE_USERDATA, &label(cut, why))
}

/// Appends an expression to a rule.
fn expression(list: Message, name: &[u8], data: impl FnOnce(Message) -> Message) -> Message {
    list.nest(kernel::LIST_ELEMENT, |element| {
        element.attr(kernel::EXPRESSION_NAME, name).nest(kernel::EXPRESSION_DATA, data)
    })
}

/// Appends “the name of the port of this kind is `name`”.
fn compare_name(list: Message, key: u32, name: &str) -> Message {
    // The kernel compares whole names: padded with zeros, `v1` is not a prefix of `v10`.
    let mut padded = [0; libc::IFNAMSIZ];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    let list = expression(list, b"meta\0", |data| {
        data.attr(kernel::META_KEY, &key.to_be_bytes())
            .attr(kernel::META_REGISTER, &REGISTER.to_be_bytes())
    });
    expression(list, b"cmp\0", |data| {
        data.attr(kernel::COMPARE_REGISTER, &REGISTER.to_be_bytes())
            .attr(kernel::COMPARE_OPERATOR, &kernel::COMPARE_EQUAL.to_be_bytes())
            .nest(kernel::COMPARE_DATA, |value| value.attr(kernel::DATA_VALUE, &padded))
    })
}

/// The data of “drop the frame”.
fn drop_frame(data: Message) -> Message {
    data.attr(kernel::IMMEDIATE_REGISTER, &VERDICT.to_be_bytes()).nest(
        kernel::IMMEDIATE_DATA,
        |value| {
            value.nest(kernel::DATA_VERDICT, |verdict| {
                verdict.attr(kernel::VERDICT_CODE, &kernel::VERDICT_DROP.to_be_bytes())
            })
        },
    )
}

/// A rule's label, in the form of the comment that `nft list ruleset` shows: `n1>n3`.
fn label((from, to): Cut, why: char) -> Vec<u8> {
    let text = format!("{from}{why}{to}\0");
    let length = u8::try_from(text.len()).expect("two node names are short");
    [&[0, length], text.as_bytes()].concat()
}

/// Reads a label back.
fn labelled(label: &[u8]) -> Option<(char, Cut)> {
    let text = std::str::from_utf8(label.get(2..)?).ok()?.trim_end_matches('\0');
    let why = [CUT, DIVERTED].into_iter().find(|why| text.contains(*why))?;
    let (from, to) = text.split_once(why)?;
    Some((why, (from.parse::<NodeId>().ok()?, to.parse::<NodeId>().ok()?)))
}

/// Why a rule drops frames, those of which direction, and how many it has dropped.
fn counted(rule: &[u8]) -> Option<(char, (Cut, u64))> {
    let attributes_of_rule = rule.get(header(0, 0).len()..)?;
    let (why, cut) = labelled(attribute(attributes_of_rule, kernel::RULE_USERDATA)?)?;
    let expressions = attribute(attributes_of_rule, kernel::RULE_EXPRESSIONS)?;
    let counter = attributes(expressions)
        .map(|(_, element)| element)
        .find(|element| attribute(element, kernel::EXPRESSION_NAME) == Some(b"counter\0"))?;
    let packets = attribute(attribute(counter, kernel::EXPRESSION_DATA)?, kernel::COUNTER_PACKETS)?;
    Some((why, (cut, u64::from_be_bytes(packets.try_into().ok()?))))
}

#[cfg(test)]
mod tests {
    use fracas_checker::NodeId;

    use super::{CUT, DIVERTED, label, labelled};

    #[test]
    fn a_label_is_read_back() {
        let cut = (NodeId(1), NodeId(12));
        for why in [CUT, DIVERTED] {
            assert_eq!(labelled(&label(cut, why)), Some((why, cut)));
        }
        for strange in [&b""[..], b"\0", b"\0\x05n1>n", b"\0\x05hello", b"\0\x02\xff\xfe"] {
            assert_eq!(labelled(strange), None, "{strange:?}");
        }
    }
}
