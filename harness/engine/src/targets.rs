//! Finding targets and their servers: names and paths to data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::event::NodeId;
use fracas_targets::{ClusterSpec, Known, KnownFault, NodeSpec, Serves, Settings, Target, nearest};
use sha2::{Digest, Sha256};

use crate::client_programs;
use crate::faults::{DeclaredProcess, Kind, ProcessName};
use crate::means::Gear;
use crate::nemesis::SCENARIOS;
use crate::programs::{Unfit, executable, places};
use crate::spec::TargetSpec;

/// How long a target file may be, in bytes.
const FILE_MAX: u64 = 60 * 1024;

/// The argument of the process that tries a target file first.
pub const TRIAL_ARGUMENT: &str = "__target";

/// How much memory the trial of a target file may take, in bytes.
const TRIAL_MEMORY: u64 = 512 << 20;

/// How long the trial of a target file may take.
const TRIAL_TIME: Duration = Duration::from_secs(20);

/// The target that `name` means, a built-in one or a file, as a text, with these settings.
///
/// # Errors
/// A text for the user: no such target, or a file that cannot be read.
pub fn find(name: &str, settings: Settings) -> Result<TargetSpec, String> {
    if is_builtin(name) {
        let text = Target::builtin_text(name).ok_or_else(|| no_target(name))?.to_owned();
        return Ok(TargetSpec { name: name.to_owned(), dir: None, text, settings });
    }
    let text =
        read(name).map_err(|why| format!("error: failed to read target file `{name}`: {why}"))?;
    let dir = Path::new(name).parent();
    let dir = dir.map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir });
    Ok(TargetSpec { name: name.to_owned(), dir: dir.map(Path::to_owned), text, settings })
}

/// The kinds of faults that target files may allow, and the scenarios that they may ask for.
#[must_use]
pub fn known_faults() -> Vec<KnownFault> {
    let kinds = Kind::ALL.iter().map(|kind| KnownFault {
        word: kind.word(),
        needs: Vec::new(),
        needs_data: kind.takes() == Some(Gear::Disk),
        needs_membership: kind.is_of_members(),
    });
    let scenarios = SCENARIOS.iter().filter(|scenario| scenario.is_asked());
    let scenarios = scenarios.map(|scenario| KnownFault {
        word: scenario.name,
        needs: scenario.needs.iter().map(|kind| kind.word()).collect(),
        needs_data: false,
        needs_membership: false,
    });
    kinds.chain(scenarios).collect()
}

/// The names of the built-in targets, each with its description.
#[must_use]
pub fn builtins() -> Vec<(&'static str, String)> {
    let described = |name| {
        let target = Target::builtin(name, &known_faults()).expect("it is one of them");
        let target = target.expect("a test loads every built-in target");
        (name, target.description().to_owned())
    };
    Target::builtins().map(described).collect()
}

/// The kinds of faults that a target may be asked to endure.
#[must_use]
pub fn allowed_faults(target: &Target) -> BTreeSet<Kind> {
    target.allowed_faults().iter().filter_map(|kind| Kind::named(kind.word())).collect()
}

/// The scenarios that a target asks for, by name.
#[must_use]
pub fn asked_scenarios(target: &Target) -> BTreeSet<&'static str> {
    let asked = target.allowed_faults();
    let scenarios = SCENARIOS.iter().filter(|scenario| scenario.is_asked());
    let names = scenarios.map(|scenario| scenario.name);
    names.filter(|name| asked.iter().any(|word| word.word() == *name)).collect()
}

/// The processes of its nodes that may be hit alone.
#[must_use]
pub fn processes(target: &Target) -> Vec<DeclaredProcess> {
    let declared = target.processes().filter(|(_, faults)| !faults.is_empty());
    let named =
        declared.filter_map(|(name, faults)| Some((ProcessName::new(name)?, faults.clone())));
    named.map(|(name, faults)| DeclaredProcess { name, faults }).collect()
}

/// Whether a target of this name is meant to be built in, and not a file.
fn is_builtin(name: &str) -> bool {
    !name.contains('/') && Path::new(name).extension().is_none_or(|ending| ending != "toml")
}

/// Whether steps are taken before the load; of a file with mistakes that is not known.
#[must_use]
pub fn has_setup(target: &TargetSpec) -> bool {
    let file = Origin { target, path: &target.name };
    file.load(None).is_ok_and(|target| target.has_setup())
}

/// Understands a target file. A file that does not come with fracas is tried in another process
/// first.
///
/// # Errors
/// A text for the user: what is wrong in the file.
pub fn parse(target: &TargetSpec) -> Result<Target, String> {
    let TargetSpec { name, text, .. } = target;
    let comes_along = is_builtin(name) && Target::builtin_text(name) == Some(text);
    if !comes_along {
        bearable(target)?;
    }
    let origin = if comes_along { Target::builtin_path(name) } else { name.clone() };
    let file = Origin { target, path: &origin };
    asked(file.load(None)?, &file)
}

/// A target file, and what it is called in messages.
struct Origin<'a> {
    target: &'a TargetSpec,
    path: &'a str,
}

impl Origin<'_> {
    /// What the file declares; `serves` is what its client program said that it serves, if it was
    /// asked.
    fn load(&self, serves: Option<&Serves>) -> Result<Target, String> {
        let (faults, settings) = (&known_faults(), &self.target.settings);
        let loaded = Target::load(self.path, &self.target.text, Known { faults, settings, serves });
        loaded.map_err(|error| error.to_string())
    }
}

/// A target whose client program, if it has one, was asked what it serves. It is started for that.
fn asked(parsed: Target, file: &Origin<'_>) -> Result<Target, String> {
    let deployment = parsed.deploy(&example(&parsed));
    let deployment = deployment.map_err(|error| format!("error: failed to {error}"))?;
    if !deployment.has_program() {
        return Ok(parsed);
    }
    let served = client_programs::served(&parsed, file.target.dir.as_deref(), &deployment);
    file.load(Some(&served.map_err(|why| format!("error: {why}"))?))
}

/// The target that `name` means, with the directory of its file.
///
/// # Errors
/// As [`find`] and [`parse`].
pub fn load(name: &str, settings: Settings) -> Result<(Target, Option<PathBuf>), String> {
    let found = find(name, settings)?;
    Ok((parse(&found)?, found.dir))
}

/// The text of a target file, which may come from anywhere.
fn read(name: &str) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(name).map_err(|error| error.to_string())?;
    file.take(FILE_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > FILE_MAX {
        return Err(format!("it is longer than {FILE_MAX} bytes"));
    }
    Ok(text)
}

/// Renders all that is in a target file once in another process: a file from elsewhere may make more
/// of its texts than a machine can hold.
fn bearable(target: &TargetSpec) -> Result<(), String> {
    let TargetSpec { name, text, settings, .. } = target;
    let settings = serde_json::to_string(settings).expect("the keys are texts");
    fracas_lab::run_self(&[TRIAL_ARGUMENT, name, &settings], text, TRIAL_TIME).map_err(|error| {
        let (megabytes, seconds) = (TRIAL_MEMORY >> 20, TRIAL_TIME.as_secs());
        format!(
            "error: target file `{name}` is not used: to read it and to render its texts once took \
             more than {megabytes} MiB of memory or {seconds} seconds ({error})"
        )
    })
}

/// The other process: takes the text from its standard input, and the settings as JSON. What is
/// wrong in it is told by the process that uses it.
///
/// # Errors
/// When its memory cannot be bounded, or the text or the settings cannot be read.
pub fn trial_main(name: &str, settings: &str) -> Result<(), String> {
    let mut text = String::new();
    fracas_lab::bound_memory(TRIAL_MEMORY).map_err(|error| error.to_string())?;
    io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    let settings = serde_json::from_str(settings).map_err(|error| error.to_string())?;
    let target = TargetSpec { name: name.to_owned(), dir: None, text, settings };
    if let Ok(target) = (Origin { target: &target, path: &target.name }).load(None) {
        let deployment = target.deploy(&example(&target));
        let _told_later = deployment.map(|deployment| deployment.setup(Path::new(".")));
    }
    Ok(())
}

fn no_target(name: &str) -> String {
    let names: Vec<&str> = Target::builtins().collect();
    let help = nearest(name, names.iter().copied())
        .map_or("a target file is named by its path, such as `./my.toml`".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
    format!("error: unknown target `{name}`: built in are {}\nhelp: {help}", names.join(", "))
}

/// The most nodes that an example shows.
const EXAMPLE_NODES: u16 = 3;

/// Nodes that do not exist, to see what becomes of a target: as many as it has, and three at most
/// unless a step before the load needs more.
#[must_use]
pub fn example(target: &Target) -> ClusterSpec {
    let node = |number: u16| NodeSpec {
        id: NodeId(number),
        ip: Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 77, 0, 0)) + u32::from(number)),
        dir: PathBuf::from(format!("/run-directory/nodes/n{number}")),
    };
    let nodes = target.default_nodes().min(EXAMPLE_NODES);
    let nodes = nodes.max(target.setup_node().map_or(0, |node| node.0));
    let named = |(name, path): (&String, &String)| (name.clone(), PathBuf::from(path));
    ClusterSpec {
        binary: PathBuf::from(target.binary_path()),
        others: target.other_binaries().iter().map(named).collect(),
        nodes: (1..=nodes).map(node).collect(),
        extra_args: Vec::new(),
    }
}

/// The server program of a target: the file that was asked for, else a file beside the target file,
/// beside fracas, or in `PATH`.
///
/// # Errors
/// A text for the user that says where it was looked for, or why what was found cannot be executed.
pub fn binary(
    target: &Target,
    beside: Option<&Path>,
    asked: Option<&Path>,
) -> Result<PathBuf, String> {
    let (wanted, flag) = (Path::new(target.binary_path()), "--binary PATH` or `FRACAS_BINARY");
    let found = Sought { role: "server", target, wanted, flag }.found(beside, asked)?;
    let missing = target.needs(&found).into_iter().find(|path| !path.exists());
    match missing {
        None => Ok(found),
        Some(missing) => Err(format!(
            "error: failed to find `{}`, which the server of target `{}` needs\nhelp: {}",
            missing.display(),
            target.name(),
            installed(target)
        )),
    }
}

/// What there is to install for a program of a target.
fn installed(target: &Target) -> String {
    target.install().map_or("install it".to_owned(), |install| format!("install {install}"))
}

/// The other programs of a target, by name: each is looked for as its server is.
///
/// # Errors
/// As [`binary`], and if one was asked for that the target does not have.
pub fn other_binaries(
    target: &Target,
    beside: Option<&Path>,
    asked: &BTreeMap<String, PathBuf>,
) -> Result<BTreeMap<String, PathBuf>, String> {
    let others = target.other_binaries();
    if let Some(unknown) = asked.keys().find(|name| !others.contains_key(*name)) {
        let known: Vec<String> = others.keys().map(|name| format!("`{name}`")).collect();
        let expected = match known.as_slice() {
            [] => "it has no other programs (`others` of `[binary]`)".to_owned(),
            known => format!("expected one of {}", known.join(", ")),
        };
        let target = target.name();
        return Err(format!("error: target `{target}` has no program `{unknown}`: {expected}"));
    }
    let found = others.iter().map(|(name, wanted)| {
        let flag = format!("--binary {name}=PATH");
        let sought = Sought { role: "program", target, wanted: Path::new(wanted), flag: &flag };
        Ok((name.clone(), sought.found(beside, asked.get(name).map(PathBuf::as_path))?))
    });
    found.collect()
}

/// A program that is looked for.
struct Sought<'a> {
    /// What it is to its target: its server, or another program.
    role: &'a str,
    target: &'a Target,
    wanted: &'a Path,
    /// What names another file.
    flag: &'a str,
}

impl Sought<'_> {
    fn found(&self, beside: Option<&Path>, asked: Option<&Path>) -> Result<PathBuf, String> {
        let Self { role, target, wanted, flag } = self;
        if let Some(asked) = asked {
            return executable(asked).map_err(|why| {
                let asked = asked.display();
                format!("error: `{asked}` (of `--binary` or `FRACAS_BINARY`) {why}")
            });
        }
        let mut unfit = None;
        for path in places(wanted, beside) {
            match executable(&path) {
                Ok(found) => return Ok(found),
                // Where nobody lets us look there is nothing that we could use, as for a shell.
                Err(Unfit::Missing | Unfit::Refused(_)) => {}
                Err(why) => unfit = unfit.or(Some((path, why))),
            }
        }
        let (wanted, install, target) = (wanted.display(), installed(target), target.name());
        Err(match unfit {
            Some((path, why)) => {
                let path = path.display();
                format!(
                    "error: the {role} `{wanted}` of target `{target}` was found, but `{path}` {why}"
                )
            }
            None => format!(
                "error: failed to find the {role} `{wanted}` of target `{target}`: it is neither beside \
                 the target file, nor beside fracas, nor in PATH\n\
                 help: {install}, or name it with `{flag}`"
            ),
        })
    }
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&chunk[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_is_valid_and_bears_its_name() {
        for (name, _) in builtins() {
            let target = &find(name, Settings::new()).unwrap_or_else(|error| panic!("{error}"));
            // Its client program may not be here.
            let loaded = Origin { target, path: name }.load(None);
            assert_eq!(loaded.unwrap_or_else(|error| panic!("{error}")).name(), name);
        }
    }

    /// Files know no kinds, so this is where a misspelt one is met.
    #[test]
    fn files_allow_the_kinds_that_there_are_and_no_others() {
        let text = Target::builtin_text("redis").unwrap();
        let parse = |text: &str| {
            let name = "./r.toml".to_owned();
            let target =
                TargetSpec { name, dir: None, text: text.to_owned(), settings: Settings::new() };
            Target::parse(&target.name, &target.text, &known_faults())
        };
        for kind in Kind::ALL {
            let only =
                format!("{}[faults]\n{kind} = true\n", text.split("[faults]").next().unwrap());
            if kind.is_of_members() {
                let refused = parse(&only).unwrap_err().to_string();
                assert!(refused.contains("needs a section `[membership]`"), "{refused}");
                continue;
            }
            assert_eq!(allowed_faults(&parse(&only).unwrap()), [kind].into(), "{kind}");
            let nowhere = parse(&only.replace("\ndata = ", "\n#"));
            assert_eq!(nowhere.is_err(), kind.takes() == Some(Gear::Disk), "{kind}");
        }
        let error = parse(&text.replace("loss = true", "los = false")).unwrap_err();
        assert_eq!((error.title.as_str(), error.key.as_str()), ("unknown key", "faults.los"));
        assert!(error.rendered.contains("did you mean `loss`?"), "{error}");
        assert!(error.rendered.contains("expected one of `partition`, `pause`"), "{error}");
    }
}
