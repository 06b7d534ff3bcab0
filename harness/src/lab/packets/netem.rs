//! Whether the kernel has `netem`, the queue that delays and loses packets in the kernel. fracas
//! does not use it: this only says so, with a reason that fits the machine.

use nix::sys::socket::SockProtocol;

use crate::lab::error::LabError;
use crate::lab::links::LOOPBACK_INDEX;
use crate::lab::netlink::{Message, Socket};

/// Where a link's queue for what it sends hangs: `TC_H_ROOT`.
const ROOT: u32 = u32::MAX;

/// What is used instead.
const INSTEAD: &str = "use `--mechanism packets=reinject`, the default: it needs no module";

/// Tries to hang a `netem` queue on the lab's own loopback link, and takes it off again.
pub(super) fn find() -> Result<String, LabError> {
    let mut socket = Socket::open(SockProtocol::NetlinkRoute)?;
    let flags = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
    // The smallest set of options: no latency, and 1000 packets that may wait.
    let options = [[0; 4], 1000_u32.to_ne_bytes(), [0; 4], [0; 4], [0; 4], [0; 4]].concat();
    let new = queue(libc::RTM_NEWQDISC, flags)
        .attr(libc::TCA_KIND, b"netem\0")
        .attr(libc::TCA_OPTIONS, &options);
    let hung = socket.request("hang a `netem` queue on a link", new);
    let why = match hung {
        Ok(()) => {
            socket.request("take the queue off", queue(libc::RTM_DELQDISC, 0))?;
            "the kernel has it, but fracas does not use it".to_owned()
        }
        Err(error) => format!("the kernel has none ({error})"),
    };
    Err(LabError::Unavailable { what: "use netem".into(), why, mend: INSTEAD.into() })
}

/// A message about the queue of the loopback link.
fn queue(kind: u16, flags: i32) -> Message {
    let mut header = vec![0; 4];
    header.extend(LOOPBACK_INDEX.to_ne_bytes());
    header.extend(0_u32.to_ne_bytes());
    header.extend(ROOT.to_ne_bytes());
    header.extend(0_u32.to_ne_bytes());
    Message::new(kind, flags).put(&header)
}
