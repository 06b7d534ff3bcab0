//! Which code becomes part of a program.

/// Code, which `blank` has made, without its module of tests.
pub(crate) fn without_tests(code: &str) -> String {
    let Some((before, tests)) = code.split_once("#[cfg(test)]\nmod tests {") else {
        return code.to_owned();
    };
    let mut open = 1_usize;
    let end = tests.find(|letter| {
        open = match letter {
            '{' => open + 1,
            '}' => open - 1,
            _ => open,
        };
        open == 0
    });
    let (tests, after) = tests.split_at(end.unwrap_or(tests.len()));
    let lines = "\n".repeat(1 + tests.matches('\n').count()); // so that numbers stay right
    format!("{before}{lines}{after}")
}
