//! Brute force: tries every order, and every choice of indeterminate calls. Exponential, obviously
//! right, and for at most eight calls.

use fracas_checker::linearizability::call::Call;
use fracas_checker::models::Model;

/// Whether some order of `calls` is legal.
pub(crate) fn has_legal_order<M: Model>(calls: &[Call<'_, M::Op, M::Outcome>]) -> bool {
    assert!(calls.len() <= 8, "brute force is for few calls");
    extend(calls, &vec![false; calls.len()], &M::default())
}

fn extend<M: Model>(calls: &[Call<'_, M::Op, M::Outcome>], placed: &[bool], state: &M) -> bool {
    let open = || (0..calls.len()).filter(|place| !placed[*place]);
    if open().all(|place| calls[place].end.is_none()) {
        return true;
    }
    open().any(|place| {
        let call = &calls[place];
        // Closed intervals: only what ended strictly earlier has to come first.
        let free = open().all(|other| calls[other].end.is_none_or(|end| end >= call.start));
        let next = state.step(call.op, call.outcome);
        free && next.is_ok_and(|next| {
            let mut placed = placed.to_vec();
            placed[place] = true;
            extend(calls, &placed, &next)
        })
    })
}
