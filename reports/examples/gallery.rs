//! Writes the reports of some invented runs, to look at: `cargo run --example gallery -- DIR`.

#[path = "../tests/reports/nights/invented.rs"]
mod invented;
#[path = "../tests/reports/samples/mod.rs"]
mod samples;

use std::io;
use std::path::Path;

use fracas_reports::{Index, Stored, index_html, index_json};
use samples::Sample;
use serde_json::Value;

fn main() -> io::Result<()> {
    let Some(dir) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("expected a directory to write to as the only argument"));
    };
    let gallery = [
        ("stale-read", samples::stale_read()),
        ("split-brain", samples::split_brain()),
        ("judged", samples::judged()),
        ("clean", samples::clean()),
        ("inconclusive", samples::inconclusive()),
        ("busy", samples::busy(400)),
        ("empty", samples::empty()),
        ("hostile", samples::hostile(&samples::attack())),
        ("megabytes", samples::hostile(&"<b>x\u{202e}W".repeat(200_000))),
        ("untried", samples::cases::untried()),
        ("faultless", samples::cases::faultless()),
        ("crashed", samples::cases::crashed()),
        ("double-votes", samples::cases::double_votes()),
        ("broke", samples::cases::broke()),
        ("storm", samples::cases::storm()),
        ("stalled", samples::cases::stalled()),
    ];
    for (name, sample) in &gallery {
        write(&Path::new(&dir).join(name), sample)?;
    }
    write_nights(&Path::new(&dir).join("nights"))
}

fn write_nights(dir: &Path) -> io::Result<()> {
    let read = |run: &Value| Stored::read(run.to_string().as_bytes(), None);
    let runs = invented::seven_nights();
    let runs = runs.iter().map(|run| read(run).expect("the runs are invented well"));
    let index = Index::of(runs.collect(), Vec::new(), 0);
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("index.html"), index_html(&index))?;
    std::fs::write(dir.join("index.json"), index_json(&index))
}

fn write(dir: &Path, sample: &Sample) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for (name, _, render) in fracas_reports::FILES {
        std::fs::write(dir.join(name), render(&sample.run()))?;
    }
    Ok(())
}
