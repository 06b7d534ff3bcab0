//! The nearest valid word, for “did you mean …”.
//!
//! It deliberately offers nothing when nothing is close: a wild guess sends the reader astray.

/// Longer words are compared by their first characters only: the cost grows with the square.
const MAX_COMPARED: usize = 64;

/// A word this long that another one begins or ends with is most likely what was meant: `SIGTERM`
/// for `TERM`, `integer` for `int`.
const TELLING_PART: usize = 3;

/// The candidate that a writer of `word` most likely meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near_enough = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (farness(&word, &candidate.to_lowercase()), candidate))
        .filter(|((farness, _), _)| *farness <= near_enough)
        .min_by_key(|(farness, _)| *farness)
        .map(|(_, candidate)| candidate)
}

/// The distance, 1 at most where one word is a telling part of the other; and, for what is equally
/// far by that, the distance itself.
fn farness(left: &str, right: &str) -> (usize, usize) {
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    let part = long.starts_with(short) || long.ends_with(short);
    let distance = distance(left, right);
    let least = if part && short.len() >= TELLING_PART { distance.min(1) } else { distance };
    (least, distance)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour
/// (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(MAX_COMPARED).collect();
    let right: Vec<char> = right.chars().take(MAX_COMPARED).collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<_>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_single_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("leader", "leader", 0),
            ("laeder", "leader", 1),
            ("leder", "leader", 1),
            ("leaders", "leader", 1),
            ("lieder", "leader", 2),
            ("", "ok", 2),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn offers_only_what_is_close() {
        let words = ["connect-timeout", "timeout", "base"];
        assert_eq!(nearest("conect-timeout", words), Some("connect-timeout"));
        assert_eq!(nearest("TIMEOUT", words), Some("timeout"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("SIGTERM", ["INT", "TERM"]), Some("TERM"));
        assert_eq!(nearest("integer", ["string-int", "int"]), Some("int"));
        assert_eq!(nearest("readall", ["read", "read-all"]), Some("read-all"));
        assert_eq!(nearest("", ["ok"]), None);
    }
}
