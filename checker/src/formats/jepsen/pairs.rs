//! Which completion belongs to which invocation.

use super::record::{Record, Step, Who};
use crate::formats::edn::Refused;
use crate::hashing::Map;

/// The other record of every record's operation; none for an invocation that never completed.
///
/// Refused are processes that overlap with themselves or complete what they did not invoke.
pub(super) fn partners(records: &[Record<'_>]) -> Result<Vec<Option<usize>>, Refused> {
    let mut partners = vec![None; records.len()];
    let mut open: Map<Option<u64>, usize> = Map::default();
    for (place, record) in records.iter().enumerate() {
        let process = match record.process {
            Who::Client(process) => Some(process),
            Who::Unnamed => None,
        };
        if record.step == Step::Invoke {
            if open.insert(process, place).is_some() {
                return Err(overlap(record));
            }
            continue;
        }
        let Some(invoked) = open.remove(&process) else {
            let process = name(record);
            let reason = format!(
                "{process} completed an operation it had not open, expected its invocation first"
            );
            return Err(Refused::new(record.at, reason));
        };
        let asked = records[invoked].f;
        if asked != record.f {
            let (process, f) = (name(record), record.f);
            let reason = format!("{process} completed `{f}`, expected its open `{asked}`");
            return Err(Refused::new(record.at, reason));
        }
        (partners[invoked], partners[place]) = (Some(place), Some(invoked));
    }
    Ok(partners)
}

fn overlap(record: &Record<'_>) -> Refused {
    let reason = match record.process {
        Who::Client(process) => format!(
            "process {process} invoked while its last operation is open, expected its completion"
        ),
        Who::Unnamed => {
            "invoked while another operation is open, expected `:process` to tell whose each is"
                .to_owned()
        }
    };
    Refused::new(record.at, reason)
}

fn name(record: &Record<'_>) -> String {
    match record.process {
        Who::Client(process) => format!("process {process}"),
        Who::Unnamed => "a process without a name".to_owned(),
    }
}
