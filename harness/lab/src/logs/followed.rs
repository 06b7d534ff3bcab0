//! The logs of a node that are followed, with the position in each. During the reading only that log is
//! locked.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chunk::{Chunk, Look};
use super::tail::Tail;

/// The logs of a node that are followed, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<BTreeMap<PathBuf, Arc<Mutex<Tail>>>>);

impl Followed {
    /// Reads the next chunk of a log; the first time, opens it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn next(&self, path: PathBuf) -> io::Result<Chunk> {
        let tail = {
            let mut all = hold(&self.0);
            let new = |path: &PathBuf| Arc::new(Mutex::new(Tail::new(path.clone())));
            Arc::clone(all.entry(path).or_insert_with_key(new))
        };
        hold(&tail).look()
    }

    /// Forgets a log, and reports how many of its bytes have not been read.
    pub(crate) fn leave(&self, path: &Path) -> Chunk {
        let tail = hold(&self.0).remove(path);
        let skipped = tail.map_or(0, |tail| hold(&tail).unread());
        Chunk { skipped, ..Look::AtEnd.into() }
    }
}

/// Takes a lock. The panic of another holder ends the thread that follows logs, which is noticed.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A large log that is being read delays no other log.
    #[test]
    fn the_reading_of_a_log_locks_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let [large, small] = ["large", "small"].map(|name| dir.path().join(name));
        fs::write(&large, "a\nb\n").unwrap();
        fs::write(&small, "c\n").unwrap();
        let logs = Followed::default();
        let next = |path: &Path| logs.next(path.to_owned()).unwrap();
        assert_eq!((next(&large).look, next(&small).look), (Look::More, Look::More));
        let tail = Arc::clone(&hold(&logs.0)[&large]);
        let reading = hold(&tail);
        // With one lock for all logs this would wait for ever.
        assert_eq!(next(&small).lines.iter().collect::<Vec<_>>(), [(0, "c")]);
        assert_eq!(logs.leave(&small), Look::AtEnd.into());
        drop(reading);
        assert_eq!(logs.leave(&large), Chunk { skipped: 4, ..Look::AtEnd.into() });
        assert_eq!(logs.leave(&large), Look::AtEnd.into(), "its position is forgotten");
        assert!(hold(&logs.0).is_empty());
    }
}
