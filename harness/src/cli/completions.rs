//! `fracas completions` and `fracas man`: the command line, as shells and readers of manuals know it.

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::exit::Exit;
use crate::output::{complain, print};

/// Arguments of `fracas completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `fracas man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// The directory of the pages, which is made; without it the page of `fracas` goes to stdout.
    dir: Option<PathBuf>,
}

/// Writes the completions of a shell to stdout.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "fracas", &mut text);
    print(&String::from_utf8_lossy(&text));
    Exit::Pass
}

/// Writes the manual pages.
pub(super) fn man(args: &ManArgs, command: Command) -> Exit {
    let written = match &args.dir {
        Some(dir) => pages(dir, command),
        None => page(command).map(|text| print(&text)),
    };
    match written {
        Ok(()) => Exit::Pass,
        Err(error) => {
            complain(&format!("write the manual pages: {error}"));
            Exit::Usage
        }
    }
}

/// The page of a command.
fn page(command: Command) -> io::Result<String> {
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A page of every command, in a directory: `fracas.1`, `fracas-run.1`.
fn pages(dir: &Path, command: Command) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command, dir)
}
