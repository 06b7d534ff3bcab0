//! What every output tells alike: what was never tried, why nothing could be judged, what was refused,
//! and how servers went down.

use fracas_checker::Tried;
use fracas_reports::{FILES, Run, html, junit, results_json, summary};
use serde_json::{Value, json};

use crate::samples::{self, Sample, cases, faults};

/// The page, `results.json`, `junit.xml` and `summary.md`, with the references of Markdown undone.
/// `metrics.prom` has numbers only.
fn outputs(sample: &Sample) -> Vec<(&'static str, String)> {
    let told = FILES.iter().filter(|(name, ..)| *name != "metrics.prom");
    let output = told.map(|(name, _, render)| {
        let text = render(&sample.run());
        (*name, if name.ends_with(".json") { text } else { decoded(&text) })
    });
    output.collect()
}

/// A text without the character references of HTML, XML and Markdown.
fn decoded(text: &str) -> String {
    let mut plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&apos;", "'");
    for code in 33..127_u8 {
        plain = plain.replace(&format!("&#{code};"), &char::from(code).to_string());
    }
    plain.replace("&amp;", "&")
}

#[track_caller]
fn all_say(sample: &Sample, text: &str) {
    for (name, output) in outputs(sample) {
        assert!(output.contains(text), "{name} does not say `{text}`:\n{output}");
    }
}

fn results(sample: &Sample) -> Value {
    serde_json::from_str(&results_json(&sample.run())).expect("it is JSON")
}

#[test]
fn kinds_that_were_never_tried_are_named_everywhere() {
    let sample = cases::untried();
    let untried = "power, clock, slow, loss, disk, starve";
    for (name, output) in outputs(&sample).iter().filter(|(name, _)| *name != "results.json") {
        assert!(output.contains(&format!("6 of 9 kinds never tried: {untried}")), "{name}");
    }
    let kinds = &results(&sample)["fault_kinds"];
    assert_eq!(kinds["never_tried"].as_array().map(Vec::len), Some(6));
    assert_eq!(kinds["allowed"].as_array().map(Vec::len), Some(9));
    // A run that tried all that was allowed has nothing to confess.
    for (name, output) in outputs(&samples::clean()) {
        assert!(!output.contains("kinds never tried"), "{name}");
    }
    // A fault without a proof has tried nothing.
    let unproven = html(&samples::inconclusive().run());
    assert!(unproven.contains("1 of 3 kinds never tried: partition"));
}

#[test]
fn kinds_that_were_never_tried_are_told_once() {
    let Sample { record, history, verdict } = cases::untried();
    let mut tried = Tried::of(&history);
    tried.allowed = faults::KINDS.map(faults::kind).into();
    tried.never_tried = tried.allowed.difference(&tried.tried).cloned().collect();
    let verdict = verdict.with_faults(tried);
    assert!(verdict.headline.contains("never tried"), "{}", verdict.headline);
    let sample = Sample { record, history, verdict };
    for (name, output) in [("page", html(&sample.run())), ("summary", summary(&sample.run()))] {
        assert_eq!(output.matches("never tried").count(), 1, "{name}: {output}");
    }
}

/// What was prepared and set up is told by notes.
#[test]
fn the_page_and_the_results_tell_what_the_harness_noted() {
    let sample = samples::clean();
    let page = html(&sample.run());
    assert!(
        page.contains("<td class=\"number\">60.900 s</td><td>all nodes stopped</td>"),
        "{page}"
    );
    assert_eq!(results(&sample)["notes"], json!([{ "time_s": 60.9, "text": "all nodes stopped" }]));
    let silent = Sample { history: samples::empty().history, ..sample };
    assert!(!html(&silent.run()).contains("Notes of the harness"));
}

#[test]
fn a_version_that_is_unknown_is_called_so() {
    let mut sample = samples::clean();
    sample.record.target.version = None;
    assert!(html(&sample.run()).contains("ravel (version unknown)"));
}

#[test]
fn a_run_without_faults_says_so() {
    let page = html(&cases::faultless().run());
    assert!(page.contains("No fault was allowed, and none was injected."));
    assert!(page.contains("none injected"));
}

#[test]
fn refusals_are_told_by_their_reason() {
    let sample = cases::faultless();
    let page = html(&sample.run());
    assert!(!page.contains("% of operations succeeded"));
    assert!(page.contains("Why operations did not succeed"));
    // Errors that differ in numbers only are one.
    let refusals = results(&sample)["refusals"].clone();
    let first = &refusals[0];
    assert_eq!(first["error"], "HTTP 421: not the leader, try again in 12 ms");
    assert_eq!(first["outcome"], "fail");
    assert!(first["count"].as_u64() > Some(100), "{refusals}");
    let all: u64 =
        refusals.as_array().into_iter().flatten().filter_map(|it| it["count"].as_u64()).sum();
    let ops = &results(&sample)["ops"];
    assert_eq!(
        Some(all),
        ops["fail"].as_u64().zip(ops["indeterminate"].as_u64()).map(|(a, b)| a + b)
    );
}

#[test]
fn a_target_that_broke_is_an_error_everywhere() {
    let sample = cases::broke();
    all_say(&sample, "The target broke before testing: failed to start node n2");
    all_say(&sample, "cannot bind 10.0.0.2:7000");
    let page = html(&sample.run());
    assert!(page.contains("<title>! ERROR"), "the title");
    for (name, output) in outputs(&sample).iter().filter(|(name, _)| *name != "results.json") {
        // Nothing was tested, so nothing is undecided either.
        assert!(!output.contains("INCONCLUSIVE"), "{name}");
    }
    assert!(page.contains("NOT TESTED"));
    assert!(junit(&sample.run()).contains("<skipped type=\"not-tested\""));
    assert!(junit(&sample.run()).contains("<error type=\"target-broke\""));
    assert!(junit(&sample.run()).contains("<property name=\"verdict\" value=\"error\"/>"));
    assert!(summary(&sample.run()).starts_with("### ! ERROR – ravel"));
    assert_eq!(results(&sample)["verdict"], "error");
    let checks = results(&sample)["checks"].clone();
    let checks = checks.as_array().expect("a list");
    assert!(!checks.is_empty());
    for check in checks {
        assert_eq!(check["verdict"], "not-tested", "{check}");
        let reason = "nothing was tested, because the run failed: see `ended`";
        assert_eq!(check["reasons"], serde_json::json!([reason]), "{check}");
    }
    // What the server wrote to colour its words does not reach anybody.
    for (name, output) in outputs(&sample) {
        assert!(!output.contains('\u{1b}'), "{name}");
    }
}

#[test]
fn an_error_of_the_harness_does_not_hide_an_anomaly() {
    let broken = cases::broke();
    let found = samples::stale_read();
    let run = Run { record: &broken.record, ..found.run() };
    let page = html(&run);
    assert!(page.contains("ANOMALY") && page.contains("The target broke before testing"));
    assert_eq!(
        serde_json::from_str::<Value>(&results_json(&run)).expect("JSON")["verdict"],
        "anomaly"
    );
}

#[test]
fn servers_go_down_in_different_ways() {
    let page = html(&cases::crashed().run());
    for shape in [
        "class=\"down crash\"",
        "class=\"down kill\"",
        "class=\"down power\"",
        "class=\"down pause\"",
        "class=\"restart\"",
        "server crashed: it ended by itself",
        "power failure: killed, unsynced data lost",
        "n3 crashed by itself with status 74 · 22.000 s, started again at 26.100 s",
        "n1 no power by fault 22 · 45.010 s, started again at 47.000 s",
        "n4 ended by fault 2 · 28.000 s, started again at 33.400 s",
    ] {
        assert!(page.contains(shape), "`{shape}` is not on the page");
    }
    // Answers that were seen of n3 while it was gone are not drawn as its role then.
    let alive = page.match_indices("n3 follower").filter(|(at, _)| {
        let span = page[*at..].split('<').next().unwrap_or_default();
        let times: Vec<f64> =
            span.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        times.iter().any(|time| (22.1..26.0).contains(time))
    });
    assert_eq!(alive.count(), 0);
}

#[test]
fn a_page_names_only_the_shapes_it_has() {
    let page = html(&samples::clean().run());
    assert!(page.contains("server ended by a fault") && !page.contains("server crashed"));
    let page = html(&cases::faultless().run());
    assert!(
        !page.contains("each kind has its own hatch") && !page.contains("server ended by a fault")
    );
}

#[test]
fn what_anomalies_share_is_drawn_once() {
    let page = html(&cases::storm().run());
    assert_eq!(
        page.matches("<rect class=\"window\"").count(),
        1,
        "one window for all that overlap"
    );
    let marks = page.matches("<g class=\"mark\"").count();
    assert!((2..20).contains(&marks), "{marks} marks for 40 anomalies");
}

#[test]
fn the_load_of_every_fault_is_told() {
    let sample = samples::clean();
    let faults = results(&sample)["faults"].clone();
    for fault in faults.as_array().into_iter().flatten() {
        let load = |name: &str| fault["load"][name].as_u64().unwrap_or_default();
        assert!(load("asked") > 0 && load("open") >= load("asked"), "{fault}");
        assert!(load("ok") > 0, "{fault}");
    }
    assert!(html(&sample.run()).contains("asked: "));
    let silent = cases::broke();
    assert_eq!(results(&silent)["faults"], json!([]));
}

#[test]
fn megabytes_are_cut_and_counted() {
    let sample = samples::hostile(&"<b>x\u{202e}W".repeat(200_000));
    for (name, output) in outputs(&sample).iter().filter(|(name, _)| *name != "results.json") {
        assert!(output.len() < 400_000, "{name}: {} bytes", output.len());
        assert!(output.contains("more characters)"), "{name}");
        assert!(output.contains("\\u{202e}"), "{name}");
    }
}

/// Where the harness stood still nothing was seen: the page shows it in its place, and says so.
#[test]
fn the_page_shows_when_the_harness_stood_still() {
    let page = html(&cases::stalled().run());
    let rects: Vec<&str> = page.split("<rect class=\"gap\"").skip(1).collect();
    let gaps: Vec<&str> = rects.iter().copied().filter(|rect| rect.contains("<title>")).collect();
    let of = |part: &str| {
        let rect = gaps.iter().find(|rect| rect.contains(part)).unwrap_or_else(|| panic!("{part}"));
        let number = |name: &str| {
            let text = rect.split_once(&format!(" {name}=\"")).expect("it has one").1;
            text.split_once('"').expect("it ends").0.parse::<f64>().expect("a number")
        };
        (number("x"), number("width"))
    };
    let (stalled, ended) =
        (of("the harness stood still: 20.000 s"), of("a part of the harness had ended: 50.000 s"));
    // 3 of 30 s between the two beginnings.
    let second = (ended.0 - stalled.0) / 30.0;
    assert!((stalled.1 - 3.0 * second).abs() < 0.5, "{stalled:?} {ended:?}");
    assert!(ended.1 > 3.0 * second, "to the end: {ended:?}");
    for told in ["the harness (clients and observer) stood still since", "it saw nothing"] {
        assert!(decoded(&page).contains(told), "{told}");
    }
    all_say(&cases::stalled(), "the thread that sends packets on");
    assert!(!html(&samples::clean().run()).contains("the harness stood still"));
}
