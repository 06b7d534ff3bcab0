//! What a model says of itself, for the tests of models.

use super::model::{Effect, Model};

/// The words of the state after these steps, or of the first refusal. What the model says of the
/// effect of each step must be so.
#[track_caller]
pub(super) fn outcome_of<M: Model>(
    steps: impl IntoIterator<Item = (M::Op, Option<M::Outcome>)>,
) -> String {
    let mut state = M::default();
    for (op, outcome) in steps {
        let next = match state.step(&op, outcome.as_ref()) {
            Ok(next) => next,
            Err(refusal) => return refusal.0,
        };
        if let Some(Effect { needs, leaves }) = M::effect(&op, outcome.as_ref()) {
            assert!(needs.is_none_or(|needs| needs == state), "`{op}` needs another state");
            let leaves = leaves.unwrap_or_else(|| state.clone());
            assert!(leaves == next, "`{op}` leaves another state");
        }
        assert!(
            !M::observes(&op, outcome.as_ref()) || next == state,
            "`{op}` changes what it sees"
        );
        state = next;
    }
    state.to_string()
}
