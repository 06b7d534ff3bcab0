//! Large files of other tools: how long reading takes, and that it grows with the file.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fracas_checker::formats::{self, Format, Hint};

/// A history of `operations` writes and reads of registers by ten clients, in EDN.
fn registers(operations: u64) -> String {
    let mut text = String::new();
    for number in 0..operations {
        let (process, key, time) = (number % 10, number % 7, 1_000 * number);
        let (f, asked, answered) = match number % 2 {
            0 => ("write", number.to_string(), number.to_string()),
            _ => ("read", "nil".to_owned(), number.to_string()),
        };
        for (step, value, time) in [("invoke", asked, time), ("ok", answered, time + 500)] {
            writeln!(
                text,
                "{{:type :{step}, :f :{f}, :value [{key} {value}], :time {time}, \
                 :process {process}, :index {number}}}"
            )
            .expect("a string can be written");
        }
    }
    text
}

/// The same in a console log.
fn log(operations: u64) -> String {
    let mut text = String::new();
    for number in 0..operations {
        let process = number % 10;
        for (step, value) in [("invoke", "nil"), ("ok", "3")] {
            writeln!(text, "INFO  jepsen.util - {process}\t:{step}\t:read\t{value}")
                .expect("a string can be written");
        }
    }
    text
}

/// The shortest of five readings.
fn reading(text: &str, operations: u64, format: Format) -> Duration {
    let once = || {
        let begin = Instant::now();
        let recorded = formats::read(text.as_bytes(), &Hint::default()).expect("a history");
        let taken = begin.elapsed();
        assert_eq!(recorded.format, format);
        assert_eq!(recorded.history.operations().len() as u64, operations);
        taken
    };
    (0..5).map(|_| once()).min().unwrap_or_default()
}

#[test]
#[ignore = "slow: half a million operations"]
fn reading_grows_with_the_file() {
    for (make, format) in [
        (registers as fn(u64) -> String, Format::JepsenEdn),
        (log as fn(u64) -> String, Format::JepsenLog),
    ] {
        let [small, large] = [20_000, 200_000].map(|operations| {
            let text = make(operations);
            let taken = reading(&text, operations, format);
            println!("{format}: {operations} operations, {} bytes, in {taken:?}", text.len());
            taken
        });
        let slope = (large.as_secs_f64() / small.as_secs_f64()).log10();
        println!("{format}: log-log slope {slope:.2}");
        assert!(slope < 1.9, "{format}: reading grows with the square of the file: {slope:.2}");
    }
}
