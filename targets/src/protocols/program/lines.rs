//! Lines that come from a client program, each with a bound.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::reply::MAX_ANSWER;

/// How many bytes are read at once, at least.
const CHUNK: usize = 4096;

/// Reads line by line. What was read of a line is kept when a wait for its end is given up.
pub(super) struct Lines {
    output: Box<dyn AsyncRead + Send + Unpin>,
    read: Vec<u8>,
    /// Up to here there is no end of a line.
    searched: usize,
}

/// Why there is no line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoLine {
    /// The program has closed its output.
    End,
    /// What comes is no line of text; why.
    Rubbish(String),
}

impl Lines {
    pub(super) fn of(output: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self { output, read: Vec::new(), searched: 0 }
    }

    /// The next line, without its end.
    pub(super) async fn next(&mut self) -> Result<String, NoLine> {
        loop {
            if let Some(line) = self.whole()? {
                return Ok(line);
            }
            self.read.reserve(CHUNK.max(self.read.len()));
            match self.output.read_buf(&mut self.read).await {
                Ok(0) => return Err(NoLine::End),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(NoLine::End),
            }
        }
    }

    /// A line that is there to its end.
    fn whole(&mut self) -> Result<Option<String>, NoLine> {
        let end = self.read[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end.map(|end| self.searched + end) else {
            self.searched = self.read.len();
            let rubbish = || NoLine::Rubbish(format!("a line longer than {MAX_ANSWER} bytes"));
            return if self.searched > MAX_ANSWER { Err(rubbish()) } else { Ok(None) };
        };
        let rest = self.read.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.read, rest);
        self.searched = 0;
        line.pop();
        let text = String::from_utf8(line);
        text.map(Some).map_err(|_| NoLine::Rubbish("a line that is not UTF-8".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &'static [u8]) -> Vec<Result<String, NoLine>> {
        let mut lines = Lines::of(Box::new(bytes));
        let mut found = Vec::new();
        loop {
            let next = lines.next().await;
            let last = next.is_err();
            found.push(next);
            if last {
                return found;
            }
        }
    }

    #[tokio::test]
    async fn lines_have_ends_and_bounds() {
        let line = |text: &str| Ok(text.to_owned());
        assert_eq!(
            read(b"a\n\nb c\nrest").await,
            [line("a"), line(""), line("b c"), Err(NoLine::End)]
        );
        let rubbish = Err(NoLine::Rubbish("a line that is not UTF-8".to_owned()));
        assert_eq!(read(b"\xff\n").await, [rubbish]);
        let endless = Box::leak(vec![b'x'; 3 * MAX_ANSWER].into_boxed_slice());
        let rubbish = Err(NoLine::Rubbish("a line longer than 1048576 bytes".to_owned()));
        assert_eq!(read(endless).await, [rubbish]);
    }
}
