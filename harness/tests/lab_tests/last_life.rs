//! A server is started again when the processes of its last life are gone, and not before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_lab::agent::{Agent, DiskChange, Equip, Home, LocalAgent, Order, Report, Start};
use fracas_lab::disk::{Latency, Model};
use fracas_lab::{Lab, LabError, LabSpec, Mechanism, Program, Reach, World};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use super::disk_servers::{FILE, eventually};
use super::support::{Body, Test, skip};

/// The tests of this file.
pub(crate) const TESTS: &[Test] =
    &[("a_server_waits_for_the_end_of_its_last_life", Body::Inside(last_life))];

const N1: NodeId = NodeId(1);

/// The server stands in an fsync, and the process of the disk is stopped: the kernel cannot end the
/// server before the disk has answered. So it was with a busy machine, and the server that was
/// started beside it found its port in use.
fn last_life(_: &World) {
    let dir = tempfile::tempdir_in(".").expect("a directory");
    let dir = fs::canonicalize(dir.path()).expect("it exists");
    let agent = equipped(&dir);
    let slow = DiskChange::Latency(Latency::exactly(Duration::from_secs(20)));
    agent.carry_out(&Order::Disk(N1, slow)).expect("slow");
    let start = start(&dir);
    agent.carry_out(&start).expect("started");
    eventually("write", || says(&dir, "written").then_some(()));
    std::thread::sleep(Duration::from_millis(200));
    let disk = Stopped::of(disk_process());
    agent.carry_out(&Order::Kill(N1)).expect("a kill that takes its time is no error");
    let refused = agent.carry_out(&start).expect_err("the last life is not over").to_string();
    assert!(refused.contains("have not ended yet"), "{refused}");
    drop(disk);
    agent.carry_out(&start).expect("started when the last life is over");
    agent.carry_out(&Order::Kill(N1)).expect("killed");
}

/// A process that is stopped for as long as this lives: else a test that fails would wait for it.
struct Stopped(Pid);

impl Stopped {
    fn of(process: Pid) -> Self {
        kill(process, Signal::SIGSTOP).expect("stopped");
        Self(process)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGCONT).expect("it goes on");
    }
}

/// An agent of one node with a disk.
fn equipped(dir: &Path) -> LocalAgent {
    let spec = LabSpec { nodes: vec![N1], partition: Mechanism::Auto, ineffective_cut: false };
    let home = Home { evidence: dir.to_owned(), dir: dir.to_owned() };
    let agent = LocalAgent::at_home(Lab::build(&spec).expect("a lab"), home).expect("an agent");
    let (backing, dir, age) = ("below".into(), "data".into(), Some(Duration::from_secs(30)));
    let disk = Equip::Disk { backing, dir, model: Model::Ext4, age };
    for equip in [Equip::Dir("below".into()), Equip::Dir("data".into()), disk] {
        match agent.carry_out(&Order::Equip(N1, equip)) {
            Ok(Report::Done) => {}
            Err(error @ LabError::Unavailable { .. }) => skip(&error.to_string()),
            other => panic!("{other:?}"),
        }
    }
    agent
}

/// The server `fsync` of the tests of disks.
fn start(dir: &Path) -> Order {
    let own = std::env::current_exe().expect("own path").display().to_string();
    let file = dir.join("nodes/n1/data/file").display().to_string();
    Order::Start(Box::new(Start {
        node: N1,
        program: Program {
            name: None,
            argv: vec![own, "__server".into(), "fsync".into()],
            env: BTreeMap::from([(FILE.to_owned(), file)]),
        },
        also: Vec::new(),
        monotonic_offset: 0,
        reach: Reach::default(),
    }))
}

fn says(dir: &Path, word: &str) -> bool {
    fs::read_to_string(dir.join("nodes/n1/stdout")).is_ok_and(|text| text.contains(word))
}

/// The process of the only disk: a child of ours.
fn disk_process() -> Pid {
    let own = format!("PPid:\t{}\n", getpid());
    let is_disk = |dir: &PathBuf| {
        let read = |name| fs::read_to_string(dir.join(name)).unwrap_or_default();
        read("cmdline").contains("__disk") && read("status").contains(&own)
    };
    let all = fs::read_dir("/proc").expect("proc").flatten().map(|entry| entry.path());
    let found: Vec<PathBuf> = all.filter(is_disk).collect();
    let [disk] = found.as_slice() else { panic!("no disk, or several: {found:?}") };
    let name = disk.file_name().and_then(|name| name.to_str()).expect("a number");
    Pid::from_raw(name.parse().expect("a number"))
}
