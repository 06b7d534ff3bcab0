//! Operation maps as Jepsen writes them, from lines that are shorter; and what is made of a file.

use fracas_checker::formats::{self, Hint};
use fracas_checker::recorded::Judge;
use fracas_checker::{Algorithm, Budget, Value, objects};

/// `0 i :f :read` becomes a map with process 0 and type `:invoke`.
pub(crate) fn written(ops: &str) -> String {
    let line = |line: &str| {
        let mut words = line.trim().splitn(3, ' ');
        let (process, step) = (words.next()?, words.next()?);
        let step = match step {
            "i" => "invoke",
            "o" => "ok",
            "f" => "fail",
            _ => "info",
        };
        Some(format!("{{:process {process}, :type :{step}, {}}}\n", words.next()?))
    };
    ops.lines().filter_map(line).collect()
}

/// How a file is judged, by a model and an initial value if they are given: the first check, its
/// status, and the class of its first anomaly or else its first reason.
pub(crate) fn judged(text: &str, model: Option<&str>, initial: Option<&str>) -> String {
    verdict(text, model, initial).unwrap_or_else(|reason| format!("refused: {reason}"))
}

fn verdict(text: &str, model: Option<&str>, initial: Option<&str>) -> Result<String, String> {
    let kind = model.map(|name| objects::named(name).expect("a kind of objects"));
    let hint = Hint { kind, ..Hint::default() };
    let mut recorded = formats::read(text.as_bytes(), &hint).map_err(|error| error.to_string())?;
    if let Some(word) = initial {
        let value = word.parse().map_or_else(|_| Value::text(word), Value::Int);
        recorded = recorded.starting_at(&value, kind)?;
    }
    let judge = Judge { kind, algorithm: Algorithm::Auto, budget: Budget::unlimited_time() };
    let verdict = judge.verdict(recorded)?.verdict;
    let check = &verdict.checks[0];
    let class = check.anomalies.first().map(|anomaly| anomaly.class.as_str());
    let detail = class.or(check.reasons.first().map(String::as_str)).unwrap_or_default();
    Ok(format!("{}: {} {detail}", check.id, check.status).trim_end().to_owned())
}
