//! What the readers of other tools' histories make of a file: what is read, what is said of it, and
//! what is refused, with its place.

use fracas_checker::event::Completion;
use fracas_checker::formats::{self, Format, Hint, Recorded};
use fracas_checker::history::Operation;
use fracas_checker::objects;

use crate::support::maps::written;

/// One line per operation: who, what, and how it ended.
fn shown(recorded: &Recorded) -> String {
    let line = |operation: &Operation| {
        let ended = match &operation.completed {
            None => "open".to_owned(),
            Some((_, _, Completion::Ok { outcome, .. })) => {
                outcome.details().unwrap_or_else(|| "done".to_owned())
            }
            Some((_, _, Completion::Fail { error })) => format!("not done {error}"),
            Some((_, _, Completion::Info { error })) => format!("unknown {error}"),
        };
        format!("{} {}: {}", operation.process, operation.op, ended.trim_end())
    };
    let lines: Vec<String> = recorded.history.operations().iter().map(line).collect();
    lines.join("\n")
}

/// What is shown of a file, or why it is refused.
fn told(text: &str, hint: &Hint) -> String {
    match formats::read(text.as_bytes(), hint) {
        Ok(recorded) => shown(&recorded),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(text: &str, expect: &str) {
    let clean = expect.lines().map(str::trim).filter(|line| !line.is_empty());
    let expect: Vec<&str> = clean.collect();
    assert_eq!(told(text, &Hint::default()), expect.join("\n"), "{text}");
}

/// Reads operation maps that are given without their braces and types, one per line.
#[track_caller]
fn check_ops(ops: &str, expect: &str) {
    check(&written(ops), expect);
}

#[test]
fn registers_are_read() {
    check_ops(
        "0 i :f :write, :value 3
         1 i :f :read, :value nil
         0 o :f :write, :value 3
         1 o :f :read, :value 3
         0 i :f :cas, :value [3 4]
         1 i :f :read
         0 f :f :cas, :value [3 4], :error :nope
         1 x :f :read, :value nil, :error [:timeout \"a b\"]
         2 i :f :read, :value 9
         2 o :f :read, :value nil
         3 i :f :write, :value :x",
        "0 write register = 3: done
         1 read register: 3
         0 cas register from 3 to 4: not done :nope
         1 read register: unknown [:timeout \"a b\"]
         2 read register: nothing
         3 write register = \":x\": open",
    );
}

#[test]
fn one_vector_or_list_or_one_map_per_line() {
    let expect = "4 write register = 2: done";
    check(
        "[{:process 4, :type :invoke, :f :write, :value 2}\n {:process 4, :type :ok, :f :write, :value 2}]",
        expect,
    );
    check(
        "; a comment\n({:process 4 :type :invoke :f :write :value 2}{:process 4 :type :ok :f :write :value 2})\n",
        expect,
    );
    check(
        "#jepsen.history.Op{:index 0, :process 4, :type :invoke, :f :write, :value 2}\n#jepsen.history.Op{:process 4, :type :ok, :f :write, :value 2, :index 7}",
        expect,
    );
    check(
        "^{:m 1} {:process 4 #_ #_ :a 1 :type :invoke :f :write :value ^:m 2}\n#_{:process 4}{:process 4 :type :ok :f :write :value 2 #_:z}",
        expect,
    );
    check(
        "{\"process\": 4, \"type\": \"invoke\", \"f\": \"write\", \"value\": 2}\n{\"process\":4,\"type\":\"ok\",\"f\":\"write\",\"value\":2}",
        expect,
    );
    check(
        "[{\"process\": 4, \"type\": \"invoke\", \"f\": \"write\", \"value\": 2},\n {\"process\":4,\"type\":\"ok\",\"f\":\"write\",\"value\":2}]",
        expect,
    );
}

#[test]
fn keys_are_told_from_values() {
    check_ops(
        "0 i :f :write, :value [7 3]
         0 o :f :write, :value [7 3]
         0 i :f :read, :value [7 nil]
         0 o :f :read, :value [7 3]
         1 i :f :cas, :value [\"k\" [3 4]]
         1 o :f :cas, :value [\"k\" [3 4]]",
        "0 write 7 = 3: done
         0 read 7: 3
         1 cas k from 3 to 4: done",
    );
    check_ops(
        "0 i :f :write, :value #jepsen.independent.Tuple[:a [1 2]]
         0 o :f :write, :value #independent/tuple [:a [1 2]]",
        "0 write :a = \"[1 2]\": done",
    );
    check_ops(
        "0 i :f :write, :value [1 2]\n1 i :f :read, :value nil",
        "0 write register = \"[1 2]\": open\n1 read register: open",
    );
    check_ops("0 i :f :cas, :value [1 2]", "0 cas register from 1 to 2: open");
    check_ops(
        "0 i :f :write, :value [\"7\" 2]\n1 i :f :write, :value [7 3]",
        "0 write \"7\" = 2: open\n1 write 7 = 3: open",
    );
    check_ops(
        "0 i :f :write, :value [7 3]\n0 o :f :write, :value [8 3]",
        "line 2, column 1: completed on key `8`, expected `7`",
    );
}

#[test]
fn sets_queues_locks_counters_and_ids_are_read() {
    check_ops(
        "0 i :f :add, :value 1
         0 o :f :add, :value 1
         0 i :f :read
         0 o :f :read, :value #{1 2}
         0 i :f :remove, :value 1
         0 o :f :remove, :value 1
         0 i :f :contains?, :value 1
         0 o :f :contains?, :value false",
        "0 add 1 to set: done
         0 read all of set: {1 2}
         0 remove 1 from set: done
         0 ask whether set contains 1: no",
    );
    check_ops(
        "0 i :f :enqueue, :value 1
         0 o :f :enqueue, :value 1
         0 i :f :dequeue
         0 o :f :dequeue, :value 1
         0 i :f :enqueue, :value 2
         0 o :f :enqueue, :value 2
         0 i :f :enqueue, :value 3
         0 o :f :enqueue, :value 3
         1 i :f :dequeue
         1 f :f :dequeue, :error :empty
         0 i :f :drain
         0 o :f :drain, :value [2 3]",
        "0 enqueue 1 to queue: done
         0 dequeue from queue: 1
         0 enqueue 2 to queue: done
         0 enqueue 3 to queue: done
         1 dequeue from queue: not done :empty
         2 dequeue from queue: 2
         2 dequeue from queue: 3",
    );
    check_ops(
        "0 i :f :acquire
         0 o :f :acquire, :value {:fence 5}
         0 i :f :release, :value nil
         0 o :f :release, :value nil",
        "0 acquire lock for 0: token 5
         0 release lock by 0: done",
    );
    check_ops(
        "0 i :f :add, :value -2
         0 o :f :add, :value -2
         0 i :f :read
         0 o :f :read, :value -2",
        "0 increment counter by -2: done
         0 read counter: -2",
    );
    check_ops(
        "0 i :f :inc\n0 o :f :inc\n0 i :f :read\n0 o :f :read, :value 1",
        "0 increment counter by 1: done\n0 read counter: 1",
    );
    check_ops(
        "0 i :f :guarded-write, :value [1 5]\n0 o :f :guarded-write, :value [1 5]\n0 i :f :read\n0 o :f :read, :value 5",
        "0 write lock = 5 with token 1: done\n0 read lock: 5",
    );
    check_ops(
        "0 i :f :generate\n0 o :f :generate, :value \"x-1\"",
        "0 generate an id from ids: \"x-1\"",
    );
}

#[test]
fn the_kind_decides_what_is_open() {
    let adds = written("0 i :f :add, :value 2\n0 o :f :add, :value 2\n0 i :f :read\n0 f :f :read");
    check(&adds, "0 add 2 to set: done\n0 read all of set: not done");
    for kind in objects::OBJECTS {
        let hint = Hint { kind: Some(kind), ..Hint::default() };
        let serves = |word| kind.serves.iter().any(|op| op.word() == word);
        let expect = match (serves("increment"), serves("add")) {
            (true, false) => "0 increment counter by 2: done\n0 read counter: not done",
            _ if serves("read") => continue,
            _ => "0 add 2 to set: done\n0 read all of set: not done",
        };
        assert_eq!(told(&adds, &hint), expect, "{kind:?}");
    }
}

#[test]
fn transactions_are_read() {
    check_ops(
        "0 i :f :txn, :value [[:append 5 1] [:r 5 nil] [:r 6 nil]]
         0 o :f :txn, :value [[:append 5 1] [:r 5 [2 1]] [:r 6 nil]]",
        "0 transaction [append 1 to 5, read 5: ?, read 6: ?]: append 1 to 5, read 5: [2 1], read 6: absent",
    );
    check_ops(
        "0 i :f :txn, :value [[:w :x 1] [:r :y nil]]
         0 o :f :txn, :value [[:w :x 1] [:r :y [4]]]",
        "0 transaction [write :x = 1, read :y: ?]: write :x = 1, read :y: \"[4]\"",
    );
    check(
        "{:index 0 :type :invoke  :value [[:append 253 1]]}\n{:index 1 :type :ok  :value [[:append 253 1]]}",
        "0 transaction [append 1 to 253]: append 1 to 253",
    );
    check_ops(
        "0 i :f :txn, :value [[:w 1 1]]\n0 o :f :txn, :value [[:w 1 2]]",
        "line 2, column 1: completed with `transaction [write 1 = 2]`, expected `transaction [write 1 = 1]`",
    );
}

#[test]
fn what_no_recorder_writes_is_refused_with_its_place() {
    check_ops(
        "0 i :f :read\n0 i :f :read",
        "line 2, column 1: process 0 invoked while its last operation is open, expected its completion",
    );
    check_ops(
        "1 i :f :read\n0 o :f :read",
        "line 2, column 1: process 0 completed an operation it had not open, expected its invocation first",
    );
    check_ops(
        "0 i :f :read\n0 x :f :read\n0 i :f :read",
        "line 3, column 1: process 0 invoked after its operation ended `info`, expected a new process",
    );
    check_ops(
        "0 i :f :read\n0 o :f :write, :value 1",
        "line 2, column 1: process 0 completed `write`, expected its open `read`",
    );
    check_ops(
        "0 i :f :write, :value 1\n0 o :f :write, :value 2",
        "line 2, column 1: completed with `write register = 2`, expected `write register = 1`",
    );
    check_ops(
        "0 i :f :write, :value nil",
        "line 1, column 1: the value of `write`, expected a value: nil is what was never written",
    );
    check_ops(
        "0 i :f :cas, :value [nil 2]",
        "line 1, column 45: the value of `cas`, expected a value: nil is what was never written",
    );
    check_ops(
        "0 i :f :drain\n0 x :f :drain",
        "line 1, column 1: a `drain` whose end is unknown, which may have taken anything",
    );
}

#[test]
fn what_is_no_operation_map_is_refused_with_its_place() {
    check_ops(
        "\"a\" i :f :read",
        "line 1, column 11: `:process` is a string, expected a client's number from 0 or a name such as `:nemesis`",
    );
    check(
        "{:process 0 :f :read}\n:type",
        "line 1, column 1: an operation without its `:type`, expected `:invoke`, `:ok`, `:fail` or `:info`",
    );
    check(
        "{:type :invoke :process 0 :f :read :f :write}",
        "line 1, column 36: `:f` twice in one operation",
    );
    check(
        "[{:type :invoke :process 0 :f :read} 3]",
        "line 1, column 38: a whole number, expected an operation map",
    );
    check("{:type :invoke :process 0 :f :read} 07", "line 1, column 37: `07`, expected a number");
    check(
        "{:type :invoke\n :process 0 :f :read]",
        "line 2, column 21: `]`, expected `}` for line 1",
    );
    check(
        "{:type :invoke\n :process 0 :f",
        "line 1, column 1: begun here and never ended, expected `}`",
    );
    check(
        "{:type :invoke :f :write :value \"\\q\"}",
        "line 1, column 34: an unknown escape, expected one such as `\\n` or `\\\"`",
    );
    check(
        "",
        "line 1: nothing, expected a history in one of `fracas`, `jepsen-edn`, `jepsen-log`, `porcupine-kv`, `porcupine-json`, `maelstrom`",
    );
    assert!(
        told(&written("0 i :f :stir"), &Hint::default())
            .starts_with("line 1, column 1: the function `stir`, expected one of `read`, ")
    );
}

#[test]
fn what_was_left_out_or_assumed_is_said() {
    let notes =
        |text: &str| formats::read(text.as_bytes(), &Hint::default()).expect("a history").notes;
    let text = "{:process :nemesis :type :info :f :start}\n{:process 0 :type :invoke :f :write :value [1 2] :time 5}\n{:process 0 :type :ok :f :write :value [1 2] :time 4}";
    assert_eq!(
        notes(text),
        [
            "1 records of processes that are no clients, such as `nemesis`, were left out",
            "WARNING: the times contradict the order of the list: 1 records are earlier than one before them, the first in line 3; the order of the list is followed",
            "values `[key value]` are taken as a key and its value",
        ]
    );
    let text = "{:type :invoke :f :add :value 2}\n{:type :ok :f :add :value 2}";
    assert_eq!(
        notes(text),
        [
            "not every record has a time: only their order is used, and events are named by their number",
            "no `:process` is given: each operation is taken as another client's",
        ]
    );
}

#[test]
fn console_logs_are_read() {
    let expect = "0 cas register from 2 to 0: unknown :timed-out
         1 read register: 3
         4 write register = 3: not done some reason";
    check(
        "INFO  jepsen.core - Running\nINFO  jepsen.util - 0\t:invoke\t:cas\t[2 0]\nINFO  jepsen.util - 1\t:invoke\t:read\tnil\nINFO  jepsen.util - :nemesis\t:info\t:start\t\"Cut off [\"\nINFO  jepsen.util - 1\t:ok\t:read\t3\nINFO  jepsen.util - 4\t:invoke\t:write\t3\nINFO  jepsen.util - 4\t:fail\t:write\t3\tsome reason\nINFO  jepsen.util - 0\t:info\t:cas\t:timed-out\n",
        expect,
    );
    check(
        "INFO [2022-03-13 03:19:16,021] jepsen worker 0 - jepsen.util 0\t:invoke\t:cas\t[2 0]\nINFO [2022-03-13 03:19:16,021] jepsen worker 1 - jepsen.util 1\t:invoke\t:read\tnil\nWARN [2022-03-13 03:19:16,022] jepsen worker 1 - org.apache.zookeeper.ZooKeeper [\nINFO [2022-03-13 03:19:16,022] jepsen worker 1 - jepsen.util 1\t:ok\t:read\t3\nINFO [x] jepsen worker 4 - jepsen.util 4 :invoke :write 3\nINFO [x] jepsen worker 4 - jepsen.util 4 :fail :write 3 some reason\nINFO [x] jepsen worker 0 - jepsen.util 0 :info :cas :timed-out",
        expect,
    );
    check(
        "INFO  jepsen.util - 1\t:invoke\t:write\t[3",
        "line 1, column 38: begun here and never ended, expected `]`",
    );
    check(
        "INFO  jepsen.util - x\t:invoke\t:read\tnil",
        "line 1, column 1: process `x`, expected a client's number or a keyword",
    );
    check(
        "INFO jepsen.core - nothing",
        "line 1, column 1: no operation of `jepsen.util`, expected a console log",
    );
}

#[test]
fn stores_of_texts_are_read() {
    let text = "{:process 0, :type :invoke, :f :append, :key \"0\", :value \"x 0 y\"}\n{:process 0, :type :ok, :f :append, :key \"0\", :value \"x 0 y\"}\n{:process 0, :type :invoke, :f :get, :key \"0\", :value nil}\n{:process 0, :type :ok, :f :get, :key \"0\", :value \"\"}\n{:process 1, :type :invoke, :f :put, :key \"1\", :value \":x\"}";
    check(text, "0 append \"x 0 y\" to 0: done\n0 read 0: \"\"\n1 write 1 = \":x\": open");
    let recorded = formats::read(text.as_bytes(), &Hint::default()).expect("a history");
    assert_eq!(recorded.format, Format::PorcupineKv);
}

#[test]
fn data_of_visualizations_is_read() {
    let data = r#"{"Partitions":[{"History":[
        {"ClientId":0,"Start":0,"End":100,"Description":"get('x') -\u003e 'w'"},
        {"ClientId":1,"Start":5,"End":5,"Description":"put('x', 'y')"},
        {"ClientId":1,"Start":5,"End":10,"Description":"append('x', 'z')"}],
        "PartialLinearizations":[[{"Index":2,"StateDescription":"z"}]],"Largest":{"0":0}},
        {"History":null}],"Annotations":[{"ClientId":4,"Tag":"","Start":10,"End":31,"Description":"?"}]}"#;
    let expect = "0 read x: \"w\"\n1 write x = \"y\": done\n1 append \"z\" to x: done";
    check(data, expect);
    check(
        &format!("<!doctype html>\n<script>\n  const data = {data}\n  render(data)\n</script>"),
        expect,
    );
    let bare = r#"[{"History":[{"ClientId":3,"Start":-9,"End":2,"Description":"write(7)"},{"ClientId":3,"Start":1,"End":4,"Description":"read() -> 7"}]}]"#;
    check(bare, "3 write 0 = 7: done\n4 read 0: 7");
    check(
        "[{\"History\":[{\"ClientId\":3,\"Start\":1,\"End\":2,\n\"Description\":\"pop()\"}]}]",
        "line 2, column 15: the description `pop()`, expected one such as `get('x') -> 'y'`, `put('x', 'y')`, `append('x', 'y')`, `read() -> 3`, `write(3)` or `cas(1, 2) -> ok`",
    );
    check(
        "[{\"History\":[{\"ClientId\":3,\"Start\":3,\"End\":2}]}]",
        "line 1, column 14: ended at 2, expected not before its start 3",
    );
}

#[test]
fn the_workloads_of_maelstrom_are_read() {
    let broadcast = written(
        "0 i :f :broadcast, :value 3\n0 o :f :broadcast, :value 3\n0 i :f :read\n0 o :f :read, :value [3]",
    );
    check(&broadcast, "0 add 3 to set: done\n0 read all of set: {3}");
    let recorded = formats::read(broadcast.as_bytes(), &Hint::default()).expect("a history");
    assert_eq!(recorded.format, Format::Maelstrom);
    check(
        &written("0 i :f :lock\n0 o :f :lock\n0 i :f :unlock"),
        "0 acquire lock for 0: done\n0 release lock by 0: open",
    );
    let json = r#"{"process":0,"type":"invoke","f":"txn","value":[["append",1,2],["r",1,null]],"time":1}
{"process":"nemesis","type":"info","f":"start","value":null,"time":1}
{"process":0,"type":"ok","f":"txn","value":[["append",1,2],["r",1,[2]]],"time":2}"#;
    check(json, "0 transaction [append 2 to 1, read 1: ?]: append 2 to 1, read 1: [2]");
}

#[test]
fn formats_are_found_by_any_of_their_names() {
    for (name, format) in Format::NAMES {
        assert_eq!(name.parse(), Ok(*format));
    }
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    let unknown = "jepsn-edn".parse::<Format>().expect_err("no such format");
    assert_eq!(
        unknown.to_string(),
        "`jepsn-edn` is not a format of histories, did you mean `jepsen-edn`?"
    );
}

#[test]
fn values_of_any_kind_keep_what_they_are() {
    check_ops(
        "0 i :f :write, :value 123456789012345678901N
         1 i :f :write, :value 1.50
         2 i :f :write, :value 4/6
         3 i :f :write, :value \\newline
         4 i :f :write, :value #inst \"2026-01-01\"
         5 i :f :write, :value #:a{:b (1 2), :_/c #{2 1}}
         6 i :f :write, :value ##NaN
         7 i :f :write, :value \"\\u00e4\\n\"
         8 i :f :write, :value sym
         9 i :f :write, :value -7N
         10 i :f :write, :value 1.5M
         11 i :f :write, :value \"12\"",
        "0 write register = \"123456789012345678901\": open
         1 write register = \"1.5\": open
         2 write register = \"2/3\": open
         3 write register = \"\\\\newline\": open
         4 write register = \"#inst \\\"2026-01-01\\\"\": open
         5 write register = \"{:a/b [1 2] :c #{1 2}}\": open
         6 write register = \"##NaN\": open
         7 write register = \"ä\\n\": open
         8 write register = \"'sym\": open
         9 write register = -7: open
         10 write register = \"1.5M\": open
         11 write register = \"12\": open",
    );
}
