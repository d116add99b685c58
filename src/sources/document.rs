//! A feed's document as text, and the entries in it as they stand there.

use encoding_rs::{Encoding, UTF_8};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::SourceError;

/// How deep elements may lie in each other.
const MAX_DEPTH: usize = 256;

/// The document in UTF-8, without a byte order mark and without an XML declaration, whose encoding is no longer true.
///
/// The encoding is that of the byte order mark, else of the `Content-Type`, else of the declaration, else UTF-8. Bytes
/// that are not of the encoding become U+FFFD.
pub(super) fn decoded(body: &[u8], content_type: Option<&str>) -> String {
    let labelled = |label: Option<&str>| Encoding::for_label(label?.as_bytes());
    let encoding = Encoding::for_bom(body)
        .map(|(encoding, _)| encoding)
        .or_else(|| labelled(content_type.and_then(charset)))
        .or_else(|| labelled(declared(body)))
        .unwrap_or(UTF_8);
    let (text, _, _) = encoding.decode(body);
    let text = text.trim_start();
    let end = text.starts_with("<?xml").then(|| text.find("?>")).flatten();
    end.map_or(text, |end| &text[end + 2..]).to_owned()
}

fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    })
}

/// What `<?xml encoding="..."?>` says, in any encoding that has ASCII in it.
fn declared(body: &[u8]) -> Option<&str> {
    let head = &body[..body.len().min(200)];
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let head = std::str::from_utf8(&head[..end]).ok()?;
    let (_, rest) = head.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest
        .chars()
        .next()
        .filter(|sign| matches!(sign, '"' | '\''))?;
    rest[1..].split(quote).next()
}

/// Each entry as it stands in the document: an object of JSON Feed's `items`, or an `item` or `entry` element as a string.
///
/// An XML document that does not end where it should is refused.
pub(super) fn raw_entries(document: &str) -> Result<Vec<Box<RawValue>>, SourceError> {
    if document.trim_start().starts_with('{') {
        json_items(document)
    } else {
        xml_elements(document)?
            .into_iter()
            .map(|element| to_raw_value(element).map_err(|error| malformed(&error)))
            .collect()
    }
}

fn json_items(document: &str) -> Result<Vec<Box<RawValue>>, SourceError> {
    #[derive(Deserialize)]
    struct Feed {
        items: Vec<Box<RawValue>>,
    }
    serde_json::from_str::<Feed>(document)
        .map(|feed| feed.items)
        .map_err(|error| {
            // Without serde's text, which may quote the document.
            SourceError::Malformed(format!(
                "not a JSON Feed, at line {} column {}",
                error.line(),
                error.column()
            ))
        })
}

fn xml_elements(document: &str) -> Result<Vec<&str>, SourceError> {
    let mut reader = Reader::from_str(document);
    let (mut depth, mut begun) = (0_usize, None);
    let mut elements = Vec::new();
    loop {
        let start = position(&reader);
        // Without the reader's text, which may quote the document.
        let event = reader.read_event().map_err(|_| {
            let at = reader.error_position();
            malformed(&format!("no well-formed XML, at byte {at}"))
        })?;
        let is_entry = |name: &[u8]| matches!(name, b"item" | b"entry");
        match event {
            Event::Start(element) => {
                if begun.is_none() && is_entry(element.local_name().as_ref().as_ref()) {
                    begun = Some((start, depth));
                }
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(malformed(&"elements lie too deep in each other"));
                }
            }
            Event::Empty(element)
                if begun.is_none() && is_entry(element.local_name().as_ref().as_ref()) =>
            {
                elements.push(&document[start..position(&reader)]);
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some((start, _)) = begun.take_if(|(_, outside)| *outside == depth) {
                    elements.push(&document[start..position(&reader)]);
                }
            }
            Event::Eof if depth > 0 => return Err(malformed(&"the document ends too soon")),
            Event::Eof => return Ok(elements),
            _ => {}
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn malformed(why: &impl ToString) -> SourceError {
    SourceError::Malformed(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_taken_from_mark_header_or_declaration() {
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>caf\xe9</a>";
        assert_eq!(decoded(latin, None), "<a>café</a>");
        let cyrillic = b"<a>\xcf\xf0\xe8\xe2\xe5\xf2</a>";
        let kind = Some("text/xml; charset=\"windows-1251\"");
        assert_eq!(decoded(cyrillic, kind), "<a>Привет</a>");
        let utf16: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(decoded(&utf16, Some("text/xml; charset=utf-8")), "<a>é</a>");
        assert_eq!(decoded(b"<a>\xff</a>", None), "<a>\u{FFFD}</a>");
    }

    #[test]
    fn entries_are_found_as_they_stand() {
        let document = "<rss><channel><item><title>a &amp; b</title></item> <item/>\
            <x:item xmlns:x='y'><item>inner</item></x:item></channel></rss>";
        let found = xml_elements(document).unwrap();
        assert_eq!(
            found,
            [
                "<item><title>a &amp; b</title></item>",
                "<item/>",
                "<x:item xmlns:x='y'><item>inner</item></x:item>"
            ]
        );
    }

    #[test]
    fn a_document_cut_short_or_ill_formed_is_refused() {
        for document in [
            "<rss><channel><item>",
            "<rss><item></rss></item>",
            "<rss><item title=></rss",
            &"<a>".repeat(100_000),
        ] {
            assert!(xml_elements(document).is_err());
        }
        assert!(raw_entries("{\"items\": [{}, ").is_err());
    }
}
