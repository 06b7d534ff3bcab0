//! The kits for client programs: a client in each language that tells who leads, spoken to line by
//! line, without a cluster.
//!
//! Skipped where there is no toolchain of a language.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

/// What is said to a program, a line each.
const SAID: &str = r#"{"hello":"fracas.client/1","client":1,"nodes":{"n1":{"ip":"10.77.0.1","ports":{"client":1}},"n2":{"ip":"10.77.0.2","ports":{"client":1}}},"timeout_ms":1000,"parameters":{}}
{"status":"n1"}
{"status":"n2"}
{"open":7,"node":"n1"}
{"id":17,"op":"read","key":"k"}
{"close":7}
{"status":"n1"}
"#;

/// A language: its compiler or interpreter with what makes it say its version, its kit, the name of a
/// client in it, the client, and how it is made and run in the directory of both.
struct Language {
    tool: [&'static str; 2],
    kit: &'static str,
    file: &'static str,
    client: &'static str,
    made: &'static [&'static str],
    run: &'static [&'static str],
}

/// Each tells that n1 leads generation 5, and fails to tell anything of n2.
const LANGUAGES: [Language; 5] = [
    Language {
        tool: ["python3", "--version"],
        kit: "fracas_client.py",
        file: "client.py",
        client: r#"
import fracas_client
class Client:
    def __init__(self, node, hello): pass
    def read(self, op): return {"value": None}
    @staticmethod
    def status(node, hello):
        if node.ip != "10.77.0.1": raise OSError("refused")
        return {"role": "leader", "generation": 5}
fracas_client.run(Client)
"#,
        made: &[],
        run: &["python3", "client.py"],
    },
    Language {
        tool: ["node", "--version"],
        kit: "fracas_client.mjs",
        file: "client.mjs",
        client: r#"
import { run } from "./fracas_client.mjs";
class Client {
  static async open() { return new Client(); }
  async read() { return { value: null }; }
  static async status(node) {
    if (node.ip !== "10.77.0.1") throw new Error("refused");
    return { role: "leader", generation: 5 };
  }
}
run(Client);
"#,
        made: &[],
        run: &["node", "client.mjs"],
    },
    Language {
        tool: ["go", "version"],
        kit: "fracas_client.go",
        file: "client.go",
        client: r#"
package main
import "errors"
func open(Node, Hello) (any, error) { return 1, nil }
func read(any, Object) (Object, error) { return Object{"value": nil}, nil }
func status(node Node, hello Hello) (Object, error) {
	if node.IP != "10.77.0.1" { return nil, errors.New("refused") }
	return Object{"role": "leader", "generation": 5}, nil
}
func main() { Run(Client{"read": read}, open, status) }
"#,
        made: &["go", "build", "-o", "client", "client.go", "fracas_client.go"],
        run: &["./client"],
    },
    Language {
        tool: ["javac", "-version"],
        kit: "FracasClient.java",
        file: "Client.java",
        client: r#"
import java.util.HashMap;
import java.util.Map;
public final class Client {
    static Map<String, Object> read(Client client, Map<String, Object> op) {
        Map<String, Object> told = new HashMap<>();
        told.put("value", null);
        return told;
    }
    static Map<String, Object> status(FracasClient.Node node, Map<String, Object> hello) throws Exception {
        if (!node.ip().equals("10.77.0.1")) throw new Exception("refused");
        return Map.of("role", "leader", "generation", 5);
    }
    public static void main(String[] arguments) throws Exception {
        Map<String, FracasClient.Operation<Client>> client = Map.of("read", Client::read);
        FracasClient.run(client, (node, hello) -> new Client(), Client::status);
    }
}
"#,
        made: &["javac", "Client.java", "FracasClient.java"],
        run: &["java", "-cp", ".", "Client"],
    },
    Language {
        tool: ["rustc", "--version"],
        kit: "fracas_client.rs",
        file: "client.rs",
        client: r#"
mod fracas_client;
use fracas_client::{Answer, Client, Hello, Json, Node, Wrong, object, run};
struct Mine;
impl Client for Mine {
    const SERVES: &'static [&'static str] = &["read", "status"];
    fn open(_: &Node, _: &Hello) -> Result<Self, String> { Ok(Self) }
    fn perform(&mut self, _: &str, _: &Json) -> Answer { Ok(object([("value", Json::Null)])) }
    fn status(node: &Node, _: &Hello) -> Answer {
        if node.ip != "10.77.0.1" { return Err(Wrong::Info("refused".to_owned())); }
        Ok(object([("role", "leader".into()), ("generation", 5.into())]))
    }
}
fn main() { run::<Mine>() }
"#,
        made: &["rustc", "--edition", "2024", "-D", "warnings", "client.rs"],
        run: &["./client"],
    },
];

fn kits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/clients")
}

fn is_there([tool, version]: [&str; 2]) -> bool {
    let mut command = Command::new(tool);
    command.arg(version).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The lines that a client in this language answers.
fn answers(language: &Language) -> Vec<Json> {
    let dir = tempfile::tempdir().expect("there is room for a program");
    fs::copy(kits().join(language.kit), dir.path().join(language.kit)).expect("the kit is there");
    fs::write(dir.path().join(language.file), language.client).expect("there is room for a file");
    let command = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(dir.path());
        command
    };
    if !language.made.is_empty() {
        let made = command(language.made).output().expect("the toolchain was there a moment ago");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let mut program = command(language.run);
    let mut program =
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut input = program.stdin.take().expect("it is piped");
    input.write_all(SAID.as_bytes()).expect("it listens");
    drop(input);
    let output = program.wait_with_output().expect("it ends with its input").stdout;
    let text = String::from_utf8(output).expect("it writes UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("it writes JSON")).collect()
}

#[test]
fn a_client_in_each_language_tells_who_leads() {
    let leads = json!({"status": "n1", "role": "leader", "generation": 5});
    for language in &LANGUAGES {
        if !is_there(language.tool) {
            println!("skipped: there is no {}", language.tool[0]);
            continue;
        }
        let answers = answers(language);
        let [ready, first, second, opened, read, again] = &answers[..] else {
            panic!("{}: {answers:?}", language.file)
        };
        assert_eq!(*ready, json!({"ready": true, "serves": ["read", "status"]}));
        assert_eq!((first, again), (&leads, &leads), "{}", language.file);
        assert_eq!(second["status"], "n2", "{}", language.file);
        let unknown = second["unknown"].as_str().expect("it says why");
        assert!(unknown.contains("refused") && second["role"].is_null(), "{second}");
        assert_eq!((opened, &read["ok"]["value"]), (&json!({"opened": 7}), &Json::Null));
    }
}
