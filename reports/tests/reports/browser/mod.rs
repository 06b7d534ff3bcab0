//! The pages in a real browser: nothing wider than the screen, clipped, overlapping or pale.
//!
//! One Chromium opens every sample in frames, as wide as a desk and as a phone, light and dark, with
//! a script in each copy that measures it. Where there is no Chromium this says so and is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fracas_reports::{Index, Stored, html, index_html};
use serde::Deserialize;
use serde_json::Value;

use crate::nights::hostile;
use crate::nights::invented::seven_nights;
use crate::samples::{self, Sample};

/// The names under which Debian and others install the browser.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

const MEASURE: &str = include_str!("measure.js");

/// As wide as a desk and as a phone, and how many pixels high a page may be there, however much of
/// the run was hostile.
const SCREENS: [(u32, u32); 2] = [(1400, 10_000), (390, 24_000)];

/// How long the frames may take, in milliseconds of the browser's own time.
const BUDGET_MS: u32 = 60_000;

/// What the script in a page tells of it.
#[derive(Debug, Deserialize)]
struct Measured {
    look: String,
    wrong: Vec<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    /// How light the page is, from 0 to 1.
    #[serde(default)]
    page: f64,
}

/// Every page that is looked at.
fn pages() -> Vec<(&'static str, Sample)> {
    vec![
        ("stale-read", samples::stale_read()),
        ("split-brain", samples::split_brain()),
        ("clean", samples::clean()),
        ("inconclusive", samples::inconclusive()),
        ("busy", samples::busy(400)),
        ("empty", samples::empty()),
        ("hostile", samples::hostile(&samples::attack())),
        ("untried", samples::cases::untried()),
        ("faultless", samples::cases::faultless()),
        ("crashed", samples::cases::crashed()),
        ("double-votes", samples::cases::double_votes()),
        ("broke", samples::cases::broke()),
        ("storm", samples::cases::storm()),
        ("stalled", samples::cases::stalled()),
        ("megabytes", samples::hostile(&"<b>x\u{202e}W".repeat(200_000))),
    ]
}

/// Every index that is looked at.
fn indexes() -> Vec<(&'static str, Index)> {
    let index = |runs: &[Value]| {
        let read = |run: &Value| Stored::read(run.to_string().as_bytes(), None);
        let runs = runs.iter().map(|run| read(run).expect("the runs are invented well"));
        Index::of(runs.collect(), Vec::new(), 0)
    };
    let attack = "<b>x\u{202e}W".repeat(20_000);
    vec![
        ("nights", index(&seven_nights())),
        ("hostile-nights", index(&hostile(&attack))),
        ("first-night", index(&seven_nights()[..4])),
    ]
}

fn browser() -> Option<&'static str> {
    let starts = |name: &&str| {
        let version = Command::new(name).arg("--version").stderr(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    };
    NAMES.into_iter().find(starts)
}

#[test]
fn pages_are_whole_in_a_browser() {
    let Some(browser) = browser() else {
        println!("skipped: there is no Chromium to show the pages");
        return;
    };
    let dir = std::env::temp_dir().join(format!("fracas-pages-{}", std::process::id()));
    let looks = write(&dir);
    let dom = dump(browser, &dir);
    fs::remove_dir_all(&dir).expect("what was written can be removed");
    let measured: Vec<Measured> = dom
        .split("<li>")
        .skip(1)
        .map(|item| item.split("</li>").next().unwrap_or_default())
        .map(|json| serde_json::from_str(&unescape(json)).expect("the script writes JSON"))
        .collect();
    assert_eq!(measured.len(), looks, "a page did not tell: {dom}");
    let wrong: Vec<String> = measured.iter().flat_map(complaints).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with one look at one page.
fn complaints(measured: &Measured) -> Vec<String> {
    let mut wrong = measured.wrong.clone();
    let limit = SCREENS.iter().find(|(width, _)| *width == measured.width);
    match limit {
        Some((_, limit)) if measured.height > *limit && !measured.look.contains("open") => {
            wrong.push(format!("the page is {} px high", measured.height));
        }
        Some(_) => {}
        None => wrong.push(format!("the screen is {} px wide", measured.width)),
    }
    let dark = measured.look.contains("theme=dark");
    if (measured.page < 0.2) != dark {
        wrong.push(format!("the page is {:.2} light", measured.page));
    }
    wrong.into_iter().map(|fault| format!("{}: {fault}", measured.look)).collect()
}

/// Writes a copy of every page that measures itself, and one page with a frame for every look at
/// each; returns how many looks there are.
fn write(dir: &Path) -> usize {
    fs::create_dir_all(dir).expect("the temporary directory can be written");
    let mut frames = Vec::new();
    for (name, sample) in pages() {
        looks(dir, name, &html(&sample.run()), &mut frames);
    }
    for (name, index) in indexes() {
        looks(dir, name, &index_html(&index), &mut frames);
    }
    let page = include_str!("frames.html").replace("FRAMES", &frames.join(", "));
    fs::write(dir.join("frames.html"), page).expect("a page can be written");
    frames.len()
}

/// Writes a copy of a page that measures itself, and adds a frame for every look at it.
fn looks(dir: &Path, name: &str, page: &str, frames: &mut Vec<String>) {
    let (head, rest) = page.split_once("<meta http-equiv").expect("the page has a policy");
    let (_, rest) = rest.split_once('>').expect("a tag ends");
    let copy = format!("{head}{rest}<script>{MEASURE}</script>");
    fs::write(dir.join(format!("{name}.html")), copy).expect("a page can be written");
    for (width, _) in SCREENS {
        for look in ["theme=light", "theme=dark&open=all"] {
            let source = format!("{name}.html?page={name}&{look}");
            frames.push(format!("[\"{source}\", {width}]"));
        }
    }
}

/// What is on the page of frames when all of them have told.
fn dump(browser: &str, dir: &Path) -> String {
    let profile: PathBuf = dir.join("profile");
    let output = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--hide-scrollbars", "--dump-dom"])
        .arg(format!("--virtual-time-budget={BUDGET_MS}"))
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", dir.join("frames.html").display()))
        .output()
        .expect("the browser can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a page is UTF-8")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&")
}
