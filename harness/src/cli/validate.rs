//! `fracas validate`: is a target file right, and what does it come to? Starts nothing.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use fracas_checker::event::NodeId;
use fracas_targets::{ClusterSpec, NodeSpec, Target};

use super::{complain, print, tell};
use crate::exit::Exit;
use crate::targets;

/// Arguments of `fracas validate`.
#[derive(Debug, clap::Args)]
pub(super) struct ValidateArgs {
    /// A target file, or the name of a built-in target.
    target: String,
    /// Show every command, file and request that it renders for three nodes.
    #[arg(long)]
    show_commands: bool,
}

/// Parses the target and renders everything in it for three nodes.
pub(super) fn validate(args: &ValidateArgs) -> Exit {
    let target = match targets::load(&args.target) {
        Ok((target, _)) => target,
        Err(error) => {
            tell(&error);
            return Exit::Usage;
        }
    };
    match target.deploy(&example(&target)) {
        Ok(deployment) => {
            let served: Vec<&str> = target.serves().iter().map(|kind| kind.word()).collect();
            print(&format!(
                "{}: target `{}` is valid; it serves {}\n",
                args.target,
                target.name(),
                served.join(", ")
            ));
            if args.show_commands {
                print(&deployment.show());
            }
            Exit::Pass
        }
        Err(error) => {
            complain(&error);
            Exit::Usage
        }
    }
}

/// Three nodes that do not exist.
fn example(target: &Target) -> ClusterSpec {
    let node = |number: u8| NodeSpec {
        id: NodeId(number.into()),
        ip: Ipv4Addr::new(10, 77, 0, number),
        dir: PathBuf::from(format!("/run-directory/nodes/n{number}")),
    };
    ClusterSpec {
        binary: PathBuf::from(target.binary_path()),
        nodes: (1..=3).map(node).collect(),
        extra_args: Vec::new(),
    }
}
