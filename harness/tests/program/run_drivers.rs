//! Real systems that fracas reaches through its drivers: a short run each. Skipped where the server
//! or the driver is not there, with the name of what is missing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Room, lab};

/// The exit codes of a pass, and of a run that saw too little on a busy machine.
const PASS: i32 = 0;
const INCONCLUSIVE: i32 = 2;

/// Jars of Kafka 3.9.1 as Maven names them, one of them for its logs, which are read.
const KAFKA: &[&str] = &["kafka_2.13-3.9.1.jar", "slf4j-reload4j-1.7.36.jar"];

/// The drivers, where they were built: beside the program under test.
fn drivers() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_fracas")).with_file_name("fracas-drivers");
    let there = path.is_file();
    if !there {
        println!("skipped: fracas-drivers is not built (`make drivers`)");
    }
    there.then_some(path)
}

/// Whether the files that a system's Debian package brings are there.
fn installed(package: &str, files: &[&str]) -> bool {
    let there = files.iter().all(|file| Path::new(file).exists());
    if !there {
        println!("skipped: the package `{package}` is not installed");
    }
    there
}

/// Runs a target with few faults. It may see too little; it may not find anything, nor fail to start.
#[track_caller]
fn keeps_its_word(target: &str, flags: &[&str]) {
    let room = Room::new();
    let usual = ["run", target, "--time=12s", "--seed=1", "--format=json"];
    let ended = room.run(&[&usual[..], flags].concat());
    room.assert_nothing_left();
    assert!(matches!(ended.code, Some(PASS | INCONCLUSIVE)), "{ended:#?}");
    let results = ended.json();
    let answered = results["ops"]["ok"].as_u64();
    assert!(answered.is_some_and(|answered| answered > 0), "nothing was answered: {results:#}");
}

/// The scenario that a version of Debian 12 fails on is left out (docs/targets/etcd-locks.md).
#[test]
fn etcd_locks_keep_their_word() {
    let able = installed("etcd-server", &["/usr/bin/etcd"]) && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word(
        "etcd-locks",
        &["--workload=lock,lease,rw-register,list-append", "--faults=kill"],
    );
}

/// The class path of Kafka, of which Debian has no package: what `FRACAS_TEST_KAFKA` names, or the jars
/// that `make reproduce` keeps.
fn kafka() -> Option<String> {
    let named = std::env::var("FRACAS_TEST_KAFKA").ok();
    let classpath = named.or_else(|| {
        let own = std::env::var("XDG_CACHE_HOME").map(PathBuf::from);
        let cache =
            own.or_else(|_| std::env::var("HOME").map(|home| Path::new(&home).join(".cache")));
        let versions = fs::read_dir(cache.ok()?.join("fracas-versions")).ok()?;
        let jars = versions.flatten().map(|version| version.path().join("jars"));
        let mut jars = jars.filter(|jars| KAFKA.iter().all(|jar| jars.join(jar).is_file()));
        Some(format!("{}/*", jars.next()?.display()))
    });
    if classpath.is_none() {
        println!(
            "skipped: no jars of Kafka: neither FRACAS_TEST_KAFKA nor `make reproduce` has them"
        );
    }
    classpath
}

/// A pause alone: a JVM needs long to start where processors are busy.
#[test]
fn kafka_keeps_its_word() {
    let able = installed("default-jre-headless", &["/usr/bin/java"]) && drivers().is_some();
    let Some(classpath) = kafka().filter(|_| able) else { return };
    let Some(_lab) = lab() else { return };
    let classpath = format!("--set=classpath={classpath}");
    keeps_its_word("kafka", &[&classpath, "--workload=register,set,fifo,ids", "--faults=pause"]);
}

/// Debian 12 has a version whose compare-and-set is not atomic, which registers need
/// (docs/targets/nats.md).
#[test]
fn nats_gives_no_number_twice() {
    let able = installed("nats-server", &["/usr/sbin/nats-server"]) && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word("nats", &["--workload=ids,timestamps", "--faults=kill"]);
}

/// Its start takes a minute and more, because a cluster is formed first, once.
#[test]
fn rabbitmq_delivers_at_least_once() {
    let files = ["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/bin/epmd"];
    let able = installed("rabbitmq-server", &files) && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word("rabbitmq", &["--faults=pause"]);
}

#[test]
fn zookeeper_keeps_its_word() {
    let files = ["/usr/bin/java", "/usr/share/java/zookeeper.jar", "/usr/share/java/log4j-1.2.jar"];
    let able = installed("libzookeeper-java", &files) && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word("zookeeper", &["--workload=register,set,lock,ids", "--faults=pause"]);
}

/// Only a pause: where processors are busy, a group that lost a member needs longer than a short run has.
#[test]
fn galera_keeps_its_word() {
    let files =
        ["/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db", "/usr/lib/galera/libgalera_smm.so"];
    let able = installed("mariadb-server` and `galera-4", &files) && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word(
        "galera",
        &["--workload=register,set,ids", "--faults=pause", "--fault-every=8s"],
    );
}

#[test]
fn patroni_keeps_its_word() {
    let module = "/usr/lib/python3/dist-packages/etcd/__init__.py";
    let able = installed("patroni", &["/usr/bin/patroni"])
        && installed("python3-etcd", &[module])
        && installed("etcd-server", &["/usr/bin/etcd"])
        && installed("postgresql-15", &["/usr/lib/postgresql/15/bin/postgres"])
        && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word("patroni", &["--workload=register,rw-register,ids", "--faults=pause"]);
}

#[test]
fn postgres_keeps_its_word() {
    let files = ["/usr/lib/postgresql/15/bin/postgres", "/usr/lib/postgresql/15/bin/initdb"];
    let able = installed("postgresql-15", &files) && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word("postgres", &["--workload=register,set,rw-register,ids", "--faults=kill"]);
}

/// Standbys refuse what is asked of them, so a third of the operations may succeed.
#[test]
fn postgres_replicas_keep_their_word() {
    let files = ["/usr/lib/postgresql/15/bin/postgres", "/usr/lib/postgresql/15/bin/initdb"];
    let able = installed("postgresql-15", &files) && drivers().is_some();
    let Some(_lab) = lab().filter(|_| able) else { return };
    keeps_its_word("postgres-replicas", &["--workload=register,set,ids", "--faults=kill"]);
}
