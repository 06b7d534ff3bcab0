//! Client programs in real runs: the kits of all languages come to equal verdicts, a server that
//! fracas knows nothing of is tested by one, and one that misbehaves is never the target's fault.
//!
//! Skipped where there is no Python, no toolchain of a language, or no lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What `fracas run` says where the machine cannot make a lab.
const CANNOT: i32 = 4;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the sources are there")
}

/// Whether a program is there and says its version.
fn has(program: &str, version: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(version).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether this machine can make a lab: that is asked of `unshare`, not of the program under test.
fn makes_namespaces() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "true"]);
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What came of a run.
struct Ran {
    code: i32,
    text: String,
    out: TempDir,
}

impl Ran {
    fn file(&self, name: &str) -> PathBuf {
        self.out.path().join("latest").join(name)
    }
}

/// Runs a target with kills only; none if this machine cannot.
fn run(target: &Path, extra: &[&str]) -> Option<Ran> {
    run_with(target, &[&["--faults", "kill", "--time", "8s"], extra].concat())
}

/// Runs a target; none if this machine cannot.
fn run_with(target: &Path, arguments: &[&str]) -> Option<Ran> {
    let out = tempfile::tempdir().expect("there is room for a run");
    let output = Command::new(env!("CARGO_BIN_EXE_fracas"))
        .arg("run")
        .arg(target)
        .args(["--seed", "1", "--out"])
        .arg(out.path())
        .args(arguments)
        .output()
        .expect("fracas can be started");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let code = output.status.code().expect("fracas ends by itself");
    if code == CANNOT {
        assert!(!makes_namespaces(), "this machine can: {text}");
        println!("skipped: {text}");
        return None;
    }
    Some(Ran { code, text, out })
}

/// A target file like that of the toy server, with another client program.
fn target(dir: &Path, program: &[&str]) -> PathBuf {
    let toy = root().join("examples/toy-kv");
    let text = fs::read_to_string(toy.join("toy-kv-client.toml")).expect("the example is there");
    let server = toy.join("server.py");
    let line = |text: &str| match text {
        text if text.starts_with("program = ") => format!("program = {program:?}"),
        text if text.starts_with("path = ") => format!("path = {:?}", server.display().to_string()),
        text => text.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    let path = dir.join("target.toml");
    fs::write(&path, lines.join("\n")).expect("there is room for a file");
    path
}

/// A program in this language, made in `dir`; none if there is no toolchain.
fn program(language: &str, dir: &Path) -> Option<Vec<String>> {
    let (kits, toys) = (root().join("targets/clients"), root().join("examples/toy-kv/clients"));
    let made = dir.join("client").display().to_string();
    let must = |command: &mut Command| {
        let output = command.output().expect("the toolchain was there a moment ago");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let toy = |name: &str| toys.join(name).display().to_string();
    let (tool, version) = match language {
        "python" => ("python3", "--version"),
        "javascript" => ("node", "--version"),
        "go" => ("go", "version"),
        "java" => ("javac", "-version"),
        _ => ("rustc", "--version"),
    };
    if !has(tool, version) {
        println!("skipped: there is no {tool}");
        return None;
    }
    let words = match language {
        "python" => vec!["python3".to_owned(), toy("client.py")],
        "javascript" => vec!["node".to_owned(), toy("client.mjs")],
        "go" => {
            for file in [kits.join("fracas_client.go"), toys.join("client.go")] {
                let name = file.file_name().expect("it is a file");
                fs::copy(&file, dir.join(name)).expect("there is room for a copy");
            }
            let files = ["client.go", "fracas_client.go"];
            must(Command::new("go").args(["build", "-o", &made]).args(files).current_dir(dir));
            vec![made]
        }
        "java" => {
            let files = [kits.join("FracasClient.java"), toys.join("Client.java")];
            must(Command::new("javac").arg("-d").arg(dir).args(files));
            let dir = dir.display().to_string();
            vec!["java".to_owned(), "-cp".to_owned(), dir, "Client".to_owned()]
        }
        _ => {
            let flags = ["--edition", "2024", "-O", "-D", "warnings", "-o", &made];
            must(Command::new("rustc").args(flags).arg(toys.join("client.rs")));
            vec![made]
        }
    };
    Some(words)
}

/// A correct server passes, and one that loses writes is found out.
fn judges_the_toy(language: &str) {
    if !has("python3", "--version") {
        return println!("skipped: there is no python3, which the toy server is written in");
    }
    let dir = tempfile::tempdir().expect("there is room for a program");
    let Some(words) = program(language, dir.path()) else { return };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let target = target(dir.path(), &words);
    let Some(right) = run(&target, &[]) else { return };
    assert_eq!(right.code, 0, "{language}: {}", right.text);
    let Some(wrong) = run(&target, &["--arg=--lose-writes"]) else { return };
    assert_eq!(wrong.code, 1, "{language}: {}", wrong.text);
    assert!(wrong.text.contains("register/linearizable"), "{}", wrong.text);
}

#[test]
fn a_client_in_python_judges_the_toy() {
    judges_the_toy("python");
}

#[test]
fn a_client_in_javascript_judges_the_toy() {
    judges_the_toy("javascript");
}

#[test]
fn a_client_in_go_judges_the_toy() {
    judges_the_toy("go");
}

#[test]
fn a_client_in_java_judges_the_toy() {
    judges_the_toy("java");
}

#[test]
fn a_client_in_rust_judges_the_toy() {
    judges_the_toy("rust");
}

/// It speaks lines of text that no part of fracas knows.
#[test]
fn a_lock_server_is_tested_by_a_client_of_forty_lines() {
    if !has("python3", "--version") {
        return println!("skipped: there is no python3");
    }
    let example = root().join("examples/lockd");
    let client = fs::read_to_string(example.join("client.py")).expect("the example is there");
    assert!(client.lines().count() <= 40, "it is to stay small");
    let target = example.join("lockd.toml");
    let Some(right) = run(&target, &[]) else { return };
    assert_eq!(right.code, 0, "{}", right.text);
    let Some(wrong) = run(&target, &["--arg=--forgetful"]) else { return };
    assert_eq!(wrong.code, 1, "{}", wrong.text);
    assert!(wrong.text.contains("mutex/linearizable"), "{}", wrong.text);
}

/// The line of the client of the toy server after which every write passes, and every operation.
const WRITE: &str = "    def write(self, op):\n";
const ASK: &str = "    def ask(self, method, path, **body):\n";

/// A client of the toy server that does something else before it goes on after this line.
fn misbehaving(dir: &Path, line: &str, deed: &str) -> PathBuf {
    let client = root().join("examples/toy-kv/clients/client.py");
    let text = fs::read_to_string(client).expect("the example is there");
    let kits = root().join("targets/clients").display().to_string();
    let text = text
        .replace("os.path.join(os.path.dirname(__file__), \"../../../targets/clients\")", "KITS")
        .replace("import os\n", "import os\nimport time\n")
        .replace("sys.path.insert(0, KITS)", &format!("sys.path.insert(0, {kits:?})"))
        .replace(line, &format!("{line}        {deed}\n"));
    let path = dir.join("client.py");
    fs::write(&path, text).expect("there is room for a file");
    target(dir, &["python3", &path.display().to_string()])
}

/// How a run ends whose client does this after a line of it.
fn ends(line: &str, deed: &str) -> Option<Ran> {
    if !has("python3", "--version") {
        println!("skipped: there is no python3");
        return None;
    }
    let dir = tempfile::tempdir().expect("there is room for a program");
    run_with(&misbehaving(dir.path(), line, deed), &["--faults", "none", "--time", "4s"])
}

/// Neither an anomaly nor silent: the line, and the last words of its standard error.
#[test]
fn a_client_that_breaks_the_protocol_ends_the_run_with_3() {
    let rubbish = "print('oh dear', flush=True); os.write(1, b'Segmentation fault\\n')";
    let twice = "os.write(1, (json.dumps({'id': op['id'], 'ok': {}}) + '\\n').encode())";
    let unasked = "os.write(1, b'{\"id\":999999,\"ok\":{}}\\n')";
    let dies = "print('oh dear', flush=True); os._exit(7)";
    for (line, deed, expected) in [
        (
            WRITE,
            rubbish,
            "it wrote `Segmentation fault`, which is no JSON: an answer to operation ",
        ),
        (WRITE, twice, " twice; the second answer is `{\"id\": "),
        (WRITE, unasked, ", but no operation 999999 is open: an answer to operation "),
        (ASK, dies, "it ended 5 times without an answer, last with exit status: 7"),
    ] {
        let Some(ran) = ends(line, deed) else { return };
        assert_eq!(ran.code, 3, "{}", ran.text);
        assert!(ran.text.contains("is broken: ") && ran.text.contains(expected), "{}", ran.text);
        assert!(
            [twice, unasked].contains(&deed) || ran.text.contains("    oh dear"),
            "{}",
            ran.text
        );
        assert!(!ran.text.contains("ANOMALY"), "{}", ran.text);
    }
}

/// What `validate` and `client-test` say of a client of the toy server that does this after a line.
fn said_of(words: &[&str], line: &str, deed: &str) -> Option<(i32, String)> {
    if !has("python3", "--version") {
        println!("skipped: there is no python3");
        return None;
    }
    let dir = tempfile::tempdir().expect("there is room for a program");
    let target = misbehaving(dir.path(), line, deed);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fracas"));
    let output = command.arg(words[0]).arg(&target).args(&words[1..]).output();
    let output = output.expect("fracas can be started");
    let text = [output.stdout, output.stderr].concat();
    let code = output.status.code().expect("fracas ends by itself");
    Some((code, String::from_utf8_lossy(&text).into_owned()))
}

/// What it said last tells more than how it ended.
#[test]
fn a_client_that_dies_before_it_is_ready_is_heard() {
    let Some((code, text)) = said_of(&["validate"], "import sys\n", "oh = dear") else {
        return;
    };
    assert_eq!(code, 64, "{text}");
    assert!(
        text.contains("it ended with exit status: 1\n  end of its standard error:\n"),
        "{text}"
    );
    assert!(text.contains("    IndentationError: unexpected indent"), "{text}");
}

#[test]
fn an_answer_that_is_late_is_shown() {
    let Some((code, text)) = said_of(&["client-test"], WRITE, "time.sleep(2.4)") else { return };
    if code == CANNOT {
        return println!("skipped: {text}");
    }
    assert_eq!(code, 0, "{text}");
    let late = text.split_once("info (nobody knows): timed out").expect("a write is late").1;
    let expected = "(this answer is too late: it does not count)";
    let line = late.find("← {\"id\"");
    let note = late.find(expected);
    assert!(line.is_some() && line < note && note < late.find("\ncas"), "{text}");
}

/// regent, asked who leads through a client program of its own, which speaks HTTP to it.
const TELLS: &str = r#"
import json, sys, urllib.error, urllib.request
sys.path.insert(0, KITS)
import fracas_client

def ask(node, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    url = f"http://{node.ip}:{node.ports['server']}{path}"
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=0.8) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code in (421, 507):
            raise fracas_client.Fail("refused")
        raise

class Client:
    def __init__(self, node, hello): self.node = node
    def read(self, op): return {"value": ask(self.node, "GET", "/kv/" + op["key"])["value"]}
    def write(self, op): ask(self.node, "PUT", "/kv/" + op["key"], {"value": op["value"]})
    @staticmethod
    def status(node, hello): return {**ask(node, "GET", "/status"), "group": "all"}

fracas_client.run(Client)
"#;

/// The target file of regent with a client program in place of all that it says of HTTP.
fn regent_by_program(dir: &Path) -> PathBuf {
    let text = fs::read_to_string(root().join("targets/builtin/regent.toml")).expect("it is there");
    let kits = root().join("targets/clients").display().to_string();
    let client = dir.join("client.py");
    fs::write(&client, TELLS.replace("KITS", &format!("{kits:?}"))).expect("there is room");
    let (before, _) = text.split_once("[ready]").expect("it says when it is ready");
    let program = ["python3".to_owned(), client.display().to_string()];
    let rest = format!(
        "[ready]\ncluster = {{ leader = \"majority-agrees\", within = \"30s\" }}\n[status]\nprogram = true\n\
         every = \"300ms\"\natomic = true\n[client]\nprogram = {program:?}\ntimeout = \"1s\"\n\
         route = \"mixed\"\n[promises]\nregisters = \"linearizable\"\nleaders = \"one-per-generation\"\n\
         [faults]\nkill = true\n"
    );
    let binary = Path::new(env!("CARGO_BIN_EXE_regent")).display().to_string();
    let text = before.replace("path = \"regent\"", &format!("path = {binary:?}")) + &rest;
    let path = dir.join("regent.toml");
    fs::write(&path, text).expect("there is room for a file");
    path
}

/// As good as by HTTP: faults find the leader, clients follow it, and two leaders in one generation are
/// found.
#[test]
fn a_client_program_tells_who_leads() {
    if !has("python3", "--version") {
        return println!("skipped: there is no python3");
    }
    let dir = tempfile::tempdir().expect("there is room for a program");
    let target = regent_by_program(dir.path());
    let flags = ["--nodes", "3", "--faults", "kill", "--time", "10s"];
    let Some(right) = run_with(&target, &flags) else { return };
    // A busy machine may have seen too little for a pass.
    assert!([0, 2].contains(&right.code), "{}", right.text);
    let history = fs::read_to_string(right.file("history.jsonl")).expect("it is kept");
    let told = history.lines().filter(|line| line.contains("\"event\":\"observe\""));
    let told: Vec<&str> = told.filter(|line| line.contains("\"source\":\"poll\"")).collect();
    let leads =
        |line: &&&str| line.contains("\"role\":\"leader\"") && line.contains("\"generation\":");
    assert!(told.iter().filter(leads).count() > 10, "{}", right.text);
    assert!(told.iter().all(|line| line.contains("\"group\":\"all\"")), "{told:?}");
}

/// It waits for nobody to read what it complains of, and fills no disk.
#[test]
fn a_client_that_floods_its_standard_error_is_heard_to_a_bound() {
    let Some(ran) = ends(WRITE, "os.write(2, b'x' * 65536)") else { return };
    assert_eq!(ran.code, 0, "{}", ran.text);
    let logs = fs::read_dir(ran.file("clients")).expect("logs are kept");
    let sizes: Vec<u64> =
        logs.map(|log| log.and_then(|log| log.metadata()).expect("it is there").len()).collect();
    assert!(sizes.iter().any(|size| *size > 65536), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 1 << 20), "{sizes:?}");
}

/// It is replaced, and the run goes on: a server that hangs would look the same.
#[test]
fn a_client_that_hangs_now_and_then_costs_its_operations_only() {
    let Some(ran) = ends(WRITE, "op['id'] % 40 or time.sleep(60)") else { return };
    assert_eq!(ran.code, 0, "{}", ran.text);
    let history = fs::read_to_string(ran.file("history.jsonl")).expect("it is kept");
    assert!(history.contains("timed out"), "no write hung");
}

/// What comes too late is noted, and does not count.
#[test]
fn a_client_that_answers_late_is_noted() {
    let Some(ran) = ends(WRITE, "op['id'] % 40 or time.sleep(2.4)") else { return };
    assert_eq!(ran.code, 0, "{}", ran.text);
    let history = fs::read_to_string(ran.file("history.jsonl")).expect("it is kept");
    assert!(history.contains("too late: "), "nothing was late");
}
