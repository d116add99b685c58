use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The part of a stored item that is read. A blob of another writer may be anything: what is no text is absent.
#[derive(Default, Deserialize)]
pub(super) struct Says {
    #[serde(default, deserialize_with = "text_or_none")]
    pub(super) title: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    pub(super) text: Option<String>,
}

impl Says {
    pub(super) fn of(blob: &str) -> Self {
        serde_json::from_str(blob).unwrap_or_default()
    }
}

/// What entity extraction reads of a stored item: the title, a newline and the text, or the one there is.
pub(in crate::db) fn analysed_text(blob: &str) -> String {
    let Says { title, text } = Says::of(blob);
    let text = text.unwrap_or_default();
    match title {
        Some(title) if !title.is_empty() => format!("{title}\n{text}"),
        _ => text,
    }
}

fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}
