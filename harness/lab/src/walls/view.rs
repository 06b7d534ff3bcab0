//! In which order directories are hidden and shown again: what lies above comes first. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::view::View;

/// One step, for one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Put an empty directory there.
    Hide,
    /// Put an empty directory there, which stays so.
    Bury,
    /// Show what is there, read-only.
    Read,
    /// Show what is there, to be written.
    Write,
}

/// All steps, in order.
pub(super) fn steps(view: &View) -> Vec<(PathBuf, Step)> {
    let mut wanted: BTreeMap<&Path, Step> = BTreeMap::new();
    // Later ones win: who asks for all of `/tmp` gets it, but nobody gets the evidence.
    let kinds = [
        (&view.private, Step::Hide),
        (&view.reads, Step::Read),
        (&view.evidence, Step::Bury),
        (&view.writes, Step::Write),
    ];
    for (paths, step) in kinds {
        wanted.extend(paths.iter().map(|path| (path.as_path(), step)));
    }
    let mut done: Vec<(PathBuf, Step)> = Vec::new();
    for (path, step) in wanted {
        // Paths are in order, so the last one above is the nearest.
        let above = done.iter().rev().find(|(above, _)| path.starts_with(above));
        if matters(above.map(|(_, step)| *step), step) {
            done.push((path.to_owned(), step));
        }
    }
    done
}

/// Whether a step changes anything, below what the nearest one above made of it. Everything is
/// shown read-only to begin with.
fn matters(above: Option<Step>, step: Step) -> bool {
    match step {
        Step::Hide => !matches!(above, Some(Step::Hide | Step::Bury)),
        Step::Bury => above != Some(Step::Bury),
        Step::Read => matches!(above, Some(Step::Hide | Step::Bury)),
        Step::Write => above != Some(Step::Write),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lists: [&[&str]; 4], expected: &[(&str, Step)]) {
        let [private, reads, evidence, writes] =
            lists.map(|list| list.iter().map(PathBuf::from).collect());
        let view = View { private, reads, evidence, writes, ..View::default() };
        let expected: Vec<_> =
            expected.iter().map(|(path, step)| (PathBuf::from(path), *step)).collect();
        assert_eq!(steps(&view), expected);
    }

    #[test]
    fn what_is_above_comes_first_and_what_changes_nothing_is_left_out() {
        use Step::{Bury, Hide, Read, Write};
        check([&["/tmp", "/run"], &["/usr/bin"], &[], &[]], &[("/run", Hide), ("/tmp", Hide)]);
        check(
            [&["/h"], &["/h/me/it"], &["/h/me/it/runs"], &["/h/me/it/runs/7/n1"]],
            &[
                ("/h", Hide),
                ("/h/me/it", Read),
                ("/h/me/it/runs", Bury),
                ("/h/me/it/runs/7/n1", Write),
            ],
        );
        check(
            [&["/tmp"], &[], &["/tmp/runs"], &["/tmp/runs/7/n1"]],
            &[("/tmp", Hide), ("/tmp/runs", Bury), ("/tmp/runs/7/n1", Write)],
        );
        check([&["/tmp"], &["/tmp", "/tmp/x"], &[], &[]], &[("/tmp", Read)][..0]);
        check([&[], &["/runs"], &["/runs"], &[]], &[("/runs", Bury)]);
        check([&[], &[], &[], &["/a", "/a/b"]], &[("/a", Write)]);
    }
}
