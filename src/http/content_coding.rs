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
pub(super) const ACCEPTED: &str = "gzip, deflate, identity";

impl ContentCoding {
    /// Returns the coding of a request's body, or `None` for one that is unknown and for several on top of each other.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
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
mod tests {
    use std::io::Write;

    use actix_web::http::header::HeaderName;
    use actix_web::test::TestRequest;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"a feed, a feed, and another feed";
    const MAX: usize = 1 << 20;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Decodes `encoded` in chunks of `chunk` bytes.
    fn decode_in(
        chunk: usize,
        coding: ContentCoding,
        encoded: &[u8],
        max_bytes: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(coding, 0, max_bytes);
        for mut input in encoded.chunks(chunk) {
            while !input.is_empty() {
                let consumed = decoder.step(input)?;
                input = &input[consumed..];
                assert!(decoder.held_bytes() <= max_bytes);
            }
        }
        decoder.finish()
    }

    fn decode(coding: ContentCoding, encoded: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let whole = decode_in(usize::MAX, coding, encoded, MAX);
        assert_eq!(decode_in(1, coding, encoded, MAX), whole);
        whole
    }

    fn coding_of(values: &[&str]) -> Option<ContentCoding> {
        let mut request = TestRequest::default();
        for value in values {
            let name = HeaderName::from_static("content-encoding");
            request = request.append_header((name, *value));
        }
        ContentCoding::of(request.to_http_request().headers())
    }

    #[test]
    fn one_known_coding_is_taken_and_several_are_not() {
        assert_eq!(coding_of(&[]), Some(ContentCoding::Identity));
        assert_eq!(coding_of(&["identity"]), Some(ContentCoding::Identity));
        assert_eq!(coding_of(&[" X-GZip "]), Some(ContentCoding::Gzip));
        assert_eq!(coding_of(&["identity, gzip"]), Some(ContentCoding::Gzip));
        assert_eq!(coding_of(&["deflate"]), Some(ContentCoding::Deflate));
        for refused in [
            &["br"][..],
            &["zstd"],
            &["gzip, gzip"],
            &["gzip", "deflate"],
            &["gzip2"],
        ] {
            assert_eq!(coding_of(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn every_coding_is_decoded_however_it_is_cut() {
        assert_eq!(decode(ContentCoding::Identity, TEXT).unwrap(), TEXT);
        assert_eq!(decode(ContentCoding::Gzip, &gzip(TEXT)).unwrap(), TEXT);
        assert_eq!(decode(ContentCoding::Deflate, &zlib(TEXT)).unwrap(), TEXT);
        assert_eq!(
            decode(ContentCoding::Deflate, &deflate(TEXT)).unwrap(),
            TEXT
        );
        assert_eq!(decode(ContentCoding::Gzip, &gzip(b"")).unwrap(), b"");
    }

    #[test]
    fn every_member_of_a_gzip_stream_is_read() {
        let members = [gzip(b"a"), gzip(b""), gzip(b"bc"), gzip(b"")].concat();
        assert_eq!(decode(ContentCoding::Gzip, &members).unwrap(), b"abc");
    }

    #[test]
    fn members_without_end_are_refused() {
        let members = gzip(b"").repeat(MAX_GZIP_MEMBERS);
        let decoded = |members: &[u8]| decode_in(usize::MAX, ContentCoding::Gzip, members, MAX);
        assert_eq!(decoded(&members), Ok(Vec::new()));
        let members = [members, gzip(b"")].concat();
        assert_eq!(decoded(&members), Err(DecodeError::Members));
    }

    #[test]
    fn a_truncated_stream_is_refused() {
        for (coding, encoded) in [
            (ContentCoding::Gzip, gzip(TEXT)),
            (ContentCoding::Deflate, zlib(TEXT)),
            (ContentCoding::Deflate, deflate(TEXT)),
        ] {
            for length in 0..encoded.len() {
                let error = decode(coding, &encoded[..length]).unwrap_err();
                // A gzip trailer that is cut has no checksum to compare.
                assert!(
                    matches!(error, DecodeError::Truncated(_) | DecodeError::Corrupt(_)),
                    "{length}: {error}"
                );
            }
        }
    }

    #[test]
    fn bytes_after_the_end_are_refused() {
        for (coding, encoded) in [
            (ContentCoding::Gzip, gzip(TEXT)),
            (ContentCoding::Deflate, zlib(TEXT)),
            (ContentCoding::Deflate, deflate(TEXT)),
        ] {
            for garbage in [&b"x"[..], b"more than a header"] {
                let error = decode(coding, &[&encoded, garbage].concat()).unwrap_err();
                assert!(matches!(error, DecodeError::Trailing(_)), "{error}");
            }
        }
    }

    #[test]
    fn a_checksum_that_differs_is_refused() {
        let mut encoded = gzip(TEXT);
        let checksum = encoded.len() - 5;
        encoded[checksum] ^= 1;
        let error = decode(ContentCoding::Gzip, &encoded);
        assert_eq!(error, Err(DecodeError::Corrupt("gzip")));
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let zeros = vec![0; 64 << 20];
        for (coding, encoded) in [
            (ContentCoding::Gzip, gzip(&zeros)),
            (ContentCoding::Deflate, zlib(&zeros)),
            (ContentCoding::Deflate, deflate(&zeros)),
        ] {
            let refused = decode_in(usize::MAX, coding, &encoded, MAX);
            assert_eq!(refused, Err(DecodeError::TooLong));
        }
        let exactly = vec![0; MAX];
        assert_eq!(
            decode(ContentCoding::Gzip, &gzip(&exactly)).unwrap(),
            exactly
        );
    }
}
