//! The command that repeats one run, made from what was typed.

use clap::Args;
use fracas_targets::quoted;

use super::run_args::RunArgs;

/// What a repetition of one run does not repeat.
const ONCE: [&str; 4] = ["--seed", "--repeat", "--test-count", "--until-fail"];

/// The command that repeats one run: what was typed, with this target and this seed only.
pub(super) fn command(args: &RunArgs, target: &str, seed: u64) -> String {
    let mut words = vec!["fracas".to_owned(), "run".to_owned(), target.to_owned()];
    let typed = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let typed: Vec<String> = typed.collect();
    let mut rest = typed.into_iter().skip_while(|word| *word != "run").skip(1);
    while let Some(word) = rest.next() {
        let value = takes_value(&word).then(|| rest.next()).flatten();
        let once = ONCE.contains(&word.split('=').next().unwrap_or_default());
        // A value may be called like a target: `fracas run regent --out regent`.
        if !once && (value.is_some() || !args.targets.contains(&word)) {
            words.push(word);
            words.extend(value);
        }
    }
    // Given as a variable it would be lost, and the repetition would run another server.
    let typed_binary = words.iter().any(|word| word.split('=').next() == Some("--binary"));
    if let (Some(binary), false) = (&args.binary, typed_binary) {
        words.push(format!("--binary={}", binary.display()));
    }
    words.push(format!("--seed={seed}"));
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Whether the next word is the value of this one.
fn takes_value(word: &str) -> bool {
    let run = RunArgs::augment_args(clap::Command::default());
    let is_meant = |arg: &clap::Arg| match word.strip_prefix("--") {
        Some(name) => {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(name) || aliases.contains(&name)
        }
        None => arg.get_short().is_some_and(|letter| word == format!("-{letter}")),
    };
    run.get_arguments().any(|arg| arg.get_action().takes_values() && is_meant(arg))
}
