//! Content codings of request bodies, decoded step by step within a limit.

use std::io::{self, Write};

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

/// The most members of one gzip body. Each costs a new decoder, however little it holds.
const MAX_GZIP_MEMBERS: usize = 10_000;
/// Bytes reserved for a body before any of it has been decoded, at most.
const INITIAL_CAPACITY: usize = 64 * 1024;

/// A content coding that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentCoding {
    Identity,
    Gzip,
    /// The zlib format (RFC 1950), or the bare deflate stream that some clients send under this name.
    Deflate,
}

/// The codings named by `Accept-Encoding` in a refusal.
pub(in crate::http) const ACCEPTED: &str = "gzip, deflate, identity";

impl ContentCoding {
    /// Returns the coding of a request's body, or `None` for one that is unknown and for several on top of each other.
    pub(super) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut coding = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().ok()?.split(',') {
                let next = match name.trim().to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    _ => return None,
                };
                if coding != Self::Identity {
                    return None;
                }
                coding = next;
            }
        }
        Some(coding)
    }
}

/// Reason why a body could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecodeError {
    #[error("it is longer than the limit")]
    TooLong,
    #[error("the {0} stream is truncated")]
    Truncated(&'static str),
    #[error("the {0} stream is corrupt")]
    Corrupt(&'static str),
    #[error("bytes follow the end of the {0} stream")]
    Trailing(&'static str),
    #[error("it has more than {MAX_GZIP_MEMBERS} gzip members")]
    Members,
}

/// Decoder of one body. Each step yields little more than 32 KiB, so that neither memory nor time exceeds what its caller
/// allows.
pub(super) struct Decoder(Stage);

enum Stage {
    Identity(Decoded),
    Gzip {
        member: Box<GzDecoder<Decoded>>,
        members: usize,
    },
    /// The first byte tells which of the two formats follows.
    Undecided(Decoded),
    Zlib(Box<ZlibDecoder<Decoded>>),
    Deflate(Box<DeflateDecoder<Decoded>>),
    Failed,
}

/// Destination of decoded bytes that takes at most `max_bytes`.
struct Decoded {
    bytes: Vec<u8>,
    max_bytes: usize,
    is_full: bool,
}

impl Write for Decoded {
    fn write(&mut self, decoded: &[u8]) -> io::Result<usize> {
        let needed = self.bytes.len() + decoded.len();
        if needed > self.max_bytes {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if needed > self.bytes.capacity() {
            // Doubles as `Vec` does, but not past the limit.
            let capacity = (2 * self.bytes.capacity()).clamp(needed, self.max_bytes);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(decoded);
        Ok(decoded.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// A decoder of a body that may have `max_bytes` decoded, and is expected to have `expected_bytes`.
    pub(super) fn new(coding: ContentCoding, expected_bytes: usize, max_bytes: usize) -> Self {
        let decoded = Decoded {
            bytes: Vec::with_capacity(expected_bytes.min(max_bytes).min(INITIAL_CAPACITY)),
            max_bytes,
            is_full: false,
        };
        Self(match coding {
            ContentCoding::Identity => Stage::Identity(decoded),
            ContentCoding::Gzip => Stage::Gzip {
                member: Box::new(GzDecoder::new(decoded)),
                members: 1,
            },
            ContentCoding::Deflate => Stage::Undecided(decoded),
        })
    }

    /// Returns the bytes of memory that the decoded part holds.
    pub(super) fn held_bytes(&self) -> usize {
        self.decoded().map_or(0, |decoded| decoded.bytes.capacity())
    }

    /// Decodes a part of `input`, which must not be empty, and returns how many of its bytes were consumed. May be 0.
    pub(super) fn step(&mut self, input: &[u8]) -> Result<usize, DecodeError> {
        let name = self.name();
        let consumed = match &mut self.0 {
            Stage::Identity(decoded) => decoded.write(input),
            Stage::Undecided(_) => {
                self.decide(input[0]);
                return Ok(0);
            }
            Stage::Zlib(stream) => stream.write(input),
            Stage::Deflate(stream) => stream.write(input),
            Stage::Gzip { member, .. } => match member.write(input) {
                Ok(0) => return self.next_member().map(|()| 0),
                consumed => consumed,
            },
            Stage::Failed => return Err(DecodeError::Corrupt(name)),
        };
        match consumed {
            // Only a stream that has ended takes nothing.
            Ok(0) => Err(DecodeError::Trailing(name)),
            Ok(consumed) => Ok(consumed),
            Err(error) => Err(self.refusal(&error)),
        }
    }

    /// Returns the decoded body once all input has been consumed.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, DecodeError> {
        let end = match &mut self.0 {
            Stage::Identity(_) => Ok(()),
            Stage::Gzip { member, .. } => member.try_finish(),
            Stage::Zlib(stream) => stream.try_finish(),
            Stage::Deflate(stream) => stream.try_finish(),
            Stage::Undecided(_) | Stage::Failed => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        match (end, self.decoded_mut()) {
            (Ok(()), Some(decoded)) => Ok(std::mem::take(&mut decoded.bytes)),
            (Ok(()), None) => Err(DecodeError::Corrupt(self.name())),
            (Err(error), _) => Err(self.refusal(&error)),
        }
    }

    fn decide(&mut self, first: u8) {
        if let Stage::Undecided(decoded) = std::mem::replace(&mut self.0, Stage::Failed) {
            let is_zlib = first & 0x0F == 8 && first >> 4 <= 7;
            self.0 = if is_zlib {
                Stage::Zlib(Box::new(ZlibDecoder::new(decoded)))
            } else {
                Stage::Deflate(Box::new(DeflateDecoder::new(decoded)))
            };
        }
    }

    fn next_member(&mut self) -> Result<(), DecodeError> {
        let Stage::Gzip { member, members } = &mut self.0 else {
            return Err(DecodeError::Corrupt(self.name()));
        };
        if *members == MAX_GZIP_MEMBERS {
            return Err(DecodeError::Members);
        }
        let members = *members + 1;
        if let Err(error) = member.try_finish() {
            return Err(self.refusal(&error));
        }
        if let Stage::Gzip { member, .. } = std::mem::replace(&mut self.0, Stage::Failed)
            && let Ok(decoded) = member.finish()
        {
            let member = Box::new(GzDecoder::new(decoded));
            self.0 = Stage::Gzip { member, members };
        }
        Ok(())
    }

    fn decoded(&self) -> Option<&Decoded> {
        match &self.0 {
            Stage::Identity(decoded) | Stage::Undecided(decoded) => Some(decoded),
            Stage::Gzip { member, .. } => Some(member.get_ref()),
            Stage::Zlib(stream) => Some(stream.get_ref()),
            Stage::Deflate(stream) => Some(stream.get_ref()),
            Stage::Failed => None,
        }
    }

    fn decoded_mut(&mut self) -> Option<&mut Decoded> {
        match &mut self.0 {
            Stage::Identity(decoded) | Stage::Undecided(decoded) => Some(decoded),
            Stage::Gzip { member, .. } => Some(member.get_mut()),
            Stage::Zlib(stream) => Some(stream.get_mut()),
            Stage::Deflate(stream) => Some(stream.get_mut()),
            Stage::Failed => None,
        }
    }

    fn refusal(&self, error: &io::Error) -> DecodeError {
        let name = self.name();
        if self.decoded().is_some_and(|decoded| decoded.is_full) {
            return DecodeError::TooLong;
        }
        match &self.0 {
            // What follows a member is no header of another.
            Stage::Gzip { member, members } if *members > 1 && member.header().is_none() => {
                DecodeError::Trailing(name)
            }
            _ if error.kind() == io::ErrorKind::UnexpectedEof => DecodeError::Truncated(name),
            _ => DecodeError::Corrupt(name),
        }
    }

    fn name(&self) -> &'static str {
        match &self.0 {
            Stage::Identity(_) => "identity",
            Stage::Gzip { .. } => "gzip",
            Stage::Undecided(_) | Stage::Zlib(_) | Stage::Deflate(_) | Stage::Failed => "deflate",
        }
    }
}

#[cfg(test)]
mod tests;
