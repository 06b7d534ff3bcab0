//! How to mend a machine that forbids namespaces. Reads settings only to word the advice: whether
//! something works is found out by trying it.

use std::fs;

/// Where Ubuntu says whether a user namespace of an ordinary user is stripped of its rights.
const APPARMOR: &str = "kernel.apparmor_restrict_unprivileged_userns";

/// Where Debian says whether an ordinary user may make user namespaces.
const DEBIAN: &str = "kernel.unprivileged_userns_clone";

/// What a container needs.
const CONTAINER: &str = "run as root; in a container add `--privileged`, or `--cap-add SYS_ADMIN \
     --cap-add NET_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
     --security-opt systempaths=unconfined`";

/// What lets an ordinary user have a user namespace with rights in it.
pub(crate) fn user_namespaces() -> String {
    if setting(APPARMOR).as_deref() == Some("1") {
        return format!("AppArmor forbids it: run `sysctl {APPARMOR}=0`, or run as root");
    }
    if setting(DEBIAN).as_deref() == Some("0") {
        return format!("run `sysctl {DEBIAN}=1`, or run as root");
    }
    format!("a security module or a container forbids it: {CONTAINER}")
}

/// What lets root have namespaces.
pub(crate) fn root_namespaces() -> String {
    format!("a container forbids it: {CONTAINER}")
}

/// The value of a kernel setting, where this kernel has it.
fn setting(name: &str) -> Option<String> {
    let file = format!("/proc/sys/{}", name.replace('.', "/"));
    fs::read_to_string(file).ok().map(|value| value.trim().to_owned())
}
