//! What is said where the machine cannot bring about a kind of fault.

use fracas_lab::LabError;

/// The same error, with the kind of fault that cannot be brought about for it. Whatever it is, it is
/// the machine's.
#[must_use]
pub(crate) fn refused(kind: &str, error: LabError) -> LabError {
    let what = format!("bring about the fault `{kind}`");
    match error {
        LabError::Unavailable { .. } => error.within(&what),
        other => LabError::Unavailable {
            what,
            why: other.to_string(),
            mend: "see `fracas doctor`, or name the other kinds with `--faults`".into(),
        },
    }
}
