//! What a user chooses of a target, and where it takes effect.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use fracas_checker::NodeId;
use fracas_targets::{Diagnostic, Known, Settings, Target};

const SETTINGS: &str = r#"
[settings.reads]
description = "what a read does first"
default = "sync"
one-of = ["sync", "plain"]

[settings.classes]
description = "where the classes are"
default = "/usr/share/server.jar"
"#;

/// The sample target with settings that its texts use.
fn text() -> String {
    include_str!("valid-program.toml")
        .replace("path = \"server\"", "path = \"server\"\nversion = [\"{{ set.classes }}\"]")
        .replace("[\"{{ binary }}\"]", "[\"{{ binary }}\", \"{{ set.classes }}\"]")
        .replace("quorum = \"true\"", "quorum = \"{{ set.reads }}\"")
        .replace("client.py\"]", "client.py\", \"{{ set.reads }}\"]")
        + SETTINGS
}

fn load(text: &str, chosen: &[(&str, &str)]) -> Result<Target, Diagnostic> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let settings: Settings = chosen.iter().map(owned).collect();
    let known = Known { faults: &support::FAULTS, settings: &settings, serves: None };
    Target::load("sample.toml", text, known)
}

#[test]
fn a_setting_has_its_default_or_what_was_chosen() {
    for (chosen, reads, classes) in [
        (&[][..], "sync", "/usr/share/server.jar"),
        (&[("reads", "plain")], "plain", "/usr/share/server.jar"),
        (&[("reads", "plain"), ("classes", "/a:/b")], "plain", "/a:/b"),
    ] {
        let target = load(&text(), chosen).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(target.settings()["reads"].value, reads);
        let version = target.version_command(Path::new("/s"), &BTreeMap::new());
        assert_eq!(version.unwrap(), [classes]);
        let program = target.client_program(Path::new("/t")).unwrap();
        assert_eq!(program, ["python3", "/t/client.py", reads]);
        let cluster = support::loopback("server", 1, Path::new("/nodes"));
        let deployment = target.deploy(&cluster).unwrap();
        assert_eq!(deployment.nodes[&NodeId(1)].first().argv, ["server", classes]);
    }
}

#[test]
fn a_choice_that_the_target_does_not_have_is_refused() {
    let error = load(&text(), &[("read", "plain")]).unwrap_err();
    assert_eq!(error.title, "unknown setting `read`");
    assert!(error.rendered.contains("expected one of `classes`, `reads`"), "{error}");
    assert!(error.rendered.contains("did you mean `reads`?"), "{error}");
    let error = load(&text(), &[("reads", "plan")]).unwrap_err();
    assert_eq!(error.title, "`plan` is not a value of setting `reads`");
    assert_eq!(error.key, "settings.reads.default");
    assert!(error.rendered.contains("did you mean `plain`?"), "{error}");
    let error = load(&text(), &[("classes", &"x".repeat(1 << 15))]).unwrap_err();
    assert_eq!(error.title, "the value of setting `classes` is too long");
    let error = load(include_str!("valid-program.toml"), &[("reads", "sync")]).unwrap_err();
    assert!(error.rendered.contains("this target has no settings"), "{error}");
}

/// The whole file is judged with what was chosen, not with the defaults alone.
#[test]
fn a_choice_cannot_lead_out_of_the_directory_of_a_node() {
    let data = "[node]\ndata = [\"{{ node.dir }}/{{ set.classes }}\"]";
    let text = text().replace("[node]", data);
    assert!(load(&text, &[("classes", "jars")]).is_ok());
    let error = load(&text, &[("classes", "../../n2")]).unwrap_err();
    assert_eq!(error.title, "path outside of the node's directory");
}

/// What is promised may be chosen; what is promised of leaders alone means nothing without them.
#[test]
fn a_promise_follows_a_setting_where_the_file_says_so() {
    let declared = "[settings.objects]\ndescription = \"promised\"\ndefault = \"none\"\n\
                    [settings.leaders]\ndescription = \"promised\"\ndefault = \"none\"\n\
                    [promises]\nleaders = \"{{ set.leaders }}\"\nstep-down = \"5s\"\n\
                    registers = \"{{ set.objects }}\"";
    let (before, _) =
        text().split_once("[promises]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let text = before + declared + SETTINGS;
    for (chosen, promised) in [
        (&[][..], &[][..]),
        (&[("objects", "linearizable")], &["registers"]),
        (&[("objects", "none")], &[]),
    ] {
        let target = load(&text, chosen).unwrap_or_else(|error| panic!("{error}"));
        let made: Vec<&str> = target.promises().made.iter().map(|promise| promise.key).collect();
        assert_eq!(made, promised, "{chosen:?}");
    }
    let error = load(&text, &[("leaders", "one-per-generation")]).unwrap_err();
    assert_eq!(error.title, "`one-per-generation` cannot be checked without a status");
}
