//! An anomaly that was proven while a run went on.

use std::fmt;

use fracas_checker::event::Nanos;
use fracas_checker::online::Alarm;

use crate::text::plain;

/// An anomaly that was proven while the run went on.
#[derive(Debug, Clone)]
pub struct Proven {
    /// What proves it.
    pub alarm: Alarm,
    /// When that ended the load; none where the load was over anyway.
    pub load_ended: Option<Nanos>,
}

impl fmt::Display for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Alarm { check, object, index, time } = &self.alarm;
        let of = object.as_ref().map(|key| format!(" of {}", plain(key))).unwrap_or_default();
        write!(f, "event {index} at {} proves an anomaly{of} (`{check}`)", seconds(*time))?;
        match self.load_ended {
            Some(ended) => write!(f, "; the load was ended at {}", seconds(ended)),
            None => f.write_str("; the load was over by then"),
        }
    }
}

fn seconds(time: Nanos) -> String {
    format!("{:.3} s", time as f64 / 1e9)
}
