//! Words as a shell must be given them, for commands that people may copy.

/// A word that every shell takes as it is.
const PLAIN: &str = "-_./:=,+@%";

/// The word as a shell must be given it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || PLAIN.contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_a_shell_would_split() {
        for (word, expected) in [
            ("--id", "--id"),
            ("n1=http://10.0.0.1:7000", "n1=http://10.0.0.1:7000"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
