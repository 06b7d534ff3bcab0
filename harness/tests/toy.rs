//! The toy server of the examples: it must pass as it is, and must not when it loses writes.
//!
//! One after the other, because each is a real run; skipped where there is no Python or no lab.

use std::path::Path;
use std::process::{Command, Stdio};

/// What `fracas run` says where the machine cannot make a lab.
const CANNOT: i32 = 4;

/// Runs the toy with kills only, and returns the exit code and all that was written.
fn run(extra: &[&str]) -> (i32, String) {
    let out = tempfile::tempdir().expect("there is room for a run");
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/toy-kv/toy-kv.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_fracas"))
        .arg("run")
        .arg(target)
        .args(["--faults", "kill", "--time", "8s", "--seed", "1", "--out"])
        .arg(out.path())
        .args(extra)
        .output()
        .expect("fracas can be started");
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().expect("fracas ends by itself");
    (code, String::from_utf8_lossy(&text).into_owned())
}

fn has_python() -> bool {
    let mut python = Command::new("python3");
    python.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

/// Whether this machine can make a lab: that is asked of `unshare`, not of the program under test.
fn makes_namespaces() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "true"]);
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn the_toy_passes_and_is_found_out_when_it_loses_writes() {
    if !has_python() {
        println!("skipped: there is no python3");
        return;
    }
    let (code, text) = run(&[]);
    if code == CANNOT {
        assert!(!makes_namespaces(), "this machine can: {text}");
        println!("skipped: {text}");
        return;
    }
    assert_eq!(code, 0, "{text}");
    let (code, text) = run(&["--arg=--lose-writes"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("register/linearizable"), "{text}");
}
