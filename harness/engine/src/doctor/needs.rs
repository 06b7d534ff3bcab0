//! What a target needs of this machine, and whether it is there. No server is started but for the
//! question of its version.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_targets::Target;
use serde::{Deserialize, Serialize};

use super::finding::FaultSupport;
use crate::faults::Kind as Fault;
use crate::text::plain;
use crate::{fits, targets};
use fracas_lab::clock::Kind;

/// A server that does not tell its version in this time is not waited for.
const VERSION_WITHIN: Duration = Duration::from_secs(5);

/// What one target needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetNeeds {
    /// Its name.
    pub name: String,
    /// All that it needs.
    pub needs: Vec<Need>,
}

/// One need of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// What: `server`, `program`, `version`, `ports`, `world`, `user`, `faults`, `clock`.
    pub what: String,
    /// Whether it is there.
    pub met: bool,
    /// What was found.
    pub detail: String,
}

impl Need {
    fn new(need: &str, found: Result<String, String>) -> Self {
        let met = found.is_ok();
        let detail = found.unwrap_or_else(|why| why);
        let lines = detail.strip_prefix("error: ").unwrap_or(&detail).lines().map(plain);
        Self { what: need.to_owned(), met, detail: lines.collect::<Vec<_>>().join("\n") }
    }
}

impl TargetNeeds {
    /// What `target` needs, on a machine that supports `faults` so. Its server is looked for
    /// beside its file, too.
    #[must_use]
    pub fn of(target: &Target, beside: Option<&Path>, supported: &[FaultSupport]) -> Self {
        let server = targets::binary(target, beside, None);
        let mut needs = vec![Need::new("server", server.as_ref().map(shown).map_err(Clone::clone))];
        let others = targets::other_binaries(target, beside, &BTreeMap::new());
        match &others {
            Ok(others) => {
                needs.extend(others.values().map(|it| Need::new("program", Ok(shown(it)))));
            }
            Err(why) => needs.push(Need::new("program", Err(why.clone()))),
        }
        if let (Ok(server), Ok(others)) = (&server, &others) {
            needs.extend(version(target, server, others));
        }
        needs.extend(world(target, beside));
        needs.extend(target.user().map(|user| Need::new("user", named(user))));
        needs.extend(faults(target, supported));
        if let Ok(server) = &server
            && targets::allowed_faults(target).contains(&Fault::Clock)
        {
            needs.push(Need::new("clock", clock(server)));
        }
        Self { name: target.name().to_owned(), needs }
    }

    /// Why it cannot be run here at all, if so.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        const FATAL: [&str; 4] = ["server", "program", "world", "user"];
        let fatal = |need: &&Need| !need.met && FATAL.contains(&need.what.as_str());
        self.needs.iter().find(fatal).map(|need| need.detail.as_str())
    }
}

fn shown(path: impl AsRef<Path>) -> String {
    format!("`{}`", path.as_ref().display())
}

/// What the server says of its version, where the target knows how to ask.
fn version(target: &Target, server: &Path, others: &BTreeMap<String, PathBuf>) -> Option<Need> {
    let argv = target.version_command(server, others)?;
    let told = fracas_lab::run_command(&argv, VERSION_WITHIN).map_err(|error| error.to_string());
    Some(Need::new("version", told))
}

/// The ports that it uses, and what in its file does not fit the world of a node.
fn world(target: &Target, beside: Option<&Path>) -> Vec<Need> {
    let deployment = match target.deploy(&targets::example(target)) {
        Ok(deployment) => deployment,
        Err(error) => return vec![Need::new("world", Err(error.to_string()))],
    };
    let ports = deployment.nodes.values().next().map(|plan| {
        let ports = plan.ports.iter().map(|(name, port)| format!("{name} {port}"));
        let ports = ports.collect::<Vec<_>>().join(", ");
        format!("{ports}: free, each node has an address of its own")
    });
    let reached =
        fits::reachable(target, &deployment).map(|()| "clients reach its nodes".to_owned());
    let programs = fits::doubtful_programs(&deployment, beside.unwrap_or(Path::new(".")));
    let doubts = [fits::doubts(&deployment), programs].concat();
    let doubts = doubts.into_iter().map(|doubt| Need::new("doubt", Err(doubt)));
    let ports = ports.map(|ports| Need::new("ports", Ok(ports)));
    ports.into_iter().chain([Need::new("world", reached)]).chain(doubts).collect()
}

/// Whether its servers can have a user of this name.
fn named(user: &str) -> Result<String, String> {
    match fracas_lab::lacks_user_names() {
        None => Ok(format!("`{user}` for each of its servers, in the server's own world")),
        Some(why) => Err(format!("no user `{user}`: {why}")),
    }
}

/// The kinds of faults that it allows, apart by whether this machine has them.
fn faults(target: &Target, supported: &[FaultSupport]) -> Vec<Need> {
    let allowed = targets::allowed_faults(target);
    let mine = supported.iter().filter(|fault| allowed.contains(&fault.kind));
    let (there, lacking): (Vec<_>, Vec<_>) = mine.partition(|fault| fault.mechanism.is_some());
    let there: Vec<&str> = there.iter().map(|fault| fault.kind.word()).collect();
    let there = (!there.is_empty()).then(|| Need::new("faults", Ok(there.join(", "))));
    let lacking = lacking.into_iter().map(|fault| {
        let why = fault.lacking.as_deref().unwrap_or_default();
        Need::new("faults", Err(format!("no `{}`: {why}", fault.kind)))
    });
    there.into_iter().chain(lacking).collect()
}

/// Whether its clock can be made wrong, and by what means.
fn clock(server: &Path) -> Result<String, String> {
    let (kind, interpreter) = Kind::of(server).map_err(|error| error.to_string())?;
    if let Some(interpreter) = interpreter {
        let name = interpreter.display();
        return Ok(format!("a script for `{name}`: all that it starts is redirected"));
    }
    match kind {
        Kind::Libraries => {
            Ok("it loads libraries: redirected, and libfaketime reaches it".to_owned())
        }
        Kind::Static => {
            Ok("linked statically: redirected, libfaketime does not reach it".to_owned())
        }
        Kind::Go => Ok("a Go program: redirected, libfaketime does not reach it".to_owned()),
        Kind::Other => Err("no program of 64 bits, nor a script: it sees the true time".to_owned()),
    }
}

impl fmt::Display for TargetNeeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ntarget `{}`", self.name)?;
        for Need { what: need, met, detail } in &self.needs {
            let word = if *met { "ok" } else { "no" };
            writeln!(f, "  {need:<11} {word}  {}", detail.replace('\n', "\n                   "))?;
        }
        Ok(())
    }
}
