//! What cargo knows of the project, for the tests that judge it.

use std::process::Command;

use serde_json::Value;

use crate::tree::root;

/// What cargo knows of the workspace and of all that it is built from.
pub(crate) fn metadata() -> Value {
    told(&[]).unwrap_or_else(|error| panic!("{error}"))
}

/// The same with these arguments too; what cargo says, if it cannot tell.
pub(crate) fn told(arguments: &[&str]) -> Result<Value, String> {
    let usual = ["metadata", "--format-version", "1", "--filter-platform", PLATFORM];
    let told = cargo(&[&usual, arguments].concat())?;
    Ok(serde_json::from_str(&told).expect("cargo writes JSON"))
}

/// Where it is built.
pub(crate) const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What cargo answers, or what it says if it cannot. It downloads nothing.
pub(crate) fn cargo(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

/// A list of what cargo tells.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("cargo tells no `{name}`"))
}

/// A text of what cargo tells.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("cargo tells no `{name}`"))
}
