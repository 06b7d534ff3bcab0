//! Slow, lossy and narrow links: what was asked is what probes meet, and nobody else notices.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fracas_checker::NodeId;
use fracas_checker::fault::{Cut, Measurement, Stage};
use fracas_lab::packets::{Plan, Sample, Shaping, overhead, proof};
use fracas_lab::{Lab, LabError, LabSpec, Mechanism, World};

use super::support::{self, Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[
    ("a_delay_of_ten_milliseconds_doubles_on_the_way_back", Body::Inside(delay)),
    ("a_loss_of_five_percent_each_way_loses_one_in_ten", Body::Inside(loss)),
    ("every_shaping_is_proven_at_every_stage", Body::Inside(proven)),
    ("a_shaping_that_does_nothing_is_not_proven", Body::Inside(ineffective)),
    ("a_wrong_shaping_is_not_proven", Body::Inside(wrong)),
    ("a_cut_direction_stays_cut_though_it_is_shaped", Body::Inside(cut_and_shaped)),
    ("iptables_cuts_what_nft_diverts", Body::Inside(iptables)),
    ("waiting_packets_arrive_when_a_direction_is_healed", Body::Inside(drained)),
    ("a_cut_loses_the_packets_that_wait", Body::Inside(severed)),
    ("a_stream_gets_through_a_bad_link_unharmed", Body::Inside(stream)),
    ("nonsensical_shapings_are_refused", Body::Inside(nonsense)),
    ("no_packet_is_early_in_a_flood", Body::Inside(flood)),
    ("a_packet_thread_that_ends_is_told", Body::Inside(dead)),
    ("a_watch_gives_better_numbers", Body::Inside(watched)),
    ("netem_shapes_or_is_refused_with_a_reason", Body::Inside(netem)),
    ("the_price_of_packet_faults", Body::Inside(price)),
];

const MS: Duration = Duration::from_millis(1);

fn nodes() -> Vec<NodeId> {
    (1..=5).map(NodeId).collect()
}

fn lab() -> Lab {
    build(Mechanism::Auto, false)
}

fn build(partition: Mechanism, ineffective_cut: bool) -> Lab {
    match Lab::build(&LabSpec { nodes: nodes(), partition, ineffective_cut }) {
        Ok(lab) => lab,
        Err(error @ LabError::Unavailable { .. }) => support::skip(&error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn direction(from: u16, to: u16) -> Cut {
    (NodeId(from), NodeId(to))
}

/// The same for each of these directions.
fn all(directions: &[(u16, u16)], shaping: Shaping) -> BTreeMap<Cut, Shaping> {
    directions.iter().map(|(from, to)| (direction(*from, *to), shaping)).collect()
}

/// What becomes of `count` probes in each of these directions.
fn measure(lab: &Lab, directions: &[(u16, u16)], count: u32) -> BTreeMap<Cut, Sample> {
    let pairs: Vec<Cut> = directions.iter().map(|(from, to)| direction(*from, *to)).collect();
    let plan = Plan { count, every: MS / 2, patience: 200 * MS };
    lab.measure(&pairs, plan).expect("a measurement")
}

fn p50(sample: &Sample) -> f64 {
    sample.round.p50().expect("some probes came back").as_secs_f64() * 1000.0
}

#[track_caller]
fn all_hold(measurements: &[Measurement]) {
    let hold = !measurements.is_empty() && measurements.iter().all(|it| it.holds);
    assert!(hold, "{measurements:#?}");
}

/// The machine may be busy, so the best of a few measurements counts.
fn delay(_: &World) {
    const TRIES: usize = 8;
    let lab = lab();
    let late = Shaping { delay: 10 * MS, ..Shaping::default() };
    lab.shape(&all(&[(1, 2), (2, 1), (4, 5)], late)).expect("shaped");
    let mut best = [f64::INFINITY; 3];
    for _ in 0..TRIES {
        let samples = measure(&lab, &[(1, 2), (4, 5), (1, 3)], 200);
        for sample in samples.values() {
            let round = &sample.round;
            assert_eq!((round.arrived, round.copies), (200, 0), "none is lost or doubled");
            assert_eq!(round.overtaken, 0, "all keep their order");
        }
        for (best, (from, to)) in best.iter_mut().zip([(1, 2), (4, 5), (1, 3)]) {
            *best = best.min(p50(&samples[&direction(from, to)]));
        }
        if best[0] < 21.0 && best[1] < 10.8 && best[2] < 1.0 {
            break;
        }
    }
    let [both, one_way, none] = best;
    println!(
        "round trips, p50: {both:.3} ms both ways, {one_way:.3} ms one way, {none:.3} ms unshaped"
    );
    assert!((20.0..21.0).contains(&both), "10 ms there and 10 ms back: {both} ms");
    assert!((10.0..10.8).contains(&one_way), "10 ms there, none back: {one_way} ms");
    assert!(none < 1.0, "nobody else is late: {none} ms");
}

fn loss(_: &World) {
    let lab = lab();
    let lossy = Shaping { loss: 0.05, seed: 7, ..Shaping::default() };
    lab.shape(&all(&[(1, 2), (2, 1)], lossy)).expect("shaped");
    let plan = Plan { count: 10_000, every: MS / 10, patience: 200 * MS };
    let samples = lab.measure(&[direction(1, 2), direction(3, 4)], plan).expect("a measurement");
    let lost = |sample: &Sample| 1.0 - f64::from(sample.round.arrived) / f64::from(sample.sent);
    let [lossy, other] = [(1, 2), (3, 4)].map(|(a, b)| lost(&samples[&direction(a, b)]) * 100.0);
    println!("{lossy:.2} % of round trips lost, {other:.2} % of an unshaped pair's");
    assert!((8.75..10.75).contains(&lossy), "5 % there and 5 % of the rest back: {lossy} %");
    assert_eq!(other, 0.0);
}

/// One shaping of every kind, and one of all together.
fn shapings() -> BTreeMap<Cut, Shaping> {
    let late = Shaping { delay: 10 * MS, ..Shaping::default() };
    [
        (direction(1, 2), late),
        (direction(2, 1), Shaping { jitter: 6 * MS, ..late }),
        (direction(1, 3), Shaping { loss: 0.1, ..Shaping::default() }),
        (direction(3, 1), Shaping { duplicate: 0.1, ..Shaping::default() }),
        (direction(2, 3), Shaping { reorder: 0.2, ..late }),
        (direction(3, 2), Shaping { bandwidth: Some(5_000_000), ..Shaping::default() }),
        (
            direction(4, 5),
            Shaping { jitter: 4 * MS, loss: 0.1, duplicate: 0.1, reorder: 0.1, seed: 3, ..late },
        ),
    ]
    .into()
}

fn proven(_: &World) {
    let (lab, shapings) = (lab(), shapings());
    for stage in [Stage::Injected, Stage::Held, Stage::Healed] {
        let now = if stage == Stage::Healed { BTreeMap::new() } else { shapings.clone() };
        lab.shape(&now).expect("shaped");
        let begin = Instant::now();
        let measurements = proof::shaped(&lab, &shapings, stage).expect("a proof");
        for Measurement { what: name, result, .. } in &measurements {
            println!("{stage:?}: {name}: {result}");
        }
        println!("{stage:?}: {} measurements in {:?}", measurements.len(), begin.elapsed());
        all_hold(&measurements);
    }
}

fn ineffective(_: &World) {
    let (lab, shapings) = (build(Mechanism::Auto, true), shapings());
    lab.shape(&shapings).expect("it claims to work");
    for (direction, shaping) in shapings {
        let asked = [(direction, shaping)].into();
        let found = proof::shaped(&lab, &asked, Stage::Injected).expect("a proof");
        assert!(found.iter().any(|it| !it.holds), "{direction:?}: {found:#?}");
    }
}

/// Another delay, loss or rate than was asked for is found out.
fn wrong(_: &World) {
    let lab = lab();
    let late = |ms: u32| Shaping { delay: MS * ms, ..Shaping::default() };
    let lossy = |loss| Shaping { loss, ..Shaping::default() };
    let narrow = |rate| Shaping { bandwidth: Some(rate), ..Shaping::default() };
    let cases = [
        (late(5), late(10)),
        (late(20), late(10)),
        (lossy(0.2), lossy(0.05)),
        (lossy(0.01), lossy(0.2)),
        (narrow(10_000_000), narrow(5_000_000)),
    ];
    for (made, asked) in cases {
        lab.shape(&all(&[(1, 2)], made)).expect("shaped");
        let found = proof::shaped(&lab, &all(&[(1, 2)], asked), Stage::Injected).expect("a proof");
        assert!(found.iter().any(|it| !it.holds), "{asked}, but {made}: {found:#?}");
    }
}

fn cut_and_shaped(_: &World) {
    stays_cut(&lab());
}

fn iptables(_: &World) {
    stays_cut(&build(Mechanism::Iptables, false));
}

/// Cuts a shaped direction and shapes a cut one, and takes both back in every order.
fn stays_cut(lab: &Lab) {
    let heard = |expected: &[bool]| {
        let pairs = [direction(1, 2), direction(2, 1), direction(3, 4)];
        let arrived = lab.probe(&pairs, 300 * MS).expect("a probe");
        let arrived: Vec<bool> = pairs.iter().map(|pair| arrived[pair]).collect();
        assert_eq!(arrived, expected);
    };
    let shaped = all(&[(1, 2), (2, 1)], Shaping { delay: 10 * MS, ..Shaping::default() });
    let cut = [direction(1, 2)];
    lab.shape(&shaped).expect("shaped");
    heard(&[true, true, true]);
    lab.cut(&cut).expect("a cut");
    heard(&[false, true, true]);
    assert!(lab.drops().expect("counters")[&cut[0]] > 0, "what is cut is counted");
    assert_eq!(lab.drops().expect("counters").len(), 1, "what is shaped is not cut");
    lab.shape(&shaped).expect("shaped again");
    heard(&[false, true, true]);
    lab.cut(&[]).expect("healed");
    heard(&[true, true, true]);
    let late = measure(lab, &[(1, 2)], 50);
    let again = p50(&late[&cut[0]]);
    assert!((19.5..40.0).contains(&again), "it is late again: {again} ms");
    lab.cut(&cut).expect("a cut");
    lab.shape(&BTreeMap::new()).expect("healed");
    heard(&[false, true, true]);
    lab.cut(&[]).expect("healed");
    heard(&[true, true, true]);
}

/// Packets that wait for ten seconds arrive at once when that is over.
fn drained(_: &World) {
    let lab = lab();
    let shaped = all(&[(1, 2)], Shaping { delay: Duration::from_secs(10), ..Shaping::default() });
    lab.shape(&shaped).expect("shaped");
    std::thread::scope(|scope| {
        let plan = Plan { count: 20, every: MS, patience: Duration::from_secs(5) };
        let lab = &lab;
        let measured = scope.spawn(move || lab.measure(&[direction(1, 2)], plan));
        std::thread::sleep(300 * MS);
        lab.shape(&BTreeMap::new()).expect("healed");
        let sample = &measured.join().expect("no panic").expect("a measurement")[&direction(1, 2)];
        assert_eq!((sample.forth.arrived, sample.forth.overtaken), (20, 0), "{sample:?}");
        assert!(sample.forth.took[0] > 200 * MS, "they waited: {:?}", sample.forth.took[0]);
    });
}

fn severed(_: &World) {
    let lab = lab();
    let shaped = all(&[(1, 2)], Shaping { delay: 500 * MS, ..Shaping::default() });
    lab.shape(&shaped).expect("shaped");
    std::thread::scope(|scope| {
        let plan = Plan { count: 20, every: MS, patience: Duration::from_secs(1) };
        let lab = &lab;
        let measured = scope.spawn(move || lab.measure(&[direction(1, 2)], plan));
        std::thread::sleep(200 * MS);
        lab.cut(&[direction(1, 2)]).expect("a cut");
        let sample = &measured.join().expect("no panic").expect("a measurement")[&direction(1, 2)];
        assert_eq!(sample.forth.arrived, 0, "nothing comes through a cut: {sample:?}");
    });
}

/// Sends a few megabytes through a link that does everything a bad link does.
fn stream(_: &World) {
    const LENGTH: usize = 4 << 20;
    let lab = lab();
    let bad = Shaping {
        delay: MS,
        jitter: MS / 2,
        loss: 0.01,
        duplicate: 0.05,
        reorder: 0.05,
        bandwidth: Some(200_000_000),
        seed: 11,
    };
    lab.shape(&all(&[(1, 2), (2, 1)], bad)).expect("shaped");
    let (listener, address) = lab
        .in_node(NodeId(2), || TcpListener::bind("0.0.0.0:0").map(|it| (it.local_addr(), it)))
        .map(|bound| bound.expect("bound"))
        .map(|(address, listener)| (listener, address.expect("an address")))
        .expect("node 2");
    let target = (lab.address(NodeId(2)), address.port());
    let sent: Vec<u8> = (0..LENGTH).map(|place| ((place * 31) >> 3) as u8).collect();
    let received = std::thread::scope(|scope| {
        scope.spawn(|| {
            let stream = lab.in_node(NodeId(1), || TcpStream::connect(target)).expect("node 1");
            stream.expect("connected").write_all(&sent).expect("all is sent");
        });
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut received = Vec::new();
        stream.read_to_end(&mut received).expect("all is read");
        received
    });
    assert!(received == sent, "what arrives is what was sent");
    let carried = lab.carried().expect("counters")[&direction(1, 2)];
    println!("{carried:?}");
    assert!(carried.taken > 50 && carried.lost > 0 && carried.duplicated > 0, "{carried:?}");
    assert_eq!((carried.failed, carried.missed), (0, 0), "nothing else is lost");
}

fn nonsense(_: &World) {
    let lab = lab();
    let late = Shaping { delay: MS, ..Shaping::default() };
    let cases = [
        ((1, 2), Shaping { seed: 4, ..Shaping::default() }),
        ((1, 2), Shaping { loss: 1.5, ..Shaping::default() }),
        ((1, 2), Shaping { duplicate: f64::NAN, ..Shaping::default() }),
        ((1, 2), Shaping { reorder: 0.5, ..Shaping::default() }),
        ((1, 2), Shaping { bandwidth: Some(0), ..Shaping::default() }),
        ((1, 2), Shaping { delay: Duration::from_secs(100), ..Shaping::default() }),
        ((1, 1), late),
        ((1, 9), late),
    ];
    for (direction, shaping) in cases {
        let shaped = lab.shape(&all(&[direction], shaping));
        assert!(matches!(shaped, Err(LabError::Asked(_))), "{direction:?} {shaping:?}: {shaped:?}");
    }
}

/// The delay of a packet begins when it is taken, however many were taken right before it.
fn flood(_: &World) {
    let lab = lab();
    let late = Shaping { delay: 3 * MS, ..Shaping::default() };
    lab.shape(&all(&[(1, 2)], late)).expect("shaped");
    let opened = lab.in_node(NodeId(1), || UdpSocket::bind("0.0.0.0:0")).expect("node 1");
    let (socket, target) = (opened.expect("a socket"), lab.address(NodeId(2)));
    let over = AtomicBool::new(false);
    let sample = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                (0..300).for_each(|_| drop(socket.send_to(&[0; 1200], (target, 9))));
                std::thread::sleep(MS);
            }
        });
        let sample = measure(&lab, &[(1, 2)], 2_000).remove(&direction(1, 2));
        over.store(true, Ordering::Relaxed);
        sample.expect("measured")
    });
    let quickest = sample.forth.quantile(0.0).expect("some probes arrived");
    println!("the quickest of {} took {quickest:?}", sample.forth.arrived);
    assert!(quickest >= late.delay, "{quickest:?}");
}

fn watched(_: &World) {
    let lab = lab();
    let lossy = Shaping { delay: 3 * MS, loss: 0.2, seed: 5, ..Shaping::default() };
    let shaped = all(&[(1, 2)], lossy);
    lab.shape(&shaped).expect("shaped");
    let watch = lab.watch(&shaped).expect("a watch");
    std::thread::sleep(Duration::from_secs(2));
    let measurements = watch.finish().expect("measurements");
    assert!(measurements.len() >= 2, "{measurements:#?}");
    all_hold(&measurements);
    let wrong = all(&[(1, 2)], Shaping { loss: 0.1, ..lossy });
    let watch = lab.watch(&wrong).expect("a watch");
    std::thread::sleep(Duration::from_secs(4));
    let measurements = watch.finish().expect("measurements");
    assert!(measurements.iter().any(|it| !it.holds), "{measurements:#?}");
}

/// Where the kernel has `netem` it does what is asked of it; where not, that is said.
fn netem(_: &World) {
    let mut lab = lab();
    match lab.use_netem() {
        Ok(()) => {
            let asked = BTreeMap::from([(
                direction(1, 2),
                Shaping { delay: 10 * MS, ..Shaping::default() },
            )]);
            lab.shape(&asked).expect("shaped");
            all_hold(&proof::shaped(&lab, &asked, Stage::Injected).expect("a proof"));
            lab.shape(&BTreeMap::new()).expect("healed");
            all_hold(&proof::shaped(&lab, &asked, Stage::Healed).expect("a proof"));
        }
        Err(LabError::Unavailable { what: attempt, why, mend }) => {
            assert_eq!((&*attempt, lab.packets_mechanism()), ("use netem", "re-injection"));
            assert!(why.contains("the kernel has none") && mend.contains("packets=reinject"));
        }
        Err(other) => panic!("{other:?}"),
    }
    drop(lab);
    let nodes = vec![NodeId(1), NodeId(16)];
    let spec = LabSpec { nodes, partition: Mechanism::Auto, ineffective_cut: false };
    let refusal = Lab::build(&spec).expect("a lab").use_netem().expect_err("no band");
    assert!(refusal.to_string().contains("not for n16"), "{refusal}");
}

/// Prints what `make prove-faults` prints. Absolute times are this machine's business.
fn price(_: &World) {
    let lab = lab();
    let round_trips = overhead::overhead(&lab).expect("measured");
    println!("{round_trips:?}\n{:?}", overhead::transactions(&lab).expect("measured"));
    assert!(round_trips.elsewhere < 3 * round_trips.without + MS, "{round_trips:?}");
    assert!(lab.shapings().is_empty() && lab.cut_directions().is_empty());
}

/// The ends of pipes that this process reads from.
fn reading_ends() -> BTreeSet<RawFd> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("it is there").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_end = |fd: &RawFd| {
        let to = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
        let reads = flags.is_some_and(|flags| flags & libc::O_ACCMODE == libc::O_RDONLY);
        to.to_string_lossy().starts_with("pipe:") && reads
    };
    numbers.filter(is_end).collect()
}

/// A descriptor that cannot be read is put in the place of the one that wakes the thread.
fn dead(_: &World) {
    let (lab, before) = (lab(), reading_ends());
    let shaping = Shaping { delay: 5 * MS, ..Shaping::default() };
    lab.shape(&all(&[(1, 2)], shaping)).expect("shaped");
    assert_eq!(lab.packets_failed(), None);
    let wakes: Vec<RawFd> = reading_ends().difference(&before).copied().collect();
    let [wakes] = wakes[..] else { panic!("one pipe is new: {wakes:?}") };
    let unreadable = File::options().write(true).open("/dev/null").expect("it is there");
    // SAFETY: the number stays that of an open descriptor, which whoever owns it may use and close.
    #[expect(unsafe_code, reason = "the owner of the descriptor is out of reach")]
    let put = unsafe { libc::dup2(unreadable.as_raw_fd(), wakes) };
    assert_eq!(put, wakes);
    let deadline = Instant::now() + Duration::from_secs(20);
    let told = loop {
        if let Some(told) = lab.packets_failed() {
            break told;
        }
        assert!(Instant::now() < deadline, "nobody tells that the thread has ended");
        // A packet wakes it, which still waits by the descriptor that it had.
        let _lost = lab.probe(&[direction(1, 2)], 5 * MS);
    };
    assert_eq!(told.name, "the thread that sends packets on");
    assert!(told.how.contains("wait for packets"), "{told:?}");
    // Whatever is measured now proves nothing.
    let measured = proof::shaped(&lab, &all(&[(1, 2)], shaping), Stage::Injected);
    assert!(!measured.is_ok_and(|all| all.iter().all(|it| it.holds)), "it is not proven");
}
