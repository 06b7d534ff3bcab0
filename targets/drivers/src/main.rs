//! The program `fracas-drivers`: the first argument names the system.

use std::process::ExitCode;

use fracas_drivers::{Client, serve};
use tokio::io::{BufReader, stdin, stdout};

/// The drivers of this build.
const DRIVERS: &[&str] = &[
    #[cfg(feature = "etcd")]
    "etcd",
    #[cfg(feature = "kafka")]
    "kafka",
    #[cfg(feature = "mysql")]
    "mysql",
    #[cfg(feature = "nats")]
    "nats",
    #[cfg(feature = "postgres")]
    "postgres",
    #[cfg(feature = "rabbitmq")]
    "rabbitmq",
    #[cfg(feature = "zookeeper")]
    "zookeeper",
];

fn main() -> ExitCode {
    let system = std::env::args().nth(1).unwrap_or_default();
    match system.as_str() {
        #[cfg(feature = "etcd")]
        "etcd" => run::<fracas_drivers::etcd::Etcd>(),
        #[cfg(feature = "kafka")]
        "kafka" => run::<fracas_drivers::kafka::Kafka>(),
        #[cfg(feature = "mysql")]
        "mysql" => run::<fracas_drivers::mysql::Mysql>(),
        #[cfg(feature = "nats")]
        "nats" => run::<fracas_drivers::nats::Nats>(),
        #[cfg(feature = "postgres")]
        "postgres" => run::<fracas_drivers::postgres::Postgres>(),
        #[cfg(feature = "rabbitmq")]
        "rabbitmq" => run::<fracas_drivers::rabbitmq::Rabbitmq>(),
        #[cfg(feature = "zookeeper")]
        "zookeeper" => run::<fracas_drivers::zookeeper::Zookeeper>(),
        other => {
            eprintln!("fracas-drivers: no driver `{other}`: this build has {}", DRIVERS.join(", "));
            ExitCode::FAILURE
        }
    }
}

/// Speaks for one driver until standard input ends.
fn run<C: Client>() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let spoken = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(serve::<C>(BufReader::new(stdin()), stdout())));
    match spoken {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            eprintln!("fracas-drivers: {broken}");
            ExitCode::FAILURE
        }
    }
}
