//! The doctor: what works is found to work, and what is forbidden is named with its mend.

use std::process::Command;

use fracas_engine::doctor::{Finding, Report};
use fracas_engine::faults::Kind;

use super::support::{Body, Test, Way};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("the_doctor_finds_what_works", Body::Outside(works)),
    ("the_doctor_tries_each_mechanism_by_itself", Body::Outside(no_fuse)),
    ("the_doctor_names_a_limit", Body::Outside(limit)),
    ("the_doctor_names_a_masked_proc", Body::Outside(masked)),
];

/// Runs the doctor and reads its report; its output is nothing but that.
fn report(mut command: Command) -> Report {
    let output = command.output().expect("the doctor can be started");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What a report says of one mechanism.
fn finding<'a>(report: &'a Report, isolation: &str, mechanism: &str) -> Option<&'a Finding> {
    let trial = report.trials.iter().find(|trial| trial.isolation == isolation)?;
    trial.findings.iter().find(|finding| finding.what == mechanism)
}

/// The kinds of faults that take `/dev/fuse`.
const OF_FUSE: [Kind; 2] = [Kind::Power, Kind::Disk];

/// All kinds of faults are available but these, and of these it is told why not.
#[track_caller]
fn assert_available(report: &Report, lacking: &[Kind]) {
    for fault in &report.faults {
        let lacks = lacking.contains(&fault.kind);
        assert!(fault.mechanism.is_none() == lacks, "{fault:?}");
        let why = fault.lacking.as_deref().unwrap_or_default();
        assert!(why.contains("`/dev/fuse`") == lacks, "{fault:?}");
    }
}

fn works(way: &Way) {
    let report = report(way.doctor());
    let namespaces = finding(&report, way.isolation, "namespaces").expect("it is tried first");
    if !namespaces.available {
        println!("skipped: {}", namespaces.detail);
        return;
    }
    assert_eq!(report.isolation.as_deref(), Some(way.isolation));
    assert!(report.usable());
    let fuse = way.may_open("/dev/fuse");
    if !fuse {
        println!("without disks that fail: this user may not open /dev/fuse");
    }
    assert_available(&report, if fuse { &[] } else { &OF_FUSE });
    for mechanism in [
        "network",
        "nft-bridge",
        "packets",
        "pause",
        "starve",
        "limits",
        "kill",
        "small-disk",
        "stop",
    ] {
        let found = finding(&report, way.isolation, mechanism).expect("it is tried");
        assert!(found.available, "{found:?}");
    }
    let cgroup = finding(&report, way.isolation, "cgroup").expect("it is tried");
    assert!(cgroup.available || cgroup.instead.as_deref() == Some("starve"), "{cgroup:?}");
    let iptables = finding(&report, way.isolation, "iptables").expect("it is tried");
    assert!(iptables.available || iptables.instead.as_deref() == Some("nft-bridge"));
    let text = report.to_string();
    assert!(text.contains("partition   nft-bridge") && text.contains("pause       ok"), "{text}");
}

/// Runs the doctor where `script` has made the machine a poor one; only root can.
fn poor_machine(way: &Way, script: &str) -> Option<Report> {
    let mut command = Command::new("unshare");
    let script = format!("{script} && exec \"$0\" __doctor");
    command.args(["-Urmpf", "--mount-proc", "sh", "-c", &script]).arg(way.program());
    if way.isolation != "root" || Command::new("unshare").arg("--version").output().is_err() {
        println!("skipped: needs root and `unshare`");
        return None;
    }
    Some(report(command))
}

/// A `/dev` with what every program needs, and no `fuse`.
const NO_FUSE: &str = "mount -t tmpfs none /mnt && \
    for n in null zero full random urandom tty; do \
        touch /mnt/$n && mount --bind /dev/$n /mnt/$n; \
    done && mount --rbind /mnt /dev";

fn no_fuse(way: &Way) {
    let Some(report) = poor_machine(way, NO_FUSE) else { return };
    assert!(report.usable(), "{report}");
    assert_available(&report, &OF_FUSE);
    let found = finding(&report, "userns", "disk").expect("it is tried");
    assert!(!found.available && found.mend.is_some(), "{found:?}");
    assert!(finding(&report, "userns", "small-disk").expect("it comes after").available);
    let text = report.to_string();
    assert!(text.contains("fracas can run here") && text.contains("disk        not available: "));
}

fn limit(way: &Way) {
    let Some(report) = poor_machine(way, "echo 0 > /proc/sys/user/max_net_namespaces") else {
        return;
    };
    assert!(!report.usable() && report.isolation.is_none());
    assert!(report.faults.iter().all(|fault| fault.mechanism.is_none()));
    for isolation in ["root", "userns"] {
        let found = finding(&report, isolation, "namespaces").expect("it is tried first");
        assert!(!found.available && found.detail.contains("ENOSPC"), "{found:?}");
        assert!(found.mend.as_ref().expect("a mend").contains("max_*_namespaces"), "{found:?}");
    }
}

fn masked(way: &Way) {
    let Some(report) = poor_machine(way, "mount -t tmpfs none /proc/sys/kernel") else { return };
    let found = finding(&report, "userns", "namespaces").expect("it is tried first");
    assert!(!found.available && found.detail.contains("`/proc`"), "{found:?}");
    assert!(found.mend.as_ref().expect("a mend").contains("systempaths=unconfined"), "{found:?}");
}
