//! `fracas convert`: a history in another format.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use fracas_checker::formats::{Hint, Recorded, jepsen_edn, jsonl};
use fracas_checker::history::History;
use fracas_checker::objects;

use super::check::{initial, models, open};
use crate::exit::Exit;
use crate::output::{Out, complain, tell};
use fracas_engine::text::plain;

/// Arguments of `fracas convert`.
#[derive(Debug, clap::Args)]
pub(super) struct ConvertArgs {
    /// A file with a history, or the directory or name of a run; `-` reads from stdin.
    history: String,
    /// The format to write.
    #[arg(long, value_enum)]
    to: To,
    /// The kind of object that the operations act on, if the file does not tell.
    #[arg(long, value_name = "MODEL", value_parser = PossibleValuesParser::new(models()))]
    model: Option<String>,
    /// The value of every register, text or counter before the first operation: written as the
    /// first operations [default: none].
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    initial: Option<String>,
    /// The file to write [default: stdout].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    out: Out,
}

/// What can be written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum To {
    /// The lines of fracas: `fracas.history/2`.
    Fracas,
    /// Jepsen's operation maps, of clients only: faults and observations are left out.
    JepsenEdn,
}

/// Reads a history and writes it.
pub(super) fn convert(args: &ConvertArgs) -> Exit {
    let kind = args.model.as_deref().and_then(objects::named);
    let opened = open(&args.out.out, &args.history, &Hint { format: None, kind });
    let recorded = match opened.and_then(|(_, recorded)| started(args, recorded)) {
        Ok(recorded) => recorded,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    for note in &recorded.notes {
        tell(&format!("note: {}", plain(note)));
    }
    let written = match &args.output {
        Some(path) => File::create(path)
            .and_then(|file| write(&recorded.history, args.to, BufWriter::new(file))),
        None => write(&recorded.history, args.to, BufWriter::new(io::stdout().lock())),
    };
    match written {
        Ok(()) => Exit::Pass,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Pass,
        Err(error) => {
            let name = args
                .output
                .as_ref()
                .map_or("standard output".into(), |path| path.display().to_string());
            complain(&format!("write `{name}`: {error}"));
            Exit::Usage
        }
    }
}

/// The history with the initial value that was asked for.
fn started(args: &ConvertArgs, recorded: Recorded) -> Result<Recorded, Box<dyn std::error::Error>> {
    let Some(word) = &args.initial else { return Ok(recorded) };
    let kind = args.model.as_deref().and_then(objects::named);
    let started = recorded.starting_at(&initial(word), kind);
    started.map_err(|error| format!("convert `{}`: {error}", args.history).into())
}

fn write(history: &History, to: To, mut out: impl Write) -> io::Result<()> {
    match to {
        To::Fracas => jsonl::write(history, &mut out)?,
        To::JepsenEdn => jepsen_edn::write(history, &mut out)?,
    }
    out.flush()
}
