//! Answers of client programs that came too late to count. Nobody can tell from them alone whether the
//! target was slow or the program; nothing is decided here.

use crate::history::History;
use crate::identity::Nanos;
use crate::mishap::Mishap;
use crate::words;

/// How many answers of client programs came too late from `from` on, and by how much; none if none did.
/// Either the target was slow then, or the client program: nobody can tell which.
pub(crate) fn answers(history: &History, from: Nanos) -> Option<String> {
    let late = history.mishaps().filter(|(time, _)| *time >= from);
    let late = late.filter_map(|(_, mishap)| match mishap {
        Mishap::AnsweredLate { by, .. } => Some(*by),
        _ => None,
    });
    let late: Vec<Nanos> = late.collect();
    let (least, most) = (late.iter().min()?, late.iter().max()?);
    let by = match least == most {
        true => words::lasting(*least),
        false => format!("{} to {}", words::lasting(*least), words::lasting(*most)),
    };
    let came = words::count(
        late.len(),
        "answer of a client program came",
        "answers of client programs came",
    );
    Some(format!("{came} {by} after the time-out"))
}
