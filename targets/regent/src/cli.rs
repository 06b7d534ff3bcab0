//! The command line: parsed, checked, and turned into exit codes. What is not said here is what a
//! node does.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::bugs::{self, Bug};
use crate::job::Settings;
use crate::messages::NodeId;
use crate::server::{self, ServeError};
use crate::store::StoreError;

/// The command line was not understood.
const EXIT_USAGE: u8 = 64;
/// The data directory holds something this node did not write.
const EXIT_CORRUPT: u8 = 65;
/// The operating system refused something.
const EXIT_IO: u8 = 74;

/// One node of the reference cluster of fracas: a replicated log with a generation clock.
#[derive(Debug, Parser)]
#[command(name = "regent", version)]
struct Cli {
    /// The name of this node, one of those in `--peers`
    #[arg(long, required_unless_present = "list_bugs")]
    id: Option<NodeId>,
    /// Where to listen, for clients and for the other nodes
    #[arg(long, value_name = "IP:PORT", required_unless_present = "list_bugs")]
    listen: Option<SocketAddr>,
    /// All nodes, this one among them: n1=10.77.0.1:7000,n2=10.77.0.2:7000,…
    #[arg(long, value_name = "NAME=IP:PORT,…", value_delimiter = ',', value_parser = peer)]
    #[arg(required_unless_present = "list_bugs")]
    peers: Vec<(NodeId, SocketAddr)>,
    /// Where this node keeps its generation, its vote and its log
    #[arg(long, value_name = "DIR", required_unless_present = "list_bugs")]
    data: Option<PathBuf>,
    /// The shortest election timeout in milliseconds; the longest is twice that
    #[arg(long, value_name = "MS", default_value_t = 400)]
    #[arg(value_parser = clap::value_parser!(u64).range(20..=60_000))]
    election_ms: u64,
    /// How often the leader sends a heartbeat, in milliseconds; less than half of `--election-ms`
    #[arg(long, value_name = "MS", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(5..=30_000))]
    heartbeat_ms: u64,
    /// Plant a bug; see `--list-bugs`
    #[arg(long, value_name = "NAME", value_parser = bug)]
    bug: Option<Bug>,
    /// List the bugs that can be planted, and exit
    #[arg(long)]
    list_bugs: bool,
}

/// Runs the node that the command line describes.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help that cannot be printed has nobody to be told of it.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    if cli.list_bugs {
        // Whoever has closed the pipe has read enough.
        let _ = io::stdout().write_all(bugs::table().as_bytes());
        return ExitCode::SUCCESS;
    }
    match settings(cli) {
        Ok((settings, listen)) => exit_code(server::run_until_signalled(settings, listen)),
        Err(problem) => {
            eprintln!("regent: {problem}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn exit_code(result: Result<(), ServeError>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    eprintln!("regent: failed to {error}");
    ExitCode::from(match error {
        ServeError::Store(StoreError::Corrupt { .. }) => EXIT_CORRUPT,
        _ => EXIT_IO,
    })
}

fn settings(cli: Cli) -> Result<(Settings, SocketAddr), String> {
    let missing = |flag: &str| format!("missing `--{flag}`");
    let id = cli.id.ok_or_else(|| missing("id"))?;
    let listen = cli.listen.ok_or_else(|| missing("listen"))?;
    let data = cli.data.ok_or_else(|| missing("data"))?;
    let mut nodes = BTreeMap::new();
    for (name, address) in cli.peers {
        if nodes.insert(name.clone(), address).is_some() {
            return Err(format!("`{name}` is twice in `--peers`, expected each node once"));
        }
    }
    if !nodes.contains_key(&id) {
        return Err(format!("`{id}` is not in `--peers`, expected all nodes there"));
    }
    if cli.heartbeat_ms * 2 >= cli.election_ms {
        let (beat, election) = (cli.heartbeat_ms, cli.election_ms);
        return Err(format!(
            "`--heartbeat-ms {beat}` is too long, expected less than half of `--election-ms {election}`"
        ));
    }
    let (election_ms, heartbeat_ms, bug) = (cli.election_ms, cli.heartbeat_ms, cli.bug);
    Ok((Settings { id, nodes, data, election_ms, heartbeat_ms, bug }, listen))
}

/// `n1=10.77.0.1:7000`
fn peer(text: &str) -> Result<(NodeId, SocketAddr), String> {
    let expected = "expected NAME=IP:PORT";
    let (name, address) = text.split_once('=').ok_or(expected)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("`{name}` is no name, expected letters, digits, `-` or `_`"));
    }
    let address = address.parse().map_err(|_| format!("`{address}` is no address, {expected}"))?;
    Ok((name.to_owned(), address))
}

fn bug(name: &str) -> Result<Bug, String> {
    Bug::named(name).ok_or_else(|| "no such bug, expected one of those in `--list-bugs`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extra: &[&str]) -> Result<(Settings, SocketAddr), String> {
        let plain = ["regent", "--id", "n1", "--listen", "127.0.0.1:7000", "--data", "d"];
        let all = plain.iter().chain(extra);
        settings(Cli::try_parse_from(all).map_err(|error| error.to_string())?)
    }

    #[track_caller]
    fn check_refused(extra: &[&str], expect: &str) {
        let error = parse(extra).map(|(settings, _)| settings).unwrap_err();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn a_whole_command_line_is_understood() {
        let peers = "n1=127.0.0.1:7000,n2=127.0.0.1:7001";
        let (settings, _) = parse(&["--peers", peers, "--bug", "no-step-down"]).unwrap();
        assert_eq!(settings.nodes.len(), 2);
        assert_eq!((settings.election_ms, settings.heartbeat_ms), (400, 60));
        assert_eq!(settings.bug, Some(Bug::NoStepDown));
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_named() {
        check_refused(&[], "--peers");
        check_refused(&["--peers", "n1"], "expected NAME=IP:PORT");
        check_refused(&["--peers", "n1=here"], "`here` is no address");
        check_refused(&["--peers", "n 1=127.0.0.1:1"], "`n 1` is no name");
        check_refused(&["--peers", "n2=127.0.0.1:1"], "`n1` is not in `--peers`");
        check_refused(&["--peers", "n1=127.0.0.1:1,n1=127.0.0.1:2"], "`n1` is twice");
        let peers = ["--peers", "n1=127.0.0.1:1"];
        check_refused(&[&peers[..], &["--heartbeat-ms", "200"]].concat(), "`--heartbeat-ms 200`");
        check_refused(&[&peers[..], &["--bug", "none"]].concat(), "no such bug");
    }
}
