//! The sockets of the machine's programs that lie in the file system.
//!
//! A read-only file system does not keep anybody from connecting to a socket in it, and neither
//! does a network of one's own. So those that are bound when the world is entered are covered;
//! one that is bound later, outside all hidden directories, is not.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// How many are covered at most.
const MOST: usize = 256;

/// Those of the machine, as this process saw them before it entered a world.
static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// Takes note of them. To be called in the machine's own network, where the kernel lists them.
pub(crate) fn note() {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    // The first one counts: a process enters one world.
    let _again = FOUND.set(named(&table));
}

/// What was noted.
pub(crate) fn found() -> &'static [PathBuf] {
    FOUND.get().map_or(&[], Vec::as_slice)
}

/// The paths in the kernel's list, each once.
fn named(table: &str) -> Vec<PathBuf> {
    let path = |line: &str| Some(format!("/{}", line.split_once(" /")?.1));
    let paths: BTreeSet<String> = table.lines().filter_map(path).collect();
    paths.into_iter().take(MOST).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_with_a_path_are_found() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000: 00000002 00000000 00010000 0001 01 21 /var/lib/a b.sock\n\
            0000: 00000003 00000000 00000000 0001 03 22\n\
            0000: 00000002 00000000 00010000 0001 01 23 @abstract\n\
            0000: 00000003 00000000 00000000 0001 03 24 /var/lib/a b.sock\n";
        assert_eq!(named(table), [PathBuf::from("/var/lib/a b.sock")]);
    }
}
