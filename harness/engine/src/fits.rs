//! Whether a target fits the world that its servers will live in: what cannot work is told before
//! anything is started. Only what the file says is looked at; no server is.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use fracas_checker::NodeId;
use fracas_targets::{Deployment, NodePlan, PrepareIn, Side, Step, Target};

use crate::programs;

/// Names of the machine itself, in every machine.
const OWN_NAMES: [&str; 3] = ["localhost", "ip6-localhost", "ip6-loopback"];

/// Where servers have an empty directory of their own, whatever the machine has there.
const HIDDEN: [&str; 2] = ["/run/", "/var/run/"];

/// Fails if the clients are told to find a node where only the node itself can.
///
/// # Errors
/// A text for the user.
pub fn reachable(target: &Target, deployment: &Deployment) -> Result<(), String> {
    let bases = deployment.nodes.keys().filter_map(|node| Some((node, deployment.base(*node)?)));
    for (node, base) in bases {
        if is_loopback(host(base)) {
            return Err(format!(
                "error: target `{}`: no client can reach {node} at `{base}`, its key `client.base`: \
                 each node has a network of its own, in which this means the node itself\n\
                 help: use `{{{{ node.ip }}}}` in the address, and let the server listen there",
                target.name()
            ));
        }
    }
    Ok(())
}

/// What in a target will probably not work, a sentence each.
#[must_use]
pub fn doubts(deployment: &Deployment) -> Vec<String> {
    let Some((node, plan)) = deployment.nodes.first_key_value() else { return Vec::new() };
    let port = deployment.base(*node).and_then(port);
    let mut doubts = BTreeSet::new();
    for word in words(plan) {
        if is_loopback(host(word)) && self::port(word).is_some_and(|own| Some(own) == port) {
            doubts.insert(format!(
                "its server is told of `{word}`, where no client and no other node reaches it: use \
                 `{{{{ node.ip }}}}`"
            ));
        }
        if HIDDEN.iter().any(|hidden| word.starts_with(hidden)) {
            doubts.insert(format!(
                "its server is told of `{word}`: `/run` is empty for each server but for the \
                 directory of its program"
            ));
        }
    }
    for path in plan.reads.iter().filter(|path| !path.exists()) {
        doubts.insert(format!("its servers read `{}`, which is not there", path.display()));
    }
    if plan.data.iter().any(|data| data.ends_with(node.to_string())) {
        doubts.insert(
            "`node.data` is the node's own directory, where fracas keeps what its server writes to \
             stdout and stderr: a power failure would take some of that, too; use a directory below"
                .to_owned(),
        );
    }
    doubts.into_iter().collect()
}

/// Which programs that are run before the load will probably not be found, a sentence each; the target
/// file is in `dir`.
#[must_use]
pub fn doubtful_programs(deployment: &Deployment, dir: &Path) -> Vec<String> {
    let filled = Path::new("/prepared");
    let around = PrepareIn { target: dir, dir: filled, version: Some("version") };
    let (prepare, steps) = match (deployment.prepare(&around), deployment.setup(dir)) {
        (Ok(prepare), Ok(steps)) => (prepare, steps),
        (Err(error), _) | (_, Err(error)) => {
            return vec![format!("what is run before the load cannot be filled in: {error}")];
        }
    };
    let prepare = prepare.as_ref().and_then(|prepare| {
        Some(format!("`prepare` runs {}", unlikely(prepare.argv.first()?, None)?))
    });
    let step = |(number, step): (usize, &Step)| {
        let node = match step.on {
            Side::Node(node) => Some((deployment, node)),
            Side::Clients => None,
        };
        let why = unlikely(step.argv.first()?, node)?;
        Some(format!("step {number} of `setup` runs {why}"))
    };
    prepare.into_iter().chain((1..).zip(&steps).filter_map(step)).collect()
}

/// Why a program will probably not be found, with its name: on a node, if that is named, else where
/// all files of the machine are.
fn unlikely(program: &str, node: Option<(&Deployment, NodeId)>) -> Option<String> {
    let (path, told) = (Path::new(program), |why: &str| Some(format!("`{program}`, {why}")));
    if !program.contains('/') {
        return if programs::in_path(program) { None } else { told("which is not in `PATH`") };
    }
    let Some((deployment, node)) = node else {
        return if path.exists() { None } else { told("which is not there") };
    };
    let own = deployment.dir(node).is_some_and(|dir| path.starts_with(dir));
    let shown = || deployment.nodes[&node].reads.iter().any(|read| path.starts_with(read));
    match path.exists() {
        _ if own || path.is_relative() => None,
        false => told("which is not there"),
        true if fracas_lab::is_hidden(path) && !shown() => {
            told("which is hidden where the node is: name it under `node.reads`")
        }
        true => None,
    }
}

/// All words that a server is told: in its arguments, its environment and its files.
fn words(plan: &NodePlan) -> impl Iterator<Item = &str> {
    let files = plan.files.iter().map(|(_, text)| text.as_str());
    let told = plan.processes.iter().flat_map(|it| it.argv.iter().chain(it.env.values()));
    let texts = told.map(String::as_str).chain(files);
    texts.flat_map(|text| text.split(|c: char| c.is_whitespace() || "=,;\"'".contains(c)))
}

/// The host of an address: `http://[::1]:80/path`, `localhost:80`, `::1:80`.
fn host(address: &str) -> &str {
    let authority = authority(address);
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    }
}

/// The port of an address, where it names one.
fn port(address: &str) -> Option<u16> {
    authority(address).rsplit_once(':')?.1.parse().ok()
}

/// Host and port of an address.
fn authority(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, authority)| authority)
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    OWN_NAMES.contains(&host)
        || address.is_ok_and(|address| match address {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => address.is_loopback(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::example;

    #[test]
    fn addresses_are_taken_apart() {
        let cases = [
            ("http://[::1]:80/x", "::1", Some(80), true),
            ("::1:8000", "::1", Some(8000), true),
            ("localhost:1", "localhost", Some(1), true),
            ("http://u@127.0.0.7:9", "127.0.0.7", Some(9), true),
            ("redis://10.77.0.1:6379", "10.77.0.1", Some(6379), false),
            ("0.0.0.0:80", "0.0.0.0", Some(80), false),
            ("[::]:80", "::", Some(80), false),
            ("n1:80", "n1", Some(80), false),
            ("", "", None, false),
        ];
        for (address, name, number, own) in cases {
            assert_eq!((host(address), port(address)), (name, number), "{address}");
            assert_eq!(is_loopback(host(address)), own, "{address}");
        }
    }

    /// A target with this address for clients and this argument for its server.
    fn deployed(base: &str, argument: &str) -> (Target, Deployment) {
        let text = format!(
            "schema = 1\nname = \"tiny\"\ndescription = \"tiny\"\n[binary]\npath = \"x\"\n\
             [cluster]\nnodes = 1\nports = {{ http = 8000 }}\n[node]\n\
             command = [\"{{{{ binary }}}}\", \"{argument}\"]\n\
             [ready]\nnode = {{ path = \"/\", status = 200, within = \"2s\" }}\n\
             [client]\nbase = \"{base}\"\nconnect-timeout = \"1s\"\ntimeout = \"1s\"\n\
             [ops.read]\nmethod = \"GET\"\npath = \"/\"\n\
             answers = [{{ status = 200, is = \"ok\", value = {{ json = \"/value\" }} }}]\n\
             [ops.write]\nmethod = \"PUT\"\npath = \"/\"\nanswers = [{{ status = 200, is = \"ok\" }}]\n\
             [promises]\nregisters = \"linearizable\"\n[faults]\nkill = true\n"
        );
        let target = Target::parse("tiny.toml", &text, &crate::targets::known_faults())
            .unwrap_or_else(|error| panic!("{error}"));
        let deployment = target.deploy(&example(&target)).expect("it can be filled in");
        (target, deployment)
    }

    #[test]
    fn what_no_client_reaches_is_refused() {
        for (base, refused) in [
            ("http://{{ node.ip }}:8000", false),
            ("http://{{ node.id }}:8000", false),
            ("http://[::1]:8000", true),
            ("http://127.0.0.1:8000", true),
            ("http://localhost:8000", true),
        ] {
            let (target, deployment) = deployed(base, "x");
            assert_eq!(reachable(&target, &deployment).is_err(), refused, "{base}");
        }
    }

    #[test]
    fn what_is_doubtful_is_told() {
        for (argument, told) in [
            ("--listen={{ node.ip }}:{{ port.http }}", None),
            ("--listen=127.0.0.1:{{ port.http }}", Some("`127.0.0.1:8000`")),
            ("--metrics=127.0.0.1:9999", None), // nobody else needs to reach that
            ("--socket=/run/tiny/socket", Some("`/run/tiny/socket`")),
            ("--socket=/running", None),
        ] {
            let (_, deployment) = deployed("http://{{ node.ip }}:8000", argument);
            let doubts = doubts(&deployment);
            let right = match told {
                None => doubts.is_empty(),
                Some(word) => doubts.len() == 1 && doubts[0].contains(word),
            };
            assert!(right, "{argument}: {doubts:?}");
        }
    }
}
