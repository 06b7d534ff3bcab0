//! What a trial finds out, and in which form its process tells it.

use std::fmt;

use fracas_lab::LabError;
use serde::{Deserialize, Serialize};

use crate::faults::Kind;

/// Where a finding of a trial is read from: no other output begins like this.
pub(super) const ANSWER: &str = "fracas-doctor:";

/// What was found out about one mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The mechanism: `namespaces`, `seccomp`, `network`, `nft-bridge`, `iptables`, `packets`, `netem`,
    /// `pause`, `starve`, `limits`, `kill`, `small-disk`, `cgroup`, `clock`, `faketime`,
    /// `disk`.
    pub what: String,
    /// Whether it worked.
    pub available: bool,
    /// What was measured, or the exact error.
    pub detail: String,
    /// What is used instead, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// How to make it available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// What came of trying `mechanism`.
    pub(super) fn of(mechanism: &str, tried: Result<String, LabError>) -> Self {
        match tried {
            Ok(detail) => Self {
                what: mechanism.to_owned(),
                available: true,
                detail,
                instead: None,
                mend: None,
            },
            Err(error) => Self::refused(mechanism, &error),
        }
    }

    /// It did not work.
    pub(super) fn refused(mechanism: &str, error: &LabError) -> Self {
        let (detail, mend) = match error {
            LabError::Unavailable { what: attempt, why, mend } => {
                (format!("{attempt}: {why}"), mend.as_str())
            }
            other => (other.to_string(), usual_mend(mechanism)),
        };
        let mend = (!mend.is_empty()).then(|| mend.to_owned());
        Self { what: mechanism.to_owned(), available: false, detail, instead: None, mend }
    }
}

/// How to mend what failed without saying how. Empty if it is not known.
fn usual_mend(mechanism: &str) -> &'static str {
    match mechanism {
        "network" => {
            "load the modules `bridge` and `veth`; in a container add `--cap-add NET_ADMIN`"
        }
        "clock" => "see `/proc/sys/kernel/yama/ptrace_scope`: 3 forbids it until the next boot",
        "nft-bridge" => "load the module `nf_tables`, with the `bridge` family",
        "namespaces" => "run it as root, or in a container with `--privileged`",
        _ => "",
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.available { "ok" } else { "no" };
        writeln!(f, "  {:<11} {word}  {}", self.what, self.detail)?;
        if let Some(instead) = &self.instead {
            writeln!(f, "{:19}used instead: {instead}", "")?;
        }
        if let Some(mend) = &self.mend {
            writeln!(f, "{:19}to mend it: {mend}", "")?;
        }
        Ok(())
    }
}

/// Whether a kind of fault can be brought about and proven here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSupport {
    /// The kind.
    pub kind: Kind,
    /// The mechanism that brings it about; none if it is not available.
    pub mechanism: Option<String>,
    /// Why it is not available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<String>,
}
