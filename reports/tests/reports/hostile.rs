//! Texts from outside can neither act nor deceive, in any of the outputs.

use crate::markup::{Piece, balanced, inert, pieces};
use crate::samples;
use fracas_reports::{FILES, html, junit, results_json, summary};

/// Tags that have no end in HTML.
const VOID: [&str; 1] = ["meta"];

/// Every tag that the page's templates write.
const TAGS: &str = " html head meta title style body script header main footer nav section article \
    div p span strong h1 h2 h3 h4 ul ol li dl dt dd table thead tbody tr th td a code pre kbd button \
    details summary figure figcaption svg defs pattern g rect line path polyline circle text ";

fn attacks() -> Vec<String> {
    let long = format!("<script>{}", "<b>x\u{202e}".repeat(20_000));
    samples::hostile::ATTACKS
        .iter()
        .map(|attack| (*attack).to_owned())
        .chain([samples::attack(), long])
        .collect()
}

/// Whether a reader could be deceived by it, or a parser refuse it.
pub(crate) fn invisible(char: char) -> bool {
    (char.is_control() && char != '\n')
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{fffe}')
}

#[test]
fn nothing_invisible_is_written() {
    for attack in attacks() {
        for (name, _, render) in FILES {
            let text = render(&samples::hostile(&attack).run());
            let bad = text.chars().find(|char| invisible(*char));
            assert_eq!(bad, None, "{name}");
        }
    }
}

#[test]
fn the_page_has_only_its_own_tags() {
    for attack in attacks() {
        let page = html(&samples::hostile(&attack).run());
        let pieces = pieces(&page);
        balanced(&pieces, &VOID);
        inert(&pieces, TAGS);
        let count = |wanted| {
            pieces
                .iter()
                .filter(|it| matches!(it, Piece::Open(name, ..) if *name == wanted))
                .count()
        };
        assert_eq!((count("script"), count("style"), count("title") > 0), (1, 1, true));
    }
}

#[test]
fn the_policy_names_the_very_script_and_style() {
    let sample = samples::hostile(&samples::attack());
    let page = html(&sample.run());
    let clean = html(&samples::clean().run());
    let policy = |page: &str| {
        let at = page.find("default-src 'none'").expect("there is a policy");
        page[at..].split('"').next().unwrap_or_default().to_owned()
    };
    assert_eq!(policy(&page), policy(&clean));
    assert!(!policy(&page).contains("unsafe"));
    assert_eq!(policy(&page).matches("'sha256-").count(), 2);
}

#[test]
fn junit_stays_well_formed() {
    for attack in attacks() {
        let xml = junit(&samples::hostile(&attack).run());
        let pieces = pieces(&xml);
        balanced(&pieces, &[]);
        let known = [
            "testsuites",
            "testsuite",
            "properties",
            "property",
            "testcase",
            "failure",
            "skipped",
            "error",
            "system-out",
        ];
        for piece in &pieces {
            if let Piece::Open(name, ..) = piece {
                assert!(known.contains(name), "<{name}> is none of ours");
            }
        }
    }
}

#[test]
fn results_stay_json_with_the_very_texts() {
    for attack in attacks() {
        let text = results_json(&samples::hostile(&attack).run());
        assert!(!text.contains(['<', '>', '&']));
        let json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(json["headline"], attack);
        assert_eq!(json["findings"][0]["class"], attack);
    }
}

#[test]
fn the_summary_has_only_its_own_markup() {
    for attack in attacks() {
        let text = summary(&samples::hostile(&attack).run());
        let mut rest = text.clone();
        for own in
            ["<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>", "<br>"]
        {
            rest = rest.replace(own, "");
        }
        assert!(!rest.contains(['<', '>', '`', '[', '@']), "{rest}");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 4);
        assert!(rows.iter().all(|row| row.matches('|').count() == 4), "{rows:?}");
    }
}
