//! `fracas explain`: what an anomaly means, with its smallest example.

use fracas_checker::catalogue::{Class, classes, explain};
use fracas_checker::judge::checks;
use fracas_targets::nearest;

use crate::exit::Exit;
use crate::output::print;

/// Arguments of `fracas explain`.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    /// The name of an anomaly, as a verdict tells it; without it, all of them are listed.
    #[arg(value_name = "ANOMALY", value_parser = anomaly)]
    anomaly: Option<&'static Class>,
}

/// The most letters in a line.
const WIDTH: usize = 80;

/// Prints the long text of one anomaly, or the names of all.
pub(super) fn explained(args: &ExplainArgs) -> Exit {
    match args.anomaly {
        Some(class) => print(&text(class)),
        None => print(&classes().map(first_sentence).collect::<String>()),
    }
    Exit::Pass
}

/// The anomaly of that name, however it is spelt.
fn anomaly(word: &str) -> Result<&'static Class, String> {
    let name = word.to_lowercase().replace(['_', ' '], "-");
    let all = "`fracas list anomalies` lists all names";
    explain(&name).ok_or_else(|| match nearest(&name, classes().map(|class| class.name)) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None if checks().any(|check| check.id == word) => {
            format!("that is a check; expected the name of an anomaly that a check finds: {all}")
        }
        None => format!("expected the name of an anomaly: {all}"),
    })
}

/// A name with the first sentence of its text.
fn first_sentence(class: &Class) -> String {
    format!("{:<28} {}\n", class.name, class.gist())
}

/// The long text.
fn text(class: &Class) -> String {
    let example: String = class.example.lines().map(|line| format!("  {line}\n")).collect();
    let (name, meaning) = (class.name, wrapped(class.meaning));
    format!("{name}\n\n{meaning}\nThe smallest example:\n\n{example}")
}

/// `text` in lines of at most [`WIDTH`] letters.
fn wrapped(text: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_fits_the_screen_and_has_an_example() {
        for class in classes() {
            let text = text(class);
            assert!(text.starts_with(class.name) && !class.example.is_empty());
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH + 20), "{text}");
        }
    }
}
