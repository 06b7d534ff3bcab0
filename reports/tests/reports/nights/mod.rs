//! Many nights: what the index says of invented ones, that it depends on the runs alone, how large it
//! is, and that no text from outside can act in it.

pub(crate) mod invented;

use fracas_reports::{Index, Stored, Unread, index_html, index_json, index_text};
use serde_json::{Value, json};

use crate::hostile::invisible;
use crate::markup::{balanced, inert, pieces};
use crate::samples;
use invented::{Invented, Kind, row, seven_nights};

fn index(runs: &[Value]) -> Index {
    Index::of(runs.iter().map(stored).collect(), Vec::new(), 0)
}

fn stored(run: &Value) -> Stored {
    let page = format!("{}/report.html", run["run"]["id"].as_str().unwrap_or_default());
    Stored::read(run.to_string().as_bytes(), Some(page)).expect("the runs are invented well")
}

fn parsed(index: &Index) -> Value {
    serde_json::from_str(&index_json(index)).expect("index.json is JSON")
}

/// What the index says after each night: of the row with the bug, and of the row with the flaky one.
#[test]
fn seven_nights_are_told_as_they_were() {
    let all = seven_nights();
    let expected = [
        "no finding, new or old",
        "1 new",
        "1 new · 1 not seen",
        "1 flaky · 1 still there",
        "1 flaky · 1 still there",
        "1 flaky · 1 fixed",
        "1 flaky",
    ];
    for (night, expected) in expected.iter().enumerate() {
        let last = format!("2026-11-{}", 20 + night);
        let began = |run: &Value| run["run"]["started"].as_str().unwrap_or_default().to_owned();
        let end = format!("{last}U");
        let until: Vec<Value> = all.iter().filter(|run| began(run) < end).cloned().collect();
        let index = index(&until);
        let headline = format!("{last}: {expected}");
        assert_eq!(index_text(&index).lines().next(), Some(&headline[..]));
        assert!(index_html(&index).contains(&headline), "night {night}");
        assert_eq!(index.has_news(), expected.contains("new") && !expected.starts_with("no"));
    }
}

#[test]
fn the_course_of_each_finding_is_told() {
    let told = parsed(&index(&seven_nights()));
    assert_eq!(told["schema"], "fracas.index/1");
    assert_eq!(told["nights"].as_array().map(Vec::len), Some(7));
    let findings = told["findings"].as_array().expect("a list");
    let of = |class: &str| findings.iter().find(|it| it["class"] == class).expect("it was found");
    let (bug, flaky) = (&of("stale-read")["rows"][0], &of("split-brain")["rows"][0]);
    assert_eq!((&bug["standing"], &flaky["standing"]), (&json!("gone"), &json!("flaky")));
    assert_eq!((&bug["first_seen"], &bug["last_seen"]), (&json!(2), &json!(4)));
    assert_eq!((&bug["not_seen_since"], &bug["nights"]), (&json!(5), &json!([2, 3, 4])));
    assert_eq!((&bug["runs"]["seen"], &bug["runs"]["of"]), (&json!(12), &json!(12)));
    assert_eq!(bug["versions"]["first_bad"]["version"], "2.4.3");
    assert_eq!(bug["versions"]["last_good_before"]["version"], "2.4.2");
    assert_eq!(bug["versions"]["first_good_after"]["version"], "2.4.6");
    assert_eq!(flaky["nights"], json!([1, 3, 6]));
    let rows = told["rows"].as_array().expect("a list");
    assert_eq!(rows.len(), 3);
    let grave = |row: &Value, answer: &str| {
        let nights = row["nights"].as_array().expect("a list");
        nights.iter().map(|night| night[answer].as_u64().unwrap_or_default()).collect::<Vec<_>>()
    };
    let bad: Vec<_> = rows.iter().map(|row| grave(row, "anomaly")).collect();
    for expected in [[0, 0, 4, 4, 4, 0, 0], [0, 1, 0, 1, 0, 0, 1], [0; 7]] {
        assert!(bad.contains(&expected.to_vec()), "{bad:?}");
    }
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(1));
}

/// Shards that have never met, in any order, some of them twice.
#[test]
fn the_index_depends_on_the_runs_alone() {
    let all = seven_nights();
    let whole = index(&all);
    let (even, odd): (Vec<_>, Vec<_>) =
        all.iter().cloned().enumerate().partition(|(place, _)| place % 2 == 0);
    let apart: Vec<Value> = odd.into_iter().rev().chain(even).map(|(_, run)| run).collect();
    let merged = index(&apart);
    assert_eq!(index_json(&merged), index_json(&whole));
    assert_eq!(index_html(&merged), index_html(&whole));
    let twice = index(&[&all[..], &all[..9]].concat());
    let mut told = parsed(&twice);
    assert_eq!(told["copies"], 9);
    told["copies"] = json!(0);
    assert_eq!(told, parsed(&whole));
}

/// Shards of a night that go on after midnight belong to it, and rows of a plan keep apart.
#[test]
fn plans_say_which_night_and_row_a_run_is_of() {
    let planned = |seed, started: &str, plan_row: &str| {
        let mut run = Invented { row: row(0), day: 20, seed, kind: Kind::Stale }.json();
        run["run"]["started"] = json!(started);
        for (key, value) in [("plan", "nightly"), ("row", plan_row), ("night", "2026-11-20")] {
            run["run"][key] = json!(value);
        }
        run
    };
    let runs = [
        planned(1, "2026-11-20T23:50:00Z", "a"),
        planned(2, "2026-11-21T00:10:00Z", "a"),
        planned(3, "2026-11-21T00:20:00Z", "b"),
        Invented { row: row(0), day: 20, seed: 4, kind: Kind::Clean }.json(),
    ];
    let told = parsed(&index(&runs));
    assert_eq!(told["nights"], json!(["2026-11-20"]));
    let plans: Vec<&Value> =
        told["rows"].as_array().expect("a list").iter().map(|row| &row["plan"]).collect();
    assert_eq!(plans, [&Value::Null, &json!("nightly, a"), &json!("nightly, b")]);
    let mut wrong = runs[0].clone();
    wrong["run"]["night"] = json!("tonight");
    assert_eq!(parsed(&index(&[wrong]))["nights"], json!(["2026-11-20"]));
}

/// Where all runs of a night were undecided nothing is called fixed.
#[test]
fn a_night_that_decided_nothing_fixes_nothing() {
    let run = |day, seed, kind| Invented { row: row(0), day, seed, kind }.json();
    let seen: Vec<Value> = (0..4).map(|seed| run(20, seed, Kind::Stale)).collect();
    let undecided = (0..40).map(|seed| run(21, seed, Kind::Undecided));
    let told = parsed(&index(&[seen.clone(), undecided.collect()].concat()));
    assert_eq!(told["since_last_night"]["absent"], 1);
    assert_eq!(told["since_last_night"]["fixed"], 0);
    let clean = (0..40).map(|seed| run(21, seed, Kind::Clean));
    let told = parsed(&index(&[seen, clean.collect()].concat()));
    assert_eq!(told["since_last_night"]["fixed"], 1);
}

/// A row that did not run on the newest night has neither fixed nor new findings.
#[test]
fn nothing_is_said_of_a_row_that_did_not_run() {
    let run = |row, day, kind| Invented { row, day, seed: 1, kind }.json();
    let runs = [run(row(0), 20, Kind::Stale), run(row(1), 21, Kind::Clean)];
    let index = index(&runs);
    assert!(!index.has_news());
    let page = index_html(&index);
    assert!(page.contains("2026-11-21: no finding, new or old"));
    assert!(page.contains("Without a run on the newest night"));
}

#[test]
fn what_could_not_be_read_is_told() {
    let unread = Unread { file: "a/<b>/results.json".to_owned(), why: "EOF".to_owned() };
    let runs = seven_nights().iter().map(stored).collect();
    let index = Index::of(runs, vec![unread], 2);
    let page = index_html(&index);
    assert!(page.contains("a/&lt;b&gt;/results.json") && page.contains("2 runs have no results"));
    let told = parsed(&index);
    assert_eq!(
        (&told["unread"][0]["why"], &told["runs_without_results"]),
        (&json!("EOF"), &json!(2))
    );
}

/// Ten thousand runs: 20 rows, 125 nights, 4 seeds.
#[test]
fn ten_thousand_runs_fit_in_five_megabytes() {
    let mut runs = Vec::new();
    for night in 0..125 {
        for number in 0..20 {
            for seed in 0..4 {
                let kind = if number == 3 && night % 5 == 0 { Kind::Stale } else { Kind::Clean };
                let day = 1 + night;
                runs.push(stored(&Invented { row: row(number), day, seed, kind }.json()));
            }
        }
    }
    assert_eq!(runs.len(), 10_000);
    let index = Index::of(runs, Vec::new(), 0);
    let (page, json) = (index_html(&index), index_json(&index));
    println!("index.html has {} bytes, index.json {}", page.len(), json.len());
    assert!(page.len() + json.len() <= 5_000_000, "{} and {}", page.len(), json.len());
    assert!(json.contains("\"nights\""));
}

/// Tags that have no end in HTML.
const VOID: [&str; 1] = ["meta"];

/// Every tag that the page's templates write.
const TAGS: &str = " html head meta title style body header main footer nav section article div p span \
    strong em h1 h2 h3 ul li table thead tbody tr th td a code pre details summary svg rect polyline \
    circle ";

/// The runs of a target that says what it likes: only a time must be a time.
pub(crate) fn hostile(attack: &str) -> Vec<Value> {
    let told = fracas_reports::results_json(&samples::hostile(attack).run());
    let mut run: Value = serde_json::from_str(&told).expect("results.json is JSON");
    assert!(Stored::read(told.as_bytes(), None).is_err(), "no time is like that");
    run["run"]["started"] = json!("2026-11-20T<script>alert(1)</script>Z");
    let mut later = run.clone();
    later["run"]["started"] = json!("2026-11-21T02:00:00Z");
    run["target"]["settings"] = json!({ attack: attack });
    run["run"]["faults"] = json!([attack]);
    vec![run, later]
}

#[test]
fn no_text_acts_in_the_index() {
    for attack in
        samples::hostile::ATTACKS.iter().map(|it| (*it).to_owned()).chain([samples::attack()])
    {
        let runs = hostile(&attack).iter().map(stored).collect();
        let unread = Unread { file: attack.clone(), why: attack.clone() };
        let index = Index::of(runs, vec![unread], 1);
        let (page, json) = (index_html(&index), index_json(&index));
        let pieces = pieces(&page);
        balanced(&pieces, &VOID);
        inert(&pieces, TAGS);
        for text in [&page, &json, &index_text(&index)] {
            assert_eq!(text.find(invisible), None);
        }
        assert!(!json.contains(['<', '>', '&']));
        serde_json::from_str::<Value>(&json).expect("index.json is JSON");
    }
}

/// The page works without a script and asks nobody for anything.
#[test]
fn the_policy_lets_nothing_in() {
    let page = index_html(&index(&seven_nights()));
    let at = page.find("default-src 'none'").expect("there is a policy");
    let policy = page[at..].split('"').next().unwrap_or_default();
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), 1);
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    for link in page.split("href=\"").skip(1) {
        let link = link.split('"').next().unwrap_or_default();
        let beside = link.starts_with('#') || link.contains("/report.html");
        assert!(beside && !link.contains(':'), "{link}");
    }
}
