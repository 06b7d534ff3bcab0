//! System calls that no server needs, refused by a seccomp filter: an addition to the walls, not one
//! of them. A refused call fails with EPERM; `clone3`, whose flags a filter cannot see, with ENOSYS,
//! so that C libraries use `clone` instead.
#![expect(unsafe_code, reason = "seccomp has no safe wrapper")]

use libc::{sock_filter, sock_fprog};
use nix::errno::Errno;

use crate::error::{Doing, LabError};

/// Where a filter finds the number of the call, the architecture, and the lower half of the first
/// argument.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;
const FLAGS_AT: u32 = if cfg!(target_endian = "little") { 16 } else { 20 };

/// Instructions of a filter: load a word, jump if equal, if any bit is set, if not less; return.
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// What a filter may answer.
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

/// Every flag that makes a namespace.
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u32;

/// From this number on, calls of x86-64 are those of another word size (x32).
const X32: u32 = 0x4000_0000;

/// The calls of one architecture.
struct Table {
    /// Its number in the kernel's audit.
    arch: u32,
    /// What commands the kernel, looks into it, or traces other processes.
    never: &'static [i64],
    /// What changes mounts, or enters namespaces.
    worlds: &'static [i64],
    clone: i64,
    unshare: i64,
}

/// `clone3`, and calls that are newer: they have one number everywhere.
const CLONE3: i64 = 435;
const NEW_MOUNT_CALLS: [i64; 8] = [428, 429, 430, 431, 432, 433, 442, 467];
const PIDFD_GETFD: i64 = 438;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const NATIVE: Table = Table {
    arch: if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 },
    never: &[
        libc::SYS_acct,
        libc::SYS_add_key,
        libc::SYS_bpf,
        libc::SYS_delete_module,
        libc::SYS_fanotify_init,
        libc::SYS_finit_module,
        libc::SYS_init_module,
        libc::SYS_kcmp,
        libc::SYS_kexec_file_load,
        libc::SYS_kexec_load,
        libc::SYS_keyctl,
        libc::SYS_open_by_handle_at,
        libc::SYS_perf_event_open,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_ptrace,
        libc::SYS_quotactl,
        libc::SYS_reboot,
        libc::SYS_request_key,
        libc::SYS_swapoff,
        libc::SYS_swapon,
        libc::SYS_syslog,
        libc::SYS_userfaultfd,
        libc::SYS_vhangup,
        PIDFD_GETFD,
    ],
    worlds: &[libc::SYS_mount, libc::SYS_pivot_root, libc::SYS_setns, libc::SYS_umount2],
    clone: libc::SYS_clone,
    unshare: libc::SYS_unshare,
};

/// The calls of programs of 32 bits, which x86-64 runs, too; from `unistd_32.h`, in the same order.
#[cfg(target_arch = "x86_64")]
const COMPATIBLE: Table = Table {
    arch: 0x4000_0003,
    never: &[
        51,
        286,
        357,
        129,
        338,
        350,
        128,
        349,
        283,
        288,
        342,
        336,
        347,
        348,
        26,
        131,
        88,
        287,
        115,
        87,
        103,
        374,
        111,
        PIDFD_GETFD,
    ],
    worlds: &[21, 22, 52, 217, 346],
    clone: 120,
    unshare: 310,
};

/// The tables of this machine; none where the calls are not known, and then there is no filter.
#[cfg(target_arch = "x86_64")]
const TABLES: &[Table] = &[NATIVE, COMPATIBLE];
#[cfg(target_arch = "aarch64")]
const TABLES: &[Table] = &[NATIVE];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const TABLES: &[Table] = &[];

/// Refuses them to this process and all that it will start. It must have given up new privileges.
pub(crate) fn refuse(namespaces: bool) -> Result<(), LabError> {
    // Without filters the other walls stand all the same, and the run says what is missing.
    match able() {
        Err(LabError::Unavailable { .. }) => Ok(()),
        Err(other) => Err(other),
        Ok(()) => install(&mut filter(TABLES, namespaces)).doing(|| DOING.into()),
    }
}

/// What it is all for.
const DOING: &str = "refuse system calls that no server needs (seccomp)";

/// Whether this machine can refuse calls.
///
/// # Errors
/// `Unavailable` where it cannot, and then servers run without that filter.
pub fn able() -> Result<(), LabError> {
    let lacking = |why: &str, mend: &str| {
        Err(LabError::Unavailable { what: DOING.into(), why: why.into(), mend: mend.into() })
    };
    if TABLES.is_empty() {
        return lacking("the calls of this processor are not known", "use x86-64 or aarch64");
    }
    let operation = libc::SECCOMP_SET_MODE_FILTER;
    let nothing = std::ptr::null::<sock_fprog>();
    // SAFETY: the kernel is told of no filter at all, and reads and changes nothing.
    let asked = unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, nothing) };
    match Errno::result(asked) {
        Err(Errno::EFAULT) => Ok(()), // it has looked for the filter
        Err(Errno::ENOSYS | Errno::EINVAL) => {
            lacking("the kernel has no filters", "use a kernel with `CONFIG_SECCOMP_FILTER`")
        }
        other => other.map(drop).doing(|| DOING.into()),
    }
}

const fn step(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// The filter: for each architecture a part that ends with an answer. Others have none of their calls.
fn filter(tables: &[Table], namespaces: bool) -> Vec<sock_filter> {
    let mut whole = vec![step(LOAD, ARCH_AT, 0, 0)];
    for table in tables {
        let part = part(table, namespaces);
        let length = u8::try_from(part.len()).expect("a table is short");
        whole.push(step(EQUAL, table.arch, 0, length));
        whole.extend(part);
    }
    whole.push(step(RETURN, UNKNOWN, 0, 0));
    whole
}

/// The part for one architecture.
fn part(table: &Table, namespaces: bool) -> Vec<sock_filter> {
    let number = |call: i64| u32::try_from(call).expect("a small number");
    let mut part =
        vec![step(LOAD, NUMBER_AT, 0, 0), step(AT_LEAST, X32, 0, 1), step(RETURN, UNKNOWN, 0, 0)];
    let mut answer = |call: i64, answer: u32| {
        part.extend([step(EQUAL, number(call), 0, 1), step(RETURN, answer, 0, 0)]);
    };
    table.never.iter().for_each(|call| answer(*call, REFUSE));
    if !namespaces {
        table.worlds.iter().chain(&NEW_MOUNT_CALLS).for_each(|call| answer(*call, REFUSE));
        answer(CLONE3, UNKNOWN);
        part.extend([
            step(EQUAL, number(table.clone), 1, 0),
            step(EQUAL, number(table.unshare), 0, 3),
            step(LOAD, FLAGS_AT, 0, 0),
            step(ANY_BIT, NAMESPACES, 0, 1),
            step(RETURN, REFUSE, 0, 0),
        ]);
    }
    part.push(step(RETURN, ALLOW, 0, 0));
    part
}

/// Installs it.
fn install(filter: &mut [sock_filter]) -> Result<(), Errno> {
    let len = u16::try_from(filter.len()).expect("it is short");
    let program = sock_fprog { len, filter: filter.as_mut_ptr() };
    let operation = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the filter and the structure that points to it live until the call has returned; the
    // kernel copies both.
    let installed = unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const program) };
    Errno::result(installed).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a filter answers to a call.
    fn run(filter: &[sock_filter], (arch, number, flags): (u32, u32, u32)) -> u32 {
        let (mut at, mut word) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = filter[at];
            let jump = |holds: bool| usize::from(if holds { jt } else { jf });
            at += 1 + match code {
                LOAD => {
                    word = match k {
                        NUMBER_AT => number,
                        ARCH_AT => arch,
                        FLAGS_AT => flags,
                        other => panic!("no word at {other}"),
                    };
                    0
                }
                EQUAL => jump(word == k),
                ANY_BIT => jump(word & k != 0),
                AT_LEAST => jump(word >= k),
                RETURN => return k,
                other => panic!("no instruction {other}"),
            };
        }
    }

    #[test]
    fn what_no_server_needs_is_refused_and_nothing_else() {
        let table = Table { arch: 7, never: &[1], worlds: &[2], clone: 3, unshare: 4 };
        let (user, thread) = (libc::CLONE_NEWUSER as u32, libc::CLONE_VM as u32);
        for (call, closed, open) in [
            ((7, 1, 0), REFUSE, REFUSE),
            ((7, 2, 0), REFUSE, ALLOW),
            ((7, 3, user), REFUSE, ALLOW),
            ((7, 3, thread), ALLOW, ALLOW),
            ((7, 4, user | thread), REFUSE, ALLOW),
            ((7, 4, 0), ALLOW, ALLOW),
            ((7, 5, user), ALLOW, ALLOW),
            ((7, 435, 0), UNKNOWN, ALLOW),
            ((7, 428, 0), REFUSE, ALLOW),
            ((7, X32 + 5, 0), UNKNOWN, UNKNOWN),
            ((8, 5, 0), UNKNOWN, UNKNOWN),
        ] {
            let tables = [Table { arch: 6, ..NATIVE }, Table { ..table }];
            assert_eq!(run(&filter(&tables, false), call), closed, "{call:?}");
            assert_eq!(run(&filter(&tables, true), call), open, "{call:?}, with namespaces");
        }
    }
}
