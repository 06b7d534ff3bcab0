//! `fracas init`: a target file to begin with, and a client program where one is asked for.
//!
//! It writes what is there to be changed, and replaces no file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::exit::Exit;
use crate::output::{print, tell};

/// Arguments of `fracas init`.
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// The name of the system: lower-case letters, digits and `-`.
    name: String,
    /// It answers HTTP requests (the default).
    #[arg(long, conflicts_with_all = ["resp", "program"])]
    http: bool,
    /// It speaks the protocol of Redis.
    #[arg(long, conflicts_with = "program")]
    resp: bool,
    /// It speaks something else: a client program in this language asks it.
    #[arg(long, value_name = "LANGUAGE")]
    program: Option<Language>,
    /// Where the files are written.
    #[arg(long, default_value = ".", value_name = "DIRECTORY")]
    dir: PathBuf,
}

/// A language that there is a kit for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// Python.
    Python,
    /// JavaScript, for Node.
    Javascript,
    /// Go.
    Go,
    /// Java.
    Java,
    /// Rust.
    Rust,
}

/// A kit, by the name of its file.
macro_rules! kit {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../targets/clients/", $name)))
    };
}

/// A client program to begin with.
struct Start {
    /// Its file, and what is in it.
    client: (&'static str, &'static str),
    /// The kit beside it.
    kit: (&'static str, &'static str),
    /// How it is started, as the target file says it.
    program: &'static str,
    /// How it is made, if it must be.
    made: Option<&'static str>,
}

impl Language {
    fn start(self) -> Start {
        match self {
            Self::Python => Start {
                client: ("client.py", include_str!("init/client.py")),
                kit: kit!("fracas_client.py"),
                program: r#"["python3", "{{ target.dir }}/client.py"]"#,
                made: None,
            },
            Self::Javascript => Start {
                client: ("client.mjs", include_str!("init/client.mjs")),
                kit: kit!("fracas_client.mjs"),
                program: r#"["node", "{{ target.dir }}/client.mjs"]"#,
                made: None,
            },
            Self::Go => Start {
                client: ("client.go", include_str!("init/client.go")),
                kit: kit!("fracas_client.go"),
                program: r#"["{{ target.dir }}/client"]"#,
                made: Some("go build -o client client.go fracas_client.go"),
            },
            Self::Java => Start {
                client: ("Client.java", include_str!("init/Client.java")),
                kit: kit!("FracasClient.java"),
                program: r#"["java", "-cp", "{{ target.dir }}", "Client"]"#,
                made: Some("javac Client.java FracasClient.java"),
            },
            Self::Rust => Start {
                client: ("client.rs", include_str!("init/client.rs.txt")),
                kit: kit!("fracas_client.rs"),
                program: r#"["{{ target.dir }}/client"]"#,
                made: Some("rustc --edition 2024 -O client.rs"),
            },
        }
    }
}

/// Writes the files, and says how to go on.
pub(super) fn init(args: &InitArgs) -> Exit {
    let start = args.program.map(Language::start);
    match write_all(args, start.as_ref()) {
        Ok(written) => {
            print(&next(&written, start.as_ref()));
            Exit::Pass
        }
        Err(why) => {
            tell(&why);
            Exit::Usage
        }
    }
}

/// The files that are made, each with its text; the target file is the first.
fn files(args: &InitArgs, start: Option<&Start>) -> Vec<(String, String)> {
    let named = |text: &str| text.replace("NAME", &args.name);
    let target = |text: &str| (format!("{}.toml", args.name), named(text));
    match start {
        None if args.resp => vec![target(include_str!("init/resp.toml"))],
        None => vec![target(include_str!("init/http.toml"))],
        Some(Start { client, kit, program, .. }) => vec![
            target(&include_str!("init/program.toml").replace("PROGRAM", program)),
            (client.0.to_owned(), named(client.1)),
            (kit.0.to_owned(), kit.1.to_owned()),
        ],
    }
}

fn write_all(args: &InitArgs, start: Option<&Start>) -> Result<Vec<PathBuf>, String> {
    let name = &args.name;
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(fits) {
        return Err(format!(
            "error: `{name}` cannot be the name of a target: expected a lower-case letter, then \
             lower-case letters, digits and `-`"
        ));
    }
    let files = files(args, start);
    let taken = files.iter().map(|(name, _)| args.dir.join(name)).find(|path| path.exists());
    if let Some(path) = taken {
        return Err(format!("error: `{}` is there already: nothing was written", path.display()));
    }
    let written = files.iter().map(|(name, text)| {
        let path = args.dir.join(name);
        let failed = |error| format!("error: failed to write `{}`: {error}", path.display());
        write(&path, text).map_err(failed)?;
        Ok(path)
    });
    written.collect()
}

/// Writes a file that must not exist yet.
fn write(path: &Path, text: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}

/// What was written, and what to do next.
fn next(written: &[PathBuf], start: Option<&Start>) -> String {
    let mut text = String::new();
    for path in written {
        text.push_str(&format!("wrote {}\n", path.display()));
    }
    if let Some(made) = start.and_then(|start| start.made) {
        text.push_str(&format!("make the client program: {made}\n"));
    }
    let target = written.first().map(|path| path.display().to_string()).unwrap_or_default();
    text + &format!("next: fracas validate {target}\n")
}
