//! Steps between the start of a cluster and its load: programs that are run once, in order, with
//! what is expected of each. Data only; nothing is run here.

use std::fmt;
use std::time::Duration;

use fracas_checker::NodeId;
use regex_lite::Regex;

use crate::quoted::quoted;
use crate::template::Template;

/// The highest exit status that a step can expect. Above it are those of a shell's own: a program
/// that could not be started, or that a signal has ended.
pub(crate) const EXIT_MAX: u8 = 125;

/// The place where a step is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A node: its network and its view of the files, as its user.
    Node(NodeId),
    /// The side of the clients, outside of every node.
    Clients,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Clients => f.write_str("clients"),
        }
    }
}

/// A step, as declared.
#[derive(Debug)]
pub(crate) struct StepRule {
    pub(crate) on: Side,
    pub(crate) command: Vec<Template>,
    pub(crate) expect: Expect,
    pub(crate) within: Duration,
    pub(crate) again_for: Duration,
}

/// A step of one cluster.
#[derive(Debug, Clone)]
pub struct Step {
    /// The place where it is run.
    pub on: Side,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What is expected of it.
    pub expect: Expect,
    /// How long one attempt may take.
    pub within: Duration,
    /// For how long it is tried again after an attempt that did not end as expected.
    pub again_for: Duration,
}

impl Step {
    /// Its program and arguments, as a shell must be given them.
    #[must_use]
    pub fn command(&self) -> String {
        self.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// What is expected of a program: how it ends, and what it writes.
#[derive(Debug, Clone)]
pub struct Expect {
    /// Its exit status.
    pub(crate) exit: Option<u8>,
    /// A pattern that its output must match somewhere.
    pub(crate) text: Option<Regex>,
}

impl Expect {
    /// What of this is not so, if anything: a program ended with this status (none: it did not end
    /// in time) after it had written `output`.
    #[must_use]
    pub fn missed(&self, exit: Option<u8>, output: &str) -> Option<String> {
        let Some(exit) = exit else { return Some("it did not end in time".to_owned()) };
        if exit > EXIT_MAX || self.exit.is_some_and(|wanted| wanted != exit) {
            return Some(format!("it ended with {}, expected {}", ended(exit), self.status()));
        }
        let pattern = self.text.as_ref().filter(|pattern| !pattern.is_match(output))?;
        Some(format!("its output does not match `{pattern}`"))
    }

    fn status(&self) -> String {
        match self.exit {
            Some(exit) => format!("status {exit}"),
            None => "a status of its own".to_owned(),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.exit, &self.text) {
            (Some(exit), None) => write!(f, "status {exit}"),
            (None, Some(text)) => write!(f, "output that matches `{text}`"),
            (Some(exit), Some(text)) => {
                write!(f, "status {exit}, and output that matches `{text}`")
            }
            (None, None) => f.write_str("an end"),
        }
    }
}

/// How a program ended, as a shell counts it.
fn ended(exit: u8) -> String {
    const NOT_STARTED: [u8; 2] = [126, 127];
    const SIGNALLED: u8 = 128;
    match exit {
        _ if NOT_STARTED.contains(&exit) => format!("status {exit} (it could not be started)"),
        _ if exit > SIGNALLED => format!("signal {}", exit - SIGNALLED),
        _ => format!("status {exit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_as_expected_or_is_told() {
        let text = |pattern| Some(Regex::new(pattern).unwrap());
        let zero = Expect { exit: Some(0), text: None };
        let ready = Expect { exit: None, text: text("^OK|already") };
        let both = Expect { exit: Some(3), text: text("^OK") };
        for (expect, exit, output, missed) in [
            (&zero, Some(0), "", None),
            (&zero, Some(1), "OK", Some("it ended with status 1, expected status 0")),
            (&zero, None, "OK", Some("it did not end in time")),
            (&ready, Some(5), "OK", None),
            (&ready, Some(5), "it is there already", None),
            (&ready, Some(0), "no", Some("its output does not match `^OK|already`")),
            (&ready, None, "OK", Some("it did not end in time")),
            // What wrote this was not the program.
            (
                &ready,
                Some(127),
                "already",
                Some(
                    "it ended with status 127 (it could not be started), expected a status of its own",
                ),
            ),
            (&ready, Some(137), "OK", Some("it ended with signal 9, expected a status of its own")),
            (&both, Some(3), "OK", None),
            (&both, Some(0), "OK", Some("it ended with status 0, expected status 3")),
            (&both, Some(3), "no", Some("its output does not match `^OK`")),
        ] {
            assert_eq!(
                expect.missed(exit, output).as_deref(),
                missed,
                "{expect}: {exit:?} {output}"
            );
        }
    }
}
