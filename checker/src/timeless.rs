//! Texts about a history whose file has no times. Its events were put a millisecond apart, only to
//! have an order. So texts name events where they would name times, and no lengths of time.

use crate::history::History;
use crate::verdict::{Anomaly, CheckResult, Verdict};

/// Nanoseconds of a millisecond.
const MILLI: u64 = 1_000_000;

/// Takes the times out of all texts of a verdict on `history`.
pub(crate) fn without_times(verdict: &mut Verdict, history: &History) {
    let told = |text: &mut String| *text = of_events(text, history);
    told(&mut verdict.headline);
    for check in &mut verdict.checks {
        let CheckResult { reasons, suspicions, assumptions, anomalies, .. } = check;
        reasons.iter_mut().chain(suspicions).chain(assumptions).for_each(told);
        for Anomaly { headline, story, likely_cause, .. } in anomalies {
            told(headline);
            story.iter_mut().chain(likely_cause).for_each(told);
        }
    }
}

/// The text with events for times, and without lengths of time.
fn of_events(text: &str, history: &History) -> String {
    let mut told = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let length = number.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let (number, after) = number.split_at(length.unwrap_or(number.len()));
        told.push_str(before);
        let quoted = told.matches('"').count() % 2 == 1; // a value that was written and read
        let starts = !told.ends_with(|letter: char| letter.is_alphanumeric() || letter == '-');
        let event = (starts && !quoted).then(|| event_at(number, after, history)).flatten();
        match (event, gap(after)) {
            (Some((event, after)), _) => {
                told.push_str(&format!("event {event}"));
                rest = after;
            }
            (None, Some(after)) if !quoted && told.ends_with(", ") => {
                told.truncate(told.len() - 2);
                rest = after;
            }
            _ => {
                told.push_str(number);
                rest = after;
            }
        }
    }
    told + rest
}

/// The event at the time `number`, if it is one in seconds; and what comes after it.
fn event_at<'a>(number: &str, after: &'a str, history: &History) -> Option<(u64, &'a str)> {
    let rest = after.strip_prefix(" s")?;
    let ends = !rest.starts_with(char::is_alphanumeric);
    let (seconds, millis) = number.split_once('.').filter(|(_, millis)| millis.len() == 3)?;
    let millis = 1_000 * seconds.parse::<u64>().ok()? + millis.parse::<u64>().ok()?;
    let events = history.events();
    let place = events.partition_point(|event| event.time / MILLI < millis);
    let event = events.get(place).filter(|event| ends && event.time / MILLI == millis)?;
    Some((event.index, rest))
}

/// What comes after a length of time, if that is followed by what it was after.
fn gap(after: &str) -> Option<&str> {
    let rest = [" ms", " s"].iter().find_map(|unit| after.strip_prefix(unit))?;
    rest.starts_with(" after ").then_some(rest)
}
