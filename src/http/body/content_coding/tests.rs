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
    ContentCoding::from_headers(request.to_http_request().headers())
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
