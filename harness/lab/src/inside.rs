//! Programs that are run where a node is, for their answer: in its network, with its view of the
//! machine's files, as its user and behind its walls.
//!
//! They are in the node's namespace of processes and end with it, but descend from none of its
//! processes: what is proven of those does not count them. Time and output are bounded.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::unistd::dup2_stdin;

use super::command::{Attempt, NOT_STARTED, attempted, exit_of, run};
use super::error::{Doing, LabError};
use super::launch::{Launch, PASSED_ON};
use super::netns::in_thread;
use super::{ids, walls};

/// The second argument of the hidden entry point that runs a program where a node is.
pub(crate) const INSIDE: &str = "inside";

/// The argument after it where the node has a user of its own, or has none.
const OWN_USER: &str = "own-user";
const SAME_USER: &str = "same-user";

/// The argument after that where namespaces may be made, or may not.
const NAMESPACES: &str = "namespaces";
const NO_NAMESPACES: &str = "no-namespaces";

/// A way into the world of a running node.
#[derive(Debug)]
pub struct Door {
    init: OwnedFd,
    own_user: bool,
    namespaces: bool,
    dir: PathBuf,
    env: BTreeMap<String, String>,
}

impl Door {
    /// The way to the node with this init, which was started so.
    pub(crate) fn of(init: &impl AsFd, launch: &Launch) -> Result<Self, LabError> {
        let init = init.as_fd().try_clone_to_owned().doing(|| "hold a node's init".into())?;
        Ok(Self {
            init,
            own_user: ids::of(launch.node).is_some(),
            namespaces: launch.reach.namespaces,
            dir: launch.dir.clone(),
            env: launch.env.clone(),
        })
    }

    /// Runs a program there and returns what it wrote, its errors included. The calling thread must
    /// have the rights of the lab.
    ///
    /// # Errors When it cannot be started, does not end in time, or fails.
    pub fn run(&self, argv: &[String], within: Duration) -> Result<String, LabError> {
        self.enter(argv, |command, init| run(command, init, within)?.success())
    }

    /// The same, of a program that may end in whatever way.
    ///
    /// # Errors
    /// When this machine refuses.
    pub fn attempt(&self, argv: &[String], within: Duration) -> Result<Attempt, LabError> {
        self.enter(argv, |command, init| attempted(command, init, within))
    }

    /// Has a command carried out that runs a program there; its input is the node's init.
    fn enter<T: Send>(
        &self,
        argv: &[String],
        carry_out: impl FnOnce(Command, Stdio) -> Result<T, LabError> + Send,
    ) -> Result<T, LabError> {
        in_thread(|| {
            setns(&self.init, CloneFlags::CLONE_NEWNET)
                .doing(|| "enter the network of a node".into())?;
            let mut command = Command::new("/proc/self/exe");
            command.args(["__node", INSIDE]);
            command.arg(if self.own_user { OWN_USER } else { SAME_USER });
            command.arg(if self.namespaces { NAMESPACES } else { NO_NAMESPACES });
            command.arg(&self.dir).args(argv).env_clear().envs(&self.env);
            let passed = PASSED_ON.iter().filter(|name| !self.env.contains_key(**name));
            command.envs(passed.filter_map(|name| Some((name, std::env::var_os(name)?))));
            let init: OwnedFd = self.init.try_clone().doing(|| "hold a node's init".into())?;
            carry_out(command, init.into())
        })
    }
}

/// Enters the world of the node whose init is handed over as standard input, and runs the program that
/// the arguments name; returns its exit code.
pub(crate) fn inside_main(arguments: &[String]) -> u8 {
    match enter(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("failed to {error}");
            NOT_STARTED
        }
    }
}

fn enter(arguments: &[String]) -> Result<u8, LabError> {
    let [user, namespaces, dir, program, rest @ ..] = arguments else {
        return Err(LabError::Asked("run a program where a node is: too few arguments".into()));
    };
    let worlds = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    setns(io::stdin().as_fd(), worlds).doing(|| "enter the world of a node".into())?;
    let nothing = std::fs::File::open("/dev/null").doing(|| "open `/dev/null`".into())?;
    dup2_stdin(nothing).doing(|| "let go of a node's init".into())?;
    if user == OWN_USER {
        ids::become_node_user()?;
    }
    prctl::set_no_new_privs().doing(|| "give up new privileges".into())?;
    walls::refuse_calls(namespaces == NAMESPACES)?;
    // Only a child is in the namespace of processes. It stays in the group that the caller ends.
    let mut command = Command::new(program);
    command.args(rest).current_dir(dir).stdin(Stdio::null());
    let status = command.status().doing(|| format!("run `{program}`"))?;
    Ok(exit_of(status))
}
