//! What was measured on: processor, memory, kernel, compiler.

use std::process::Command;

/// One line per fact, as Markdown.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|total| total.trim_end_matches(" kB").parse::<u64>().ok())
        .map_or("unknown".to_owned(), |kib| format!("{:.1} GiB", kib as f64 / 1_048_576.0));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map_or("unknown".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    let kernel = kernel.trim();
    format!(
        "- processor: {processor}, {cores} cores\n- memory: {memory}\n- kernel: Linux {kernel}\n\
         - compiler: {compiler}, profile `bench`\n- load average when the page was made: {load}"
    )
}

/// What stands behind `name` in one of the kernel's tables.
fn field(path: &str, name: &str) -> Option<String> {
    let table = std::fs::read_to_string(path).ok()?;
    let line = table.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
