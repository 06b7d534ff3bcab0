//! What an agent tells of an order, as data.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use fracas_checker::NodeId;
use fracas_checker::fault::Measurement;
use serde::{Deserialize, Serialize};

use crate::clock::{Reading, Tally};
use crate::command::Attempt;
use crate::disk::Lost;
use crate::launch::Helper;
use crate::logs::{Begin, Chunk};
use crate::prepared::Size;
use crate::resources::MemoryWord;

/// Makes the kinds of reports, and takes what is in one out of it.
macro_rules! reports {
    ($($(#[$about:meta])* $kind:ident($content:ty),)*) => {
        /// What came of an order.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Report {
            /// It is done.
            Done,
            $($(#[$about])* $kind($content),)*
        }

        $(impl TryFrom<Report> for $content {
            type Error = Report;

            fn try_from(report: Report) -> Result<Self, Report> {
                match report {
                    Report::$kind(content) => Ok(content),
                    other => Err(other),
                }
            }
        })*
    };
}

reports! {
    /// Where the nodes are.
    Facts(Facts),
    /// What was measured.
    Measured(Vec<Measurement>),
    /// How a server ended, if it did.
    Ended(Option<Fate>),
    /// What of ours has ended, if anything has.
    Lost(Option<Helper>),
    /// Whether the kernel has killed for lack of memory.
    Memory(MemoryWord),
    /// What a program said.
    Said(String),
    /// How a program ended.
    Attempt(Attempt),
    /// What a preparation has come to.
    Preparation(Preparation),
    /// The next lines of a log.
    Log(Chunk),
    /// Which file a log is, and its size.
    LogFile(Begin),
    /// The last lines of a log.
    LastLines(Vec<String>),
    /// What the clocks of a node showed.
    Clock(Reading),
    /// How many programs of a node were given its clock.
    Tally(Tally),
    /// What each disk of a node has lost.
    Forgotten(Vec<Lost>),
}

impl TryFrom<Report> for () {
    type Error = Report;

    fn try_from(report: Report) -> Result<Self, Report> {
        match report {
            Report::Done => Ok(()),
            other => Err(other),
        }
    }
}

/// What there is to know of a lab before its nodes are started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Where each node is.
    pub nodes: BTreeMap<NodeId, Site>,
    /// By what means directions are cut: `nft-bridge`, `iptables`, `none`.
    pub partition: String,
    /// By what means packets are shaped: `re-injection`, `netem`.
    pub packets: String,
    /// Where nodes are rationed, if they are.
    pub rations: Option<String>,
}

/// What a preparation has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preparation {
    /// Somebody else makes it.
    Awaited,
    /// A program has begun to fill it.
    Begun,
    /// It is there, and stays as long as this agent lives.
    There(Size),
}

/// Where a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its directory, as its server sees it.
    pub dir: PathBuf,
}

/// How a server ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// The name of the process that ended, where the node has several.
    pub process: Option<String>,
    /// `status 1`, `signal 11`.
    pub how: String,
    /// It ended well while processes of it went on in the background. They are gone, too.
    pub background: bool,
}
