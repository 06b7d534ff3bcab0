//! Programs that are run where a node is: they share its world, and nothing counts them among its
//! processes.

use std::time::{Duration, Instant};

use fracas_lab::World;

use super::processes::Fixture;
use super::support::{Body, Test};

/// The tests of this file.
pub(crate) const TESTS: &[Test] = &[("programs_run_where_a_node_is", Body::Inside(run))];

/// How long a program may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn run(_: &World) {
    let it = Fixture::new();
    let mut node = it.shell("exec sleep 1000");
    let door = node.door().expect("a way in");
    let shell = |script: &str, within| {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        door.run(&argv, within).map_err(|error| error.to_string())
    };
    let address = it.lab.address(fracas_checker::NodeId(1)).to_string();
    let said = shell(
        "hostname; cat /etc/hosts; cat /proc/self/net/fib_trie; id -u; echo $GIVEN",
        PATIENCE,
    );
    let said = said.expect("it runs");
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!((lines.first(), lines.last()), (Some(&"n1"), Some(&"yes")), "{said}");
    assert!(lines.contains(&"1000"), "it is the node's user: {said}");
    assert!(said.matches(&address).count() > 1, "{address} is its own: {said}");
    let outside = "echo x > /etc/fracas-was-here; mount -t tmpfs none /mnt; echo the end";
    let said = shell(outside, PATIENCE).expect("it runs");
    assert!(said.ends_with("the end\n") && said.lines().count() > 2, "it is refused: {said}");
    let failed = shell("echo why; exit 3", PATIENCE).expect_err("it fails");
    assert!(failed.contains("exit status: 3: why"), "{failed}");
    let late = shell("sleep 1000", Duration::from_millis(100)).expect_err("it is late");
    assert!(late.contains("nothing came within"), "{late}");
    // What is proven of the node's processes does not count it.
    let paused = node.pause().expect("the node stops");
    assert_eq!(paused.total, paused.stopped);
    assert_eq!(shell("echo runs", PATIENCE), Ok("runs\n".to_owned()));
    assert_eq!(node.threads().expect("they are counted"), paused);
    node.kill().expect("the node is killed");
    let begun = Instant::now();
    shell("echo nowhere", PATIENCE).expect_err("there is no such place any more");
    assert!(begun.elapsed() < PATIENCE);
}
