use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::MAX_LINE_BYTES;

/// Buffer of a pipe, in bytes.
const BUFFER: usize = 64 << 10;
/// Capacity up to which the buffer of a line is kept for the next one.
const KEPT_CAPACITY: usize = 1 << 20;

/// Reads lines of at most [`MAX_LINE_BYTES`].
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    complete: bool,
}

/// The reason why no line could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// A line has no end within the limit.
    #[error("a line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// The pipe cannot be read.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER, reader),
            line: Vec::new(),
            complete: false,
        }
    }

    /// Forgets the line so far, after one that is too long; its rest counts as a line.
    pub(crate) fn restart(self) -> Self {
        Self {
            line: Vec::new(),
            complete: false,
            ..self
        }
    }

    /// Returns the next line without its line feed, or `None` at the end. What follows the last line feed is no line.
    ///
    /// A call that is dropped loses nothing: the next one goes on where it stopped.
    pub(crate) async fn next(&mut self) -> Result<Option<&[u8]>, ReadError> {
        if self.complete {
            self.complete = false;
            self.line.clear();
            self.line.shrink_to(KEPT_CAPACITY);
        }
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let taken = end.map_or(available.len(), |end| end + 1);
            if self.line.len() + taken > MAX_LINE_BYTES {
                return Err(ReadError::TooLong);
            }
            self.line.extend_from_slice(&available[..taken]);
            self.reader.consume(taken);
            if end.is_some() {
                self.complete = true;
                return Ok(Some(&self.line[..self.line.len() - 1]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_an_unfinished_one_never() {
        let mut lines = LineReader::new(&b"one\n\ntwo\nunfinished"[..]);
        for expected in ["one", "", "two"] {
            assert_eq!(lines.next().await.unwrap(), Some(expected.as_bytes()));
        }
        assert_eq!(lines.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_line_may_have_16_mib_and_not_a_byte_more() {
        let mut text = vec![b'x'; MAX_LINE_BYTES - 1];
        text.push(b'\n');
        let mut lines = LineReader::new(&text[..]);
        let length = lines.next().await.unwrap().map(<[u8]>::len);
        assert_eq!(length, Some(MAX_LINE_BYTES - 1));

        text.insert(0, b'x');
        let mut lines = LineReader::new(&text[..]);
        assert!(matches!(lines.next().await, Err(ReadError::TooLong)));
    }
}
