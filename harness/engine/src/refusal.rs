//! What is said where the machine cannot bring about a kind of fault.

use fracas_lab::LabError;

/// The same error, with the kind of fault that cannot be brought about for it. Whatever it is, it is
/// the machine's; but where a process of our own ended, that is a failure of ours.
#[must_use]
pub(crate) fn refused(kind: &str, error: LabError) -> LabError {
    let attempt = format!("bring about the fault `{kind}`");
    match error {
        LabError::Unavailable { .. } | LabError::Ended { .. } => error.within(&attempt),
        other => LabError::Unavailable {
            what: attempt,
            why: other.to_string(),
            mend: "see `fracas doctor`, or name the other kinds with `--faults`".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_ours_that_ended_is_not_the_machines() {
        let ended = refused("disk", LabError::Ended { doing: "ask the disk".into() });
        assert!(matches!(ended, LabError::Ended { .. }), "{ended}");
        let other = refused("disk", LabError::answer("ask the disk", "nonsense"));
        assert!(matches!(other, LabError::Unavailable { .. }), "{other}");
    }
}
