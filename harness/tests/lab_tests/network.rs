//! The lab's network: who hears whom, with and without cuts, by both mechanisms.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use fracas_checker::NodeId;
use fracas_checker::fault::{Cut, Measurement, Stage};
use fracas_engine::faults::Kind;
use fracas_engine::preflight;
use fracas_lab::agent::LocalAgent;
use fracas_lab::{Lab, LabError, LabSpec, Mechanism, NODES_MAX, World, proofs};

use super::support::{self, Body, Test};

/// How long silence is listened to.
const WAIT: Duration = Duration::from_millis(300);

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("nft_cuts_exactly_what_it_is_told", Body::Inside(nft_cuts)),
    ("iptables_cuts_exactly_what_it_is_told", Body::Inside(iptables_cuts)),
    ("a_partition_is_proven_at_every_stage", Body::Inside(partition_is_proven)),
    ("a_cut_that_does_nothing_is_not_proven", Body::Inside(ineffective_cut)),
    ("a_cut_that_was_healed_too_early_is_not_proven", Body::Inside(early_heal)),
    ("overlapping_cuts_are_proven_each_for_itself", Body::Inside(overlap)),
    ("links_are_as_ip_shows_them", Body::Inside(links)),
    ("nonsense_is_refused", Body::Inside(nonsense)),
    ("without_a_packet_filter_all_else_works", Body::Inside(no_filter)),
    ("the_largest_lab_can_be_cut_everywhere", Body::Inside(largest)),
    ("fifty_labs_leave_nothing", Body::Inside(fifty_labs)),
];

fn nodes() -> Vec<NodeId> {
    (1..=5).map(NodeId).collect()
}

fn lab(partition: Mechanism) -> Result<Lab, LabError> {
    Lab::build(&LabSpec { nodes: nodes(), partition, ineffective_cut: false })
}

/// The directions between nodes for which `is_cut` holds.
fn directions(is_cut: impl Fn(u16, u16) -> bool) -> Vec<Cut> {
    let pairs = (1..=5).flat_map(|from| (1..=5).map(move |to| (from, to)));
    let pairs = pairs.filter(|(from, to)| from != to && is_cut(*from, *to));
    pairs.map(|(from, to)| (NodeId(from), NodeId(to))).collect()
}

fn nft_cuts(_: &World) {
    cuts(&lab(Mechanism::Nft).expect("a lab"));
}

fn iptables_cuts(_: &World) {
    match lab(Mechanism::Iptables) {
        Ok(lab) => cuts(&lab),
        Err(error @ LabError::Unavailable { .. }) => support::skip(&error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn cuts(lab: &Lab) {
    check(lab, &[]);
    check(lab, &directions(|from, to| (from, to) == (1, 3)));
    check(lab, &directions(|from, to| (from <= 2) != (to <= 2)));
    check(lab, &directions(|from, to| (from + 5 - to) % 5 == 2 || (to + 5 - from) % 5 == 2));
    check(lab, &directions(|from, _| from == 4));
    check(lab, &directions(|_, _| true));
    check(lab, &[]);
}

/// Cuts, and checks that exactly the cut directions are silent and counted.
#[track_caller]
fn check(lab: &Lab, cut: &[Cut]) {
    let before = lab.drops().expect("counters");
    lab.cut(cut).expect("the cut is made");
    let heard = lab.probe(&lab.directions(), WAIT).expect("a probe");
    let cut: BTreeSet<Cut> = cut.iter().copied().collect();
    let silent: BTreeSet<Cut> =
        heard.iter().filter(|(_, heard)| !**heard).map(|(pair, _)| *pair).collect();
    assert_eq!(silent, cut, "silent directions");
    let drops = lab.drops().expect("counters");
    assert_eq!(drops.keys().copied().collect::<BTreeSet<_>>(), cut, "counted directions");
    for (direction, count) in drops {
        let kept = before.get(&direction).copied().unwrap_or_default();
        assert_eq!(count, kept + 3, "each probe along {direction:?} is counted, and kept");
    }
}

/// Node 2 against all others.
fn isolate_two() -> Vec<Cut> {
    directions(|from, to| (from == 2) != (to == 2))
}

fn all_hold(measurements: &[Measurement]) -> bool {
    !measurements.is_empty() && measurements.iter().all(|measurement| measurement.holds)
}

fn partition_is_proven(_: &World) {
    let lab = lab(Mechanism::Auto).expect("a lab");
    let (cut, mut counted) = (isolate_two(), BTreeMap::new());
    for stage in [Stage::Injected, Stage::Held, Stage::Healed] {
        lab.cut(if stage == Stage::Healed { &[] } else { &cut }).expect("a cut");
        let measurements = proofs::partition(&lab, &cut, stage, &mut counted).expect("a proof");
        assert!(all_hold(&measurements), "{stage:?}: {measurements:#?}");
        assert_eq!(measurements.len(), 20, "every direction is measured");
    }
}

fn ineffective_cut(_: &World) {
    let spec = LabSpec { nodes: nodes(), partition: Mechanism::Auto, ineffective_cut: true };
    let lab = Lab::build(&spec).expect("a lab");
    let cut = isolate_two();
    lab.cut(&cut).expect("it claims to work");
    let measurements =
        proofs::partition(&lab, &cut, Stage::Injected, &mut BTreeMap::new()).expect("a proof");
    let refuted = measurements.iter().filter(|measurement| !measurement.holds).count();
    assert_eq!(refuted, cut.len(), "{measurements:#?}");
}

fn early_heal(_: &World) {
    let lab = lab(Mechanism::Auto).expect("a lab");
    let (cut, mut counted) = (isolate_two(), BTreeMap::new());
    lab.cut(&cut).expect("a cut");
    proofs::partition(&lab, &cut, Stage::Injected, &mut counted).expect("a proof");
    lab.cut(&[]).expect("a heal");
    let held = proofs::partition(&lab, &cut, Stage::Held, &mut counted).expect("a proof");
    assert!(!all_hold(&held), "{held:#?}");
}

/// What `ip` says, in any network namespace that this process is in.
fn ip(arguments: &[&str]) -> Option<serde_json::Value> {
    let output = std::process::Command::new("ip").arg("-j").args(arguments).output().ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

fn links(_: &World) {
    let lab = lab(Mechanism::Auto).expect("a lab");
    let Some(links) = ip(&["link"]) else { support::skip("`ip` is not installed") };
    let names: BTreeSet<&str> = links
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|link| link["ifname"].as_str())
        .collect();
    for name in ["lo", "br0", "v1", "v2", "v3", "v4", "v5"] {
        assert!(names.contains(name), "{names:?}");
    }
    let bridge = ip(&["address", "show", "br0"]).expect("it worked just now");
    assert_eq!(bridge[0]["operstate"], "UP");
    let addresses = bridge[0]["addr_info"].as_array().expect("a list");
    assert_eq!(addresses.len(), 1, "no address of IPv6: {addresses:?}");
    assert_eq!(addresses[0]["local"], lab.gateway().to_string());
    let neighbours = ip(&["neighbour", "show", "dev", "br0"]).expect("it worked just now");
    let neighbours = neighbours.as_array().expect("a list");
    assert_eq!(neighbours.len(), 5);
    assert!(neighbours.iter().all(|entry| entry["state"][0] == "PERMANENT"), "{neighbours:?}");
    drop(lab);
    let left = ip(&["link"]).expect("it worked just now");
    assert!(!left.to_string().contains("\"v1\"") && !left.to_string().contains("br0"), "{left}");
}

/// A second partition begins and ends while the first one holds.
fn overlap(_: &World) {
    let lab = lab(Mechanism::Auto).expect("a lab");
    let (first, second) = (isolate_two(), directions(|from, _| from == 4));
    let both = [first.clone(), second.clone()].concat();
    let (mut of_first, mut of_second) = (BTreeMap::new(), BTreeMap::new());
    let mut measure = |cut: &[Cut], stage| {
        let counted = if cut == first { &mut of_first } else { &mut of_second };
        let measurements = proofs::partition(&lab, cut, stage, counted).expect("a proof");
        assert!(all_hold(&measurements), "{stage:?}: {measurements:#?}");
    };
    lab.cut(&first).expect("a cut");
    measure(&first, Stage::Injected);
    lab.cut(&both).expect("a cut");
    measure(&second, Stage::Injected);
    measure(&second, Stage::Held);
    lab.cut(&first).expect("a cut");
    measure(&second, Stage::Healed);
    measure(&first, Stage::Held);
    lab.cut(&[]).expect("a heal");
    measure(&first, Stage::Healed);
}

fn nonsense(_: &World) {
    let build = |nodes: &[u16]| {
        let nodes = nodes.iter().copied().map(NodeId).collect();
        Lab::build(&LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false })
    };
    for nodes in [&[][..], &[0], &[1, 1], &[1, 33]] {
        assert!(matches!(build(nodes), Err(LabError::Asked(_))), "{nodes:?}");
    }
    let lab = build(&[1, 2]).expect("a lab");
    for cut in [(1, 1), (1, 3)] {
        let cut = (NodeId(cut.0), NodeId(cut.1));
        assert!(matches!(lab.cut(&[cut]), Err(LabError::Asked(_))), "{cut:?}");
    }
}

fn largest(_: &World) {
    let nodes = (1..=NODES_MAX).map(NodeId).collect();
    let spec = LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false };
    let lab = Lab::build(&spec).expect("a lab");
    lab.cut(&lab.directions()).expect("a cut");
    let heard = lab.probe(&lab.directions(), WAIT).expect("a probe");
    assert!(heard.values().all(|heard| !heard), "{heard:?}");
    assert!(lab.drops().expect("counters").values().all(|count| *count > 0));
    lab.cut(&[]).expect("a heal");
    let heard = lab.probe(&lab.directions(), 10 * WAIT).expect("a probe");
    assert!(heard.values().all(|heard| *heard), "{heard:?}");
}

/// Network namespaces are freed a little later, so the limit leaves room; a leak of five in each
/// of fifty labs would pass it.
fn fifty_labs(world: &World) {
    if world.isolation == "userns" {
        fs::write("/proc/sys/user/max_net_namespaces", "150").expect("a limit of our own");
    }
    let descriptors = || fs::read_dir("/proc/self/fd").expect("own descriptors").count();
    let before = descriptors();
    for _ in 0..50 {
        let lab = lab(Mechanism::Auto).expect("a lab");
        lab.cut(&isolate_two()).expect("a cut");
    }
    assert_eq!(descriptors(), before, "no descriptor leaks");
}

/// Has the kernel know no packet filters, for this process and all that it starts, and hides the
/// program for them.
fn forget_filters() {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let number = |number: i64| u32::try_from(number).expect("a small number");
    let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    let mut steps = [
        step(LOAD, 0, 0, 0),
        step(EQUAL, number(libc::SYS_socket), 0, 5),
        step(LOAD, 16, 0, 0), // the family
        step(EQUAL, number(libc::AF_NETLINK.into()), 0, 3),
        step(LOAD, 32, 0, 0), // the protocol
        step(EQUAL, number(libc::NETLINK_NETFILTER.into()), 0, 1),
        step(RETURN, libc::SECCOMP_RET_ERRNO | number(libc::EPROTONOSUPPORT.into()), 0, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let length = u16::try_from(steps.len()).expect("it is short");
    let program = libc::sock_fprog { len: length, filter: steps.as_mut_ptr() };
    // SAFETY: the kernel copies the filter, which lives until both calls have returned.
    #[expect(unsafe_code, reason = "seccomp has no safe wrapper")]
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    assert!(installed, "{}", std::io::Error::last_os_error());
    for place in ["/usr/sbin", "/sbin", "/usr/local/sbin"] {
        let flags = nix::mount::MsFlags::empty();
        let hidden = nix::mount::mount(Some("none"), place, Some("tmpfs"), flags, None::<&str>);
        hidden.unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

fn no_filter(_: &World) {
    forget_filters();
    let lab = lab(Mechanism::Auto).expect("a lab that cannot be cut");
    assert_eq!(lab.partition_mechanism(), "none");
    let agent = LocalAgent::new(lab);
    let kinds = |kinds: &[Kind]| preflight::try_out(&agent, &kinds.iter().copied().collect());
    kinds(&[Kind::Pause, Kind::Kill, Kind::Starve]).expect("they need no filter");
    for kind in [Kind::Partition, Kind::Slow, Kind::Loss] {
        let refused = kinds(&[Kind::Kill, kind]).expect_err("it needs one").to_string();
        let (named, why) = (format!("the fault `{kind}`"), "no nft");
        assert!(refused.contains(&named) && refused.contains(why), "{refused}");
    }
}
