//! Waiting with an end: every wait of the lab has a deadline, and a signal that arrives meanwhile
//! does not cut it short.

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, ppoll};
use nix::sys::time::TimeSpec;

/// How long to sleep between two looks at something that cannot be polled.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Waits until one of the descriptors is ready; false at the deadline.
pub(crate) fn ready(fds: &mut [PollFd<'_>], deadline: Instant) -> Result<bool, Errno> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match ppoll(fds, Some(TimeSpec::from_duration(left)), None) {
            Err(Errno::EINTR) => {}
            other => return other.map(|count| count > 0),
        }
    }
}

/// Looks until there is something or the deadline has passed; looks at least once.
pub(crate) fn look<T, E>(
    deadline: Instant,
    mut at: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    loop {
        if let Some(found) = at()? {
            return Ok(Some(found));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
