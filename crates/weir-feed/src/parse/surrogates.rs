//! Lone surrogates: half of a character of UTF-16, as programs leave them that cut a text in the middle of an emoji.
//!
//! JSON can spell one (`"\ud83d"`), Unicode text cannot hold one. Each is read as U+FFFD.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use serde::Serialize;
use serde_json::value::RawValue;

/// Keys whose values name items, which must not become equal to each other.
const ID_KEYS: [&str; 5] = ["id", "item_id", "id_str", "post_id", "parent_id"];
/// First of the private-use characters that stand for the 2,048 surrogates between the two passes over a text.
const MARKS: u32 = 0x10_D800;
const SURROGATES: u32 = 0xD800;
const SURROGATE_COUNT: u32 = 0x800;

/// JSON text in which lone surrogates were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairedJson {
    /// The text.
    pub body: Vec<u8>,
    /// The ids that were changed.
    pub ids: SentIds,
}

/// Ids as the client sent them, where they hold a lone surrogate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SentIds(HashMap<String, String>);

/// An id for an answer, in the form in which the client knows it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum SentId<'i> {
    /// The id itself.
    Same(Cow<'i, str>),
    /// A JSON string with escaped lone surrogates.
    Escaped(Box<RawValue>),
}

impl SentIds {
    /// Returns the form in which the client knows `id`.
    pub fn sent<'i>(&self, id: impl Into<Cow<'i, str>>) -> SentId<'i> {
        let id = id.into();
        let escaped = self.0.get(&*id).cloned().map(RawValue::from_string);
        match escaped {
            Some(Ok(escaped)) => SentId::Escaped(escaped),
            Some(Err(_)) | None => SentId::Same(id),
        }
    }
}

/// Returns `body` with U+FFFD in place of each lone surrogate, or `None` if it has none.
///
/// Ids that hold one stay distinct: where two would become equal, or equal to an id without surrogates, a suffix tells
/// them apart.
pub fn repair_lone_surrogates(body: &[u8]) -> Option<RepairedJson> {
    let marked = mark(body)?;
    let ids = replacements(&marked);
    let mut repaired = String::with_capacity(marked.len());
    let mut copied_to = 0;
    for string in Strings::new(&marked).filter(|string| has_mark(string.token)) {
        // What is no valid string is left to the parser, which says so.
        let Some(text) = string.text() else { continue };
        let id = if string.is_id() {
            ids.get(&*text)
        } else {
            None
        };
        let replaced = id.cloned().unwrap_or_else(|| unmarked(&text));
        repaired.push_str(&marked[copied_to..string.start]);
        repaired.push_str(&serde_json::Value::from(replaced).to_string());
        copied_to = string.start + string.token.len();
    }
    repaired.push_str(&marked[copied_to..]);
    let sent = ids.into_iter().map(|(marked, id)| (id, spelled(&marked)));
    Some(RepairedJson {
        body: repaired.into_bytes(),
        ids: SentIds(sent.collect()),
    })
}

/// The text with a mark in place of each lone surrogate, escaped or as the bytes that some encoders write. `None` without
/// any, for other invalid UTF-8, and for a text that holds the marks already.
fn mark(body: &[u8]) -> Option<String> {
    let mut marked = Vec::with_capacity(body.len());
    let mut found = false;
    let mut rest = body;
    while let Some(start) = rest
        .iter()
        .position(|byte| matches!(byte, b'\\' | 0xED | 0xF4))
    {
        let (before, special) = rest.split_at(start);
        marked.extend_from_slice(before);
        let (unit, length) = match special {
            [b'\\', b'u', ..] => {
                match (
                    escaped_unit(special),
                    special.get(6..).and_then(escaped_unit),
                ) {
                    (Some(0xDBF6..=0xDBF7), Some(0xDC00..=0xDFFF)) => return None,
                    (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (None, 12),
                    (Some(unit @ 0xD800..=0xDFFF), _) => (Some(unit), 6),
                    _ => (None, 2),
                }
            }
            // An escaped backslash, say: the second byte begins no escape.
            [b'\\', _, ..] => (None, 2),
            [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] => {
                let unit = 0xD000 | (u32::from(second & 0x3F) << 6) | u32::from(third & 0x3F);
                (Some(unit), 3)
            }
            [0xF4, 0x8D, 0xA0..=0xBF, ..] => return None,
            _ => (None, 1),
        };
        let (taken, after) = special.split_at(length);
        match unit.and_then(|unit| char::from_u32(MARKS + unit - SURROGATES)) {
            Some(mark) => {
                found = true;
                marked.extend_from_slice(mark.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => marked.extend_from_slice(taken),
        }
        rest = after;
    }
    if !found {
        return None;
    }
    marked.extend_from_slice(rest);
    String::from_utf8(marked).ok()
}

/// The UTF-16 unit that `\uXXXX` at the beginning spells.
fn escaped_unit(json: &[u8]) -> Option<u32> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| {
        Some((unit << 4) | char::from(digit).to_digit(16)?)
    })
}

fn is_mark(sign: char) -> bool {
    (MARKS..MARKS + SURROGATE_COUNT).contains(&u32::from(sign))
}

fn has_mark(text: &str) -> bool {
    text.contains(is_mark)
}

fn unmarked(text: &str) -> String {
    text.replace(is_mark, "\u{FFFD}")
}

/// For each id with a mark, the one that it is known by.
fn replacements(marked: &str) -> HashMap<String, String> {
    let ids = Strings::new(marked).filter(JsonString::is_id);
    let ids: Vec<Cow<'_, str>> = ids.filter_map(|string| string.text()).collect();
    let (marked, plain): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| has_mark(id));
    let mut taken: HashSet<String> = plain.into_iter().map(Cow::into_owned).collect();
    let mut replacements = HashMap::new();
    for id in marked {
        if replacements.contains_key(&*id) {
            continue;
        }
        let plain = unmarked(&id);
        let mut replacement = plain.clone();
        let mut number = 2_u64;
        while !taken.insert(replacement.clone()) {
            replacement = format!("{plain}#{number}");
            number += 1;
        }
        replacements.insert(id.into_owned(), replacement);
    }
    replacements
}

/// A JSON string of the text that was sent, with escapes for its lone surrogates.
fn spelled(marked: &str) -> String {
    let mut spelling = serde_json::Value::from(marked).to_string();
    for mark in marked.chars().filter(|&sign| is_mark(sign)) {
        let mut escape = String::new();
        // Writing to a string cannot fail.
        let _ = write!(escape, "\\u{:04x}", u32::from(mark) - MARKS + SURROGATES);
        spelling = spelling.replace(mark, &escape);
    }
    spelling
}

/// A string of a JSON text, quotes included.
struct JsonString<'j> {
    start: usize,
    token: &'j str,
    /// The key whose value it is, or that of the list that it is in; it is none for a key itself.
    key: Option<&'j str>,
}

impl<'j> JsonString<'j> {
    fn text(&self) -> Option<Cow<'j, str>> {
        text_of(self.token)
    }

    fn is_id(&self) -> bool {
        let key = self.key.and_then(text_of);
        key.is_some_and(|key| ID_KEYS.contains(&&*key))
    }
}

fn text_of(token: &str) -> Option<Cow<'_, str>> {
    match token.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(token).ok().map(Cow::Owned),
    }
}

/// The strings of a JSON text in order.
struct Strings<'j> {
    json: &'j str,
    at: usize,
    key: Option<&'j str>,
}

impl<'j> Strings<'j> {
    fn new(json: &'j str) -> Self {
        Self {
            json,
            at: 0,
            key: None,
        }
    }
}

impl<'j> Iterator for Strings<'j> {
    type Item = JsonString<'j>;

    fn next(&mut self) -> Option<JsonString<'j>> {
        let start = self.at + self.json[self.at..].find('"')?;
        let mut end = start + 1;
        loop {
            end += self.json[end..].find(['"', '\\'])?;
            if self.json.as_bytes()[end] == b'"' {
                break;
            }
            // The character after a backslash; a quote after it does not end the string.
            end += 1 + self.json[end + 1..].chars().next()?.len_utf8();
        }
        self.at = end + 1;
        let token = &self.json[start..self.at];
        let is_key = self.json[self.at..].trim_ascii_start().starts_with(':');
        let key = if is_key {
            self.key = Some(token);
            None
        } else {
            self.key
        };
        Some(JsonString { start, token, key })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn repaired(json: &str) -> Option<String> {
        let repaired = repair_lone_surrogates(json.as_bytes())?;
        Some(String::from_utf8(repaired.body).unwrap())
    }

    fn value(json: &str) -> serde_json::Value {
        serde_json::from_str(&repaired(json).unwrap()).unwrap()
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(
            value(r#"{"text": "a \ud83d b\uDE00", "n": [1, "\ud83d\ud83d\ude00\n"]}"#),
            json!({"text": "a \u{FFFD} b\u{FFFD}", "n": [1, "\u{FFFD}\u{1F600}\n"]})
        );
        assert_eq!(value(r#"{"\udc00": 1}"#), json!({"\u{FFFD}": 1}));
        assert_eq!(value(r#""\ud83d\"\\""#), json!("\u{FFFD}\"\\"));
    }

    #[test]
    fn a_text_without_one_is_left_alone() {
        for json in [
            "",
            "{",
            r#"{"text": "plain é \u00e9 \ud83d\ude00"}"#,
            r#"{"path": "C:\\ud83d"}"#,
            r#"{"path": "\\\\ud83d\\"}"#,
            r#""\u"#,
            r#""\ud83"#,
            "\\",
        ] {
            assert_eq!(repaired(json), None, "{json}");
        }
        assert_eq!(repair_lone_surrogates(b"\xFF"), None);
    }

    #[test]
    fn a_surrogate_after_an_escaped_backslash_is_found() {
        assert_eq!(value(r#""\\\ud83d""#), json!("\\\u{FFFD}"));
    }

    #[test]
    fn a_surrogate_in_bytes_is_found_too() {
        let repaired = repair_lone_surrogates(b"\"a\xED\xA0\xBDb\"").unwrap();
        assert_eq!(repaired.body, "\"a\u{FFFD}b\"".as_bytes());
    }

    #[test]
    fn what_is_no_json_does_not_panic() {
        for json in [
            r#""\ud83d"#,
            r"\ud83d",
            r#"{"id": "\ud83d\"#,
            r#"{"id": "\q\ud83d"}"#,
        ] {
            repair_lone_surrogates(json.as_bytes());
        }
    }

    fn spelling(ids: &SentIds, id: &str) -> String {
        serde_json::to_string(&ids.sent(id)).unwrap()
    }

    #[test]
    fn an_id_is_known_to_the_client_as_it_was_sent() {
        let json = r#"{"items": [{"id": "a\ud83d\"\u00e9"}, {"id": "b"}]}"#;
        let ids = repair_lone_surrogates(json.as_bytes()).unwrap().ids;
        assert_eq!(spelling(&ids, "a\u{FFFD}\"é"), r#""a\ud83d\"é""#);
        assert_eq!(spelling(&ids, "b"), "\"b\"");
    }

    #[test]
    fn ids_that_would_become_equal_stay_distinct() {
        let json = r#"{"items": [{"id": "a\ud83d", "text": "a\ud83e"}, {"id": "a\ud83e"},
                                 {"id": "a\ufffd"}, {"id": "a\uD83D", "parent_id": "a\ud83d"}]}"#;
        let repaired = repair_lone_surrogates(json.as_bytes()).unwrap();
        let feed: serde_json::Value = serde_json::from_slice(&repaired.body).unwrap();
        let id = |index: usize| feed["items"][index]["id"].as_str().unwrap();
        assert_eq!(feed["items"][0]["text"], "a\u{FFFD}");
        assert_eq!(id(2), "a\u{FFFD}");
        assert_eq!(id(0), id(3), "one id in two spellings");
        assert_eq!(feed["items"][3]["parent_id"], id(0));
        let distinct: HashSet<_> = (0..3).map(id).collect();
        assert_eq!(distinct.len(), 3);
        assert_eq!(spelling(&repaired.ids, id(0)), r#""a\ud83d""#);
        assert_eq!(spelling(&repaired.ids, id(1)), r#""a\ud83e""#);
        assert_eq!(spelling(&repaired.ids, id(2)), "\"a\u{FFFD}\"");
    }
}
