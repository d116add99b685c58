//! Text that Postgres takes. Its `text` and `jsonb` refuse U+0000, and `jsonb` refuses half a surrogate pair as well;
//! JSON can spell both. Each becomes U+FFFD, on SQLite too, so that both databases hold the same.

use std::borrow::Cow;

const REPLACEMENT: &str = "\u{FFFD}";

pub(in crate::db) fn storable_text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', REPLACEMENT).into()
    } else {
        text.into()
    }
}

/// The text itself where it can be stored, else the one that can.
pub(in crate::db) fn into_storable_text(text: String) -> String {
    changed(storable_text(&text)).unwrap_or(text)
}

/// The same for valid JSON text.
pub(in crate::db) fn into_storable_json(json: String) -> String {
    changed(storable_json(&json)).unwrap_or(json)
}

fn changed(text: Cow<'_, str>) -> Option<String> {
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}

/// Replaces the same in valid JSON text, where the offenders are escapes: `\u0000` and unpaired `\ud800` to `\udfff`.
pub(in crate::db) fn storable_json(json: &str) -> Cow<'_, str> {
    let mut replaced = String::new();
    let mut copied_to = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        at += found;
        match escaped_unit(json, at) {
            // `\n`, `\\` and the like: the second byte is never the start of an escape.
            None => at += 2,
            Some(0xD800..=0xDBFF)
                if matches!(escaped_unit(json, at + 6), Some(0xDC00..=0xDFFF)) =>
            {
                at += 12;
            }
            Some(0 | 0xD800..=0xDFFF) => {
                replaced.push_str(&json[copied_to..at]);
                replaced.push_str(REPLACEMENT);
                at += 6;
                copied_to = at;
            }
            Some(_) => at += 6,
        }
    }
    if copied_to == 0 {
        return json.into();
    }
    replaced.push_str(&json[copied_to..]);
    replaced.into()
}

/// The UTF-16 unit that `\uXXXX` at this place spells.
fn escaped_unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_character_becomes_the_replacement_character() {
        assert_eq!(storable_text("a\0b"), "a\u{FFFD}b");
    }

    #[test]
    fn an_escaped_null_in_json_becomes_the_replacement_character() {
        assert_eq!(
            storable_json(r#"{"t":"a\u0000b\u0000"}"#),
            "{\"t\":\"a\u{FFFD}b\u{FFFD}\"}"
        );
    }

    #[test]
    fn an_escaped_backslash_before_u0000_is_left_alone() {
        let json = r#"{"t":"C:\\u0000 \" \n \u0041 é"}"#;
        assert!(matches!(storable_json(json), Cow::Borrowed(same) if same == json));
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced_and_a_whole_one_kept() {
        assert_eq!(
            storable_json(r#""\ud83d\ude00 \ud83d x \ude00 \ud83d\ud83d\ude00""#),
            "\"\\ud83d\\ude00 \u{FFFD} x \u{FFFD} \u{FFFD}\\ud83d\\ude00\""
        );
    }
}
