//! Servers that end by themselves: the faults that allow it, and the nearest that do not.

use super::support::checked::{result, told};

const RUN: &str = "phase load 0\nphase stop 90000\nserver n1/1 started 0\n";

#[test]
fn a_fault_that_allows_a_server_to_end_is_named() {
    let text = format!("{RUN}fault 1 fsync n1 [1000..2000]\nserver n1/1 exited 1500\n");
    let result = result("nodes/stay-up", &["nodes/stay-up"], &text);
    assert_eq!(told(&result), "pass");
    assert_eq!(
        result.assumptions,
        [
            "the server of n1 may end, as it did with status 101 at 1.500 s: fault 1 (fsync fails) was \
          in effect, and the target may give up on that (`gives-up-on`)"
        ]
    );
}

/// The node, the kind of fault and the time must fit; a second after the fault is soon enough.
#[test]
fn nothing_else_excuses_a_server_that_ends() {
    for (fault, ended, expect) in [
        ("fsync n1 [1000..2000]", 1000, "pass"),
        ("fsync n1 [1000..2000]", 3000, "pass"),
        ("fsync n1 [1000..]", 80_000, "pass"),
        ("fsync n1 [1000..2000]", 999, "node-crashed"),
        ("fsync n1 [1000..2000]", 3001, "node-crashed"),
        ("fsync n2 [1000..2000]", 1500, "node-crashed"),
        ("pause n1 [1000..2000]", 1500, "node-crashed"),
        ("kill n1 [1000..2000]", 1500, "node-crashed"),
        ("kill-process n1 [1000..2000]", 1500, "node-crashed"),
        ("pause-process n1 [1000..2000]", 1500, "node-crashed"),
    ] {
        let text = format!("{RUN}fault 1 {fault}\nserver n1/1 exited {ended}\n");
        let result = result("nodes/stay-up", &["nodes/stay-up"], &text);
        assert_eq!(told(&result), expect, "{fault}, ended at {ended}");
        assert_eq!(result.assumptions.is_empty(), expect != "pass", "{fault}");
    }
}
