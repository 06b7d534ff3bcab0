//! What changed since the last night, in a few lines for a terminal or a log.

use super::merged::Index;
use super::standing::Standing;

/// How many changes are told.
const MAX_CHANGES: usize = 50;

/// How many findings stand how on the newest night, in one line.
pub(super) fn headline(index: &Index) -> String {
    let Some(tonight) = index.tonight() else {
        return "No run was found".to_owned();
    };
    let counts = index.counts();
    let told = |it: &Standing| Some(format!("{} {}", counts.get(it)?, it.phrase()));
    let told: Vec<String> = Standing::ALL.iter().filter_map(told).collect();
    let told =
        if told.is_empty() { "no finding, new or old".to_owned() } else { told.join(" · ") };
    format!("{}: {told}", index.nights[tonight])
}

/// The headline, then a line for each change.
#[must_use]
pub fn index_text(index: &Index) -> String {
    let changes = index.changes();
    let line = |(finding, row): &(usize, usize)| {
        let found = &index.findings[*finding];
        let standing = found.courses[row].standing.phrase();
        let (class, print, name) = (&found.class, &found.fingerprint, index.rows[*row].row.name());
        format!("  {standing:<12} {class} ({print}) in {name}\n")
    };
    let lines: String = changes.iter().take(MAX_CHANGES).map(line).collect();
    let more = match changes.len().saturating_sub(MAX_CHANGES) {
        0 => String::new(),
        more => format!("  and {more} more in the index\n"),
    };
    format!("{}\n{lines}{more}", headline(index))
}
