//! `metrics.prom` is what a strict reader of the text format takes, and says what was found.

use std::collections::BTreeMap;

use crate::samples::{self, Sample};
use fracas_reports::FILES;

/// The samples of a page by what stands before their number. Panics at whatever the format does not
/// allow: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
fn read(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with('\n'), "the last line ends too");
    let (mut families, mut samples) = (Vec::new(), BTreeMap::new());
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            families.push(help.split(' ').next().expect("a name"));
            let names = families.iter().filter(|name| Some(*name) == families.last());
            assert_eq!(names.count(), 1, "a family is in one place: {line}");
            continue;
        }
        let name = families.last().copied().unwrap_or_default();
        if line.starts_with('#') {
            assert_eq!(line, format!("# TYPE {name} gauge"));
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a number at the end");
        labels(series.strip_prefix(name).expect(line));
        let value = value.parse().expect(line);
        assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
    }
    samples
}

/// Fails unless these are labels: `{a="b",c="d\"e"}`.
fn labels(text: &str) {
    let mut rest = text.strip_prefix('{').expect(text);
    loop {
        let (name, behind) = rest.split_once("=\"").expect(text);
        let plain = |char: char| char.is_ascii_lowercase() || char == '_';
        assert!(!name.is_empty() && name.chars().all(plain), "{text}");
        let mut chars = behind.char_indices();
        let end = loop {
            match chars.next().expect(text) {
                (end, '"') => break end,
                (_, '\\') => assert!(matches!(chars.next(), Some((_, '\\' | '"' | 'n'))), "{text}"),
                (_, char) => assert!(!char.is_control(), "{text}"),
            }
        };
        match &behind[end + 1..] {
            "}" => return,
            more => rest = more.strip_prefix(',').expect(text),
        }
    }
}

fn page(sample: &Sample) -> String {
    let render = FILES.iter().find(|(name, ..)| *name == "metrics.prom").expect("it is written").2;
    render(&sample.run())
}

/// The numbers of samples, by name and the labels behind those that all have.
fn numbers(sample: &Sample) -> BTreeMap<String, f64> {
    let common = format!(
        "{{target=\"{}\",workload=\"{}\"",
        sample.record.target.name,
        sample.record.workloads.join(",")
    );
    let short = |(series, value): (String, f64)| {
        assert!(series.contains(&common), "{series}");
        (series.replace(&common, "").trim_start_matches(',').replace(['"', '}'], ""), value)
    };
    read(&page(sample)).into_iter().map(short).collect()
}

#[test]
fn every_page_keeps_to_the_format() {
    let attacks = [samples::attack(), "a\"} 1\n# TYPE x\\".to_owned()];
    let hostile = attacks.iter().map(|attack| samples::hostile(attack));
    let plain = [samples::stale_read(), samples::split_brain(), samples::busy(50)];
    let few = [samples::clean(), samples::inconclusive(), samples::empty(), samples::judged()];
    for sample in hostile.chain(plain).chain(few) {
        assert!(!read(&page(&sample)).is_empty());
    }
}

#[test]
fn the_numbers_are_those_of_the_run() {
    let sample = samples::stale_read();
    let found = numbers(&sample);
    let value = |name: &str| *found.get(name).unwrap_or_else(|| panic!("{name}: {found:#?}"));
    assert_eq!(value("fracas_verdict,verdict=anomaly"), 1.0);
    assert_eq!(value("fracas_verdict,verdict=pass"), 0.0);
    assert_eq!(value("fracas_anomalies,class=stale-read"), 1.0);
    assert_eq!(value("fracas_check_verdict,check=register/linearizable,verdict=anomaly"), 1.0);
    let outcomes = ["ok", "fail", "unknown"];
    let asked: f64 =
        outcomes.map(|name| value(&format!("fracas_operations,outcome={name}"))).iter().sum();
    assert_eq!(asked, sample.history.operations().len() as f64);
    let faults: f64 =
        found.iter().filter(|(name, _)| name.starts_with("fracas_faults")).map(|(_, n)| n).sum();
    assert_eq!(faults, sample.history.faults().len() as f64);
    for kind in &sample.record.faults {
        assert!(found.contains_key(&format!("fracas_faults,kind={kind},proven=true")), "{kind}");
    }
}

#[test]
fn exactly_one_verdict_is_the_one() {
    let mut failed = samples::clean();
    failed.record.ended = fracas_reports::Ended::Failed { reason: "no disk".to_owned() };
    for sample in [samples::clean(), samples::inconclusive(), samples::split_brain(), failed] {
        let found = numbers(&sample);
        let verdicts = found.iter().filter(|(name, _)| name.starts_with("fracas_verdict"));
        assert_eq!(verdicts.map(|(_, value)| value).sum::<f64>(), 1.0);
    }
}
