//! One trial of the doctor: a process enters a scratch lab and tries every mechanism there.
//!
//! A mechanism works if its proofs hold, by the same measurements as in a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fracas_checker::NodeId;
use fracas_checker::fault::{Measurement, Stage};

use super::finding::{ANSWER, Finding, PROBE_ARGUMENT};
use fracas_lab::clock::{self, Clock, ClockPage, FAKETIME_LIMITS, Faketime};
use fracas_lab::disk;
use fracas_lab::packets::{self, Shaping};
use fracas_lab::resources::{self, Duty, Place, Resource, SmallDisk};
use fracas_lab::{
    self, Isolation, Lab, LabError, LabSpec, Launch, Mechanism, NodeProcess, Reach, proofs,
};

/// How long the process that is paused and killed would live.
const IDLE: Duration = Duration::from_secs(120);

/// The hidden entry point of a trial, with the argument after [`PROBE_ARGUMENT`]; returns the exit
/// code. The process must have one thread.
#[must_use]
pub fn probe_main(argument: &str) -> u8 {
    let isolation = match argument {
        "root" => Isolation::Root,
        "userns" => Isolation::Userns,
        _ => {
            std::thread::sleep(IDLE);
            return 0;
        }
    };
    fracas_lab::keep(&[std::env::temp_dir()]);
    let entered = fracas_lab::enter(isolation, |world| {
        try_all(&format!("entered ({}); users: {}", world.isolation, fracas_lab::users()));
        0
    });
    entered.unwrap_or_else(|error| {
        answer(&Finding::refused("namespaces", &error));
        0
    })
}

/// Writes a finding as one line, as soon as there is one: whatever comes next may end this process.
fn answer(finding: &Finding) {
    let json = serde_json::to_string(finding).expect("a finding is plain data");
    println!("{ANSWER}{json}");
}

/// The nodes of a scratch lab.
fn nodes() -> Vec<NodeId> {
    [1, 2].map(NodeId).into()
}

/// Tries something in a lab of its own.
type Attempt = fn() -> Result<String, LabError>;

/// What is tried, in order. Those of a node are tried with one node, the kill last.
pub(super) const MECHANISMS: [&str; 16] = [
    "namespaces",
    "seccomp",
    "network",
    "nft-bridge",
    "iptables",
    "packets",
    "netem",
    "pause",
    "starve",
    "cgroup",
    "limits",
    "kill",
    "clock",
    "faketime",
    "disk",
    "small-disk",
];

/// Tries every mechanism inside a world, each for itself: one that fails says nothing of the others.
fn try_all(entered: &str) {
    const BEFORE: [(&str, Attempt); 6] = [
        ("seccomp", || {
            fracas_lab::filters_calls()
                .map(|()| "calls that no server needs are refused".to_owned())
        }),
        ("network", || Lab::try_network(&nodes()).map(|()| "2 nodes on a bridge".to_owned())),
        ("nft-bridge", || try_partition(Mechanism::Nft)),
        ("iptables", || try_partition(Mechanism::Iptables)),
        ("packets", || build(Mechanism::Auto).and_then(|lab| try_packets(&lab))),
        ("netem", try_netem),
    ];
    const AFTER: [(&str, Attempt); 4] = [
        ("clock", try_clock),
        ("faketime", try_faketime),
        ("disk", disk::trial::attempt),
        ("small-disk", try_small_disk),
    ];
    answer(&Finding::of("namespaces", Ok(entered.to_owned())));
    BEFORE.iter().for_each(|(what, attempt)| answer(&Finding::of(what, attempt())));
    try_node();
    AFTER.iter().for_each(|(what, attempt)| answer(&Finding::of(what, attempt())));
}

/// Builds a lab.
fn build(partition: Mechanism) -> Result<Lab, LabError> {
    Lab::build(&LabSpec { nodes: nodes(), partition, ineffective_cut: false })
}

/// Cuts one direction and heals it.
fn try_partition(mechanism: Mechanism) -> Result<String, LabError> {
    let lab = build(mechanism)?;
    let (cut, mut counted) = ([(NodeId(1), NodeId(2))], BTreeMap::new());
    lab.cut(&cut)?;
    let mut measured = proofs::partition(&lab, &cut, Stage::Injected, &mut counted)?;
    lab.cut(&[])?;
    measured.extend(proofs::partition(&lab, &cut, Stage::Healed, &mut counted)?);
    proven(&measured)
}

/// Makes one direction late and lossy and heals it.
fn try_packets(lab: &Lab) -> Result<String, LabError> {
    let shaping = Shaping { delay: Duration::from_millis(10), loss: 0.1, ..Shaping::default() };
    let asked = BTreeMap::from([((NodeId(1), NodeId(2)), shaping)]);
    lab.shape(&asked)?;
    let mut measured = packets::proof::shaped(lab, &asked, Stage::Injected)?;
    lab.shape(&BTreeMap::new())?;
    measured.extend(packets::proof::shaped(lab, &asked, Stage::Healed)?);
    proven(&measured)
}

/// Does the same by the kernel's queues.
fn try_netem() -> Result<String, LabError> {
    let mut lab = build(Mechanism::Auto)?;
    lab.use_netem()?;
    try_packets(&lab)
}

/// What is tried with a node, the kill last.
const OF_A_NODE: [(&str, TryNode); 5] = [
    ("pause", try_pause),
    ("starve", try_starve),
    ("cgroup", try_cgroup),
    ("limits", try_limits),
    ("kill", try_kill),
];

/// Tries something with a node.
type TryNode = fn(&mut NodeProcess) -> Result<String, LabError>;

/// Does to a node what can be done to one.
fn try_node() {
    let started = build(Mechanism::Auto).and_then(|lab| Ok((start_idle(&lab, None)?, lab)));
    match started {
        Ok((mut node, _lab)) => {
            let mut found = |(what, try_it): &(&str, TryNode)| Finding::of(what, try_it(&mut node));
            OF_A_NODE.iter().for_each(|way| answer(&found(way)));
        }
        Err(error) => {
            OF_A_NODE.iter().for_each(|(what, _)| answer(&Finding::refused(what, &error)));
        }
    }
}

/// Starts something that does nothing.
fn start_idle(lab: &Lab, clock: Option<ClockPage>) -> Result<NodeProcess, LabError> {
    lab.start(&Launch {
        node: NodeId(1),
        argv: ["/proc/self/exe", PROBE_ARGUMENT, "idle"].map(str::to_owned).into(),
        env: BTreeMap::new(),
        dir: "/".into(),
        stdout: "/dev/null".into(),
        stderr: "/dev/null".into(),
        clock,
        monotonic_offset: 0,
        reach: Reach::default(),
    })
}

/// Pauses a node and resumes it.
fn try_pause(node: &mut NodeProcess) -> Result<String, LabError> {
    node.pause()?;
    let mut measured = proofs::pause([&mut *node], Stage::Injected)?;
    node.resume()?;
    measured.extend(proofs::pause([node], Stage::Healed)?);
    proven(&measured)
}

/// A path of our own where temporary files are. Process numbers begin anew in every world, so two
/// doctors at once would meet: the time tells them apart.
fn scratch(name: &str) -> PathBuf {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::env::temp_dir().join(format!("{name}-{}", since.as_nanos()))
}

/// Whether libfaketime is installed, and what it cannot do even so.
fn try_faketime() -> Result<String, LabError> {
    let file = scratch("fracas-doctor");
    let found = Faketime::find(&file);
    // The file is there for this one look only.
    let _gone = std::fs::remove_file(&file);
    found.map(|_| format!("installed; its limits: {}", FAKETIME_LIMITS.join("; ")))
}

/// Makes a node's wall clock wrong and right again.
fn try_clock() -> Result<String, LabError> {
    const MINUTE: i64 = 60_000_000_000;
    let (lab, page) = (build(Mechanism::Auto)?, ClockPage::new()?);
    let mut node = start_idle(&lab, Some(page.clone()))?;
    page.set(Clock::Step { nanos: MINUTE })?;
    let mut measured = clock::prove([&mut node], Stage::Injected)?;
    page.heal()?;
    measured.extend(clock::prove([&mut node], Stage::Healed)?);
    let tally = page.tally()?;
    if tally.missed > 0 {
        return Err(LabError::Reported(format!("a program did not get it: {}", tally.reason)));
    }
    proven(&measured)
}

/// A fifth of the time.
const FIFTH: Duty = Duty { run: Duration::from_millis(4), period: Duration::from_millis(20) };

/// Lets a node run a fifth of the time, and all of it again.
fn try_starve(node: &mut NodeProcess) -> Result<String, LabError> {
    node.starve(Some(FIFTH))?;
    let mut measured = resources::proof::starved(node, FIFTH, Stage::Injected)?;
    node.starve(None)?;
    measured.extend(resources::proof::starved(node, FIFTH, Stage::Healed)?);
    proven(&measured)
}

/// Gives a node a fifth of a processor, and what it wants again.
fn try_cgroup(node: &mut NodeProcess) -> Result<String, LabError> {
    let place = Place::find()?;
    node.ration(&place, Some(FIFTH))?;
    let mut measured = resources::proof::rationed(node, FIFTH, Stage::Injected)?;
    node.ration(&place, None)?;
    measured.extend(resources::proof::rationed(node, FIFTH, Stage::Healed)?);
    Ok(format!("{}; {place}", proven(&measured)?))
}

/// Limits what a node may have, and takes the limits back.
fn try_limits(node: &mut NodeProcess) -> Result<String, LabError> {
    let mut measured = Vec::new();
    for resource in [Resource::Files, Resource::Memory] {
        node.limit(resource, 1 << 20)?;
        measured.extend(resources::proof::limited(node, resource, Stage::Injected)?);
        node.unlimit(resource)?;
        measured.extend(resources::proof::limited(node, resource, Stage::Healed)?);
    }
    proven(&measured)
}

/// Fills a small disk and makes room on it again.
fn try_small_disk() -> Result<String, LabError> {
    let dir = scratch("fracas-trial");
    let failed = |error| LabError::Reported(format!("use `{}`: {error}", dir.display()));
    std::fs::create_dir_all(&dir).map_err(failed)?;
    let tried = SmallDisk::mount(&dir, 1 << 20).and_then(|disk| {
        std::fs::write(dir.join("file"), "something").map_err(failed)?;
        disk.fill()?;
        let mut measured = resources::proof::full(&disk, Stage::Injected)?;
        disk.make_room()?;
        measured.extend(resources::proof::full(&disk, Stage::Healed)?);
        proven(&measured)
    });
    std::fs::remove_dir(&dir).map_err(failed)?;
    tried
}

/// Kills a node.
fn try_kill(node: &mut NodeProcess) -> Result<String, LabError> {
    node.kill()?;
    proven(&proofs::kill([node], Stage::Injected)?)
}

/// Sums measurements up, or names the first that does not hold.
fn proven(measured: &[Measurement]) -> Result<String, LabError> {
    match measured.iter().find(|measurement| !measurement.holds) {
        None if measured.len() == 1 => Ok("worked, by 1 measurement".to_owned()),
        None => Ok(format!("worked, by {} measurements", measured.len())),
        Some(Measurement { what, result, .. }) => {
            Err(LabError::Reported(format!("it had no effect: {what}: {result}")))
        }
    }
}
