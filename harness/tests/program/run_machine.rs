//! Runs on machines that lack something, and what a server finds in its world.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::json;

use crate::support::{Ended, Room, has_fuse, is_root, json as read, lab};

/// A `/dev` with what every program needs, and no `fuse`.
const NO_FUSE: &str = "mount -t tmpfs none /mnt && \
    for n in null zero full random urandom tty; do \
        touch /mnt/$n && mount --bind /dev/$n /mnt/$n; \
    done && mount --rbind /mnt /dev && exec \"$FRACAS\" ";

/// Runs `fracas ARGS` where there is no `/dev/fuse`; only root can.
fn without_fuse(room: &Room, args: &str) -> Option<Ended> {
    if !is_root() {
        println!("skipped: only root can hide /dev/fuse");
        return None;
    }
    let script = format!("exec unshare -m --propagation private sh -c '{NO_FUSE}{args}'");
    Some(room.finish(&mut room.shell(&script)))
}

/// What was asked for by name is refused by name, whatever the seed would have drawn.
#[test]
fn faults_that_this_machine_cannot_have_are_refused_before_the_run() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    for faults in ["kill,disk,power", "disk"] {
        let args = format!("run regent --time 1s --seed 1 --faults {faults}");
        let Some(ended) = without_fuse(&room, &args) else { return };
        ended.assert_code(4).assert_stderr(&["no fault `disk` here", "`/dev/fuse`"]);
        let left = if faults == "disk" { "`--faults none`" } else { "`--faults kill`" };
        ended.assert_stderr(&[left, "`fracas doctor`"]);
    }
    assert!(room.runs().is_empty(), "nothing was started");
    room.assert_nothing_left();
}

/// What nobody asked for by name is left out, said so, and not claimed to be there.
#[test]
fn faults_that_this_machine_cannot_have_are_left_out_of_the_usual_ones() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let args = "run regent --time 3s --seed 1 --min-elections 0";
    let Some(ended) = without_fuse(&room, args) else { return };
    assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
    ended.assert_stderr(&["fault `disk` is left out", "fault `power` is left out"]);
    let record = read(&room.only_run().join("run.json"));
    let mechanisms = record["host"]["mechanisms"].as_object().unwrap();
    assert!(mechanisms.contains_key("partition") && !mechanisms.contains_key("disk"), "{record:#}");
    for report in ["results.json", "report.html", "summary.md"] {
        let text = fs::read_to_string(room.only_run().join(report)).unwrap();
        assert!(text.contains("cannot be opened"), "{report} says what was left out");
    }
    room.assert_nothing_left();
}

/// Has the kernel refuse a call to a program and all that it starts, with this error.
fn refuse(command: &mut Command, (call, errno): (libc::c_long, i32)) {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let install = move || {
        let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
        let refused = libc::SECCOMP_RET_ERRNO | errno.cast_unsigned();
        let mut steps = [
            step(LOAD, 0, 0, 0),
            step(EQUAL, u32::try_from(call).unwrap_or(u32::MAX), 0, 1),
            step(RETURN, refused, 0, 0),
            step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
        ];
        let program = libc::sock_fprog { len: 4, filter: steps.as_mut_ptr() };
        // SAFETY: the kernel copies the filter, which lives until both calls have returned.
        #[expect(unsafe_code, reason = "seccomp has no safe wrapper")]
        let installed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
                    == 0
        };
        if installed { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: two system calls, which a child may make between fork and exec.
    #[expect(unsafe_code, reason = "what a child does before its exec has no safe wrapper")]
    unsafe {
        command.pre_exec(install)
    };
}

#[test]
fn clocks_are_refused_where_nobody_may_be_traced() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let run = |args: &[&str]| {
        let mut command = room.fracas(args);
        refuse(&mut command, (libc::SYS_ptrace, libc::EPERM));
        room.finish(&mut command)
    };
    let asked = run(&["run", "regent", "--faults", "clock", "--time", "3s"]);
    asked.assert_code(4).assert_stderr(&["no fault `clock` here", "ptrace", "`--faults none`"]);
    assert!(room.runs().is_empty(), "nothing was started");
    let doctor = run(&["doctor"]);
    doctor.assert_code(0).assert_stdout(&[
        "clock       not available: ",
        "ptrace",
        "partition   nft",
    ]);
}

/// Where nothing can refuse system calls to servers, that is told before, during and after the run.
#[test]
fn a_kernel_without_seccomp_is_told() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    for errno in [libc::ENOSYS, libc::EINVAL] {
        let run = |args: &[&str]| {
            let mut command = room.fracas(args);
            refuse(&mut command, (libc::SYS_seccomp, errno));
            room.finish(&mut command)
        };
        run(&["doctor"]).assert_code(0).assert_stdout(&["seccomp     no", "CONFIG_SECCOMP_FILTER"]);
        let args = ["run", "regent", "--nodes=3", "--time=2s", "--faults=none"];
        let ended = run(&[&args[..], &["--min-elections=0", "--out", &errno.to_string()]].concat());
        assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
        ended.assert_stderr(&["without a filter of system calls"]);
        for output in ["run.json", "report.html", "summary.md"] {
            let text = fs::read_to_string(room.path(&format!("{errno}/latest/{output}"))).unwrap();
            assert!(text.contains("the kernel has no filters"), "{output}");
        }
    }
}

/// A plan of one act.
fn plan(room: &Room, act: &serde_json::Value) -> String {
    let planned = json!([{ "at_ms": 1_000, "lasts_ms": 1_000, "act": act }]);
    room.file(
        "plan.json",
        &json!({ "schema": "fracas.schedule/2", "planned": planned }).to_string(),
    )
}

/// What the harness writes where a server's data is, is not the server's to fsync.
#[test]
fn files_of_the_target_outlast_a_power_failure() {
    let Some(_lab) = lab().filter(|_| has_fuse()) else { return };
    for model in ["ext4", "posix"] {
        let room = Room::new();
        let builtin = include_str!("../../../targets/builtin/regent.toml");
        let file = "[[node.files]]\npath = \"{{ node.dir }}/data/etc/seeds\"\ntext = \"n1 n2\"\n\n";
        room.file("own.toml", &builtin.replacen("[ready]", &format!("{file}[ready]"), 1));
        let regent = env!("CARGO_BIN_EXE_regent");
        let act = json!({ "kind": "power", "loss": "all", "whom": { "node": "n1" } });
        let args = ["run", "./own.toml", "--binary", regent, "--nodes", "3", "--time", "4s"];
        let more = ["--min-elections", "0", "--disk", model, "--schedule"];
        let ended = room.run(&[&args[..], &more, &[&*plan(&room, &act)]].concat());
        assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
        let kept = fs::read_to_string(room.only_run().join("nodes/n1/data/etc/seeds"));
        assert_eq!(kept.unwrap_or_else(|error| format!("{model}: {error}")), "n1 n2");
    }
}

/// A run that is started, kept, and finds its server below `/run`, which is the machine's own.
#[test]
fn a_run_below_run_sees_its_files() {
    let Some(_lab) = lab() else { return };
    let Ok(inside) = tempfile::Builder::new().prefix("fracas-test-").tempdir_in("/run") else {
        return println!("skipped: this user may not write to /run");
    };
    fs::copy(env!("CARGO_BIN_EXE_regent"), inside.path().join("regent")).unwrap();
    let builtin = include_str!("../../../targets/builtin/regent.toml");
    fs::write(inside.path().join("own.toml"), builtin).unwrap();
    let room = Room::new();
    let args = ["run", "./own.toml", "--nodes", "3", "--time", "2s", "--faults", "none"];
    let mut command =
        room.fracas(&[&args[..], &["--min-elections", "0", "--out", "kept/runs"]].concat());
    let ended = room.finish(command.current_dir(inside.path()));
    assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
    let latest = inside.path().join("kept/runs/latest/report.html");
    assert!(latest.is_file(), "the run is kept where the machine sees it: {ended:#?}");
    let left = fs::read_dir(inside.path()).unwrap().count();
    assert_eq!(left, 3, "nothing was added beside it");
}

/// Whoever starts it may have forbidden everything to everybody.
#[test]
fn files_of_a_run_are_its_owners_whatever_the_mask() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let run = "umask 777; exec \"$FRACAS\" run regent --nodes 3 --time 2s --min-elections 0";
    let faults = if has_fuse() { "power,kill" } else { "kill" };
    let ended = room.finish(&mut room.shell(&format!("{run} --faults {faults}")));
    assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
    room.assert_nothing_left();
}

/// Becomes a program for which there is no packet filter: it may open no socket of netfilter.
const NO_FILTER: &str = "
import ctypes, os, platform, struct, sys
socket = {'x86_64': 41, 'aarch64': 198}[platform.machine()]
ops = [(0x20, 0, 0, 0), (0x15, 0, 5, socket),     # the number of the call
       (0x20, 0, 0, 16), (0x15, 0, 3, 16),        # its family: AF_NETLINK
       (0x20, 0, 0, 32), (0x15, 0, 1, 12),        # its protocol: NETLINK_NETFILTER
       (0x06, 0, 0, 0x50000 | 93), (0x06, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *op) for op in ops))
program = struct.pack('HxxxxxxQ', len(ops), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])
";

/// Runs `fracas ARGS` where there is no packet filter; none where that cannot be brought about.
fn without_filter(room: &Room, args: &[&str]) -> Option<Ended> {
    let python = |program: &str, args: &[&str]| {
        let mut command = room.shell("exec python3 -c \"$0\" \"$@\"");
        command.args([NO_FILTER, program]).args(args);
        command
    };
    if !python("/bin/true", &[]).output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no python3 that can forbid itself a socket");
        return None;
    }
    Some(room.finish(&mut python(env!("CARGO_BIN_EXE_fracas"), args)))
}

/// What nobody asked for by name is left out, what was asked for is refused by name.
#[test]
fn a_machine_without_a_packet_filter_has_the_other_faults() {
    let Some(_lab) = lab() else { return };
    let room = Room::new();
    let args = ["run", "regent", "--nodes=3", "--time=3s", "--seed=1", "--min-elections=0"];
    let Some(ended) = without_filter(&room, &args) else { return };
    ended.assert_stderr(&["fault `slow` is left out", "fault `loss` is left out", "without these"]);
    assert!(matches!(ended.code, Some(0 | 2)), "{ended:#?}");
    let record = read(&room.only_run().join("run.json"));
    let mechanisms = record["host"]["mechanisms"].as_object().unwrap();
    assert!(mechanisms.contains_key("kill") && !mechanisms.contains_key("slow"), "{record:#}");
    assert!(record["host"]["lacking"]["slow"].is_string(), "{record:#}");
    let schedule = fs::read_to_string(room.only_run().join("schedule.json")).unwrap();
    assert!(!schedule.contains("\"slow\""), "{schedule}");

    let named = without_filter(&room, &[&args[..], &["--faults=kill,slow"]].concat()).unwrap();
    named.assert_code(4).assert_stderr(&["bring about the fault `slow`"]);
    room.assert_nothing_left();
}

/// What lies in a hidden directory does not exist for a server; who names it there is told so.
#[test]
fn a_server_whose_script_starts_what_is_hidden_is_told_why() {
    let Some(_lab) = lab() else { return };
    let (room, elsewhere) = (Room::new(), Room::new());
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", elsewhere.regent());
    let server = room.script("server.sh", &script);
    let ended = room.run(&["run", "regent", "--binary", &server, "--time", "2s"]);
    ended.assert_code(3).assert_stderr(&["status 127", "`/tmp`", "`node.reads`"]);
}
