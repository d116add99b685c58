use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::parse::choice::choice;
use crate::parse::{self, object, time};
use crate::{
    ContentItem, Engagements, FacebookEngagements, FeedError, ItemKind, Platform, RankRequest,
    Session, web_address,
};

choice! {
    /// What an answer without all scores is worth to the asker.
    ScoringMode {
        Partial = "partial",
        AllOrNothing = "all_or_nothing",
    }
}

/// Texts to be scored, in no order and for no reader in particular.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoringRequest {
    /// The texts.
    #[serde(deserialize_with = "object::list")]
    pub data: Vec<ScoringItem>,
    /// The names of the scorers to use; all there are without it.
    #[serde(default)]
    pub scorers: Option<Vec<String>>,
    /// Whether scores that are missing are left out, or spoil the rest.
    #[serde(default = "partial")]
    pub mode: ScoringMode,
    /// How long the answer may take, in milliseconds.
    #[serde(default, deserialize_with = "parse::optional_count")]
    pub deadline_ms: Option<u64>,
    /// Who reads the texts, for scorers that look at it. Nobody without it, on Reddit.
    #[serde(default, deserialize_with = "object::optional")]
    pub session: Option<Session>,
}

/// A text to be scored, with what else is known of it. Unknown fields are ignored.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ScoringItem {
    /// Stands beside its scores in the answer.
    pub item_id: String,
    /// The text, possibly empty.
    pub text: String,
    /// As in [`ContentItem`], as are the other fields.
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    author_name_hash: String,
    #[serde(rename = "type", default = "post")]
    kind: ItemKind,
    #[serde(default, deserialize_with = "web_address::list")]
    embedded_urls: Vec<String>,
    #[serde(default = "Utc::now", deserialize_with = "time::timestamp")]
    created_at: DateTime<Utc>,
    #[serde(default = "no_engagements")]
    engagements: Engagements,
    #[serde(default)]
    language: Option<String>,
}

impl ScoringRequest {
    /// Reads a request; an error names the place.
    pub fn from_json(body: &[u8]) -> Result<Self, FeedError> {
        object::from_json(body)
    }

    /// The texts as a feed, in their order: the form that scorers take.
    pub fn into_feed(self) -> RankRequest {
        RankRequest {
            session: self.session.unwrap_or_else(nobody),
            survey: None,
            items: self.data.into_iter().map(ContentItem::from).collect(),
        }
    }
}

impl From<ScoringItem> for ContentItem {
    fn from(item: ScoringItem) -> Self {
        Self {
            id: item.item_id,
            original_rank: None,
            post_id: None,
            parent_id: None,
            title: item.title,
            text: item.text,
            author_name_hash: item.author_name_hash,
            kind: item.kind,
            embedded_urls: item.embedded_urls,
            created_at: item.created_at,
            engagements: item.engagements,
            language: item.language,
        }
    }
}

fn partial() -> ScoringMode {
    ScoringMode::Partial
}

fn post() -> ItemKind {
    ItemKind::Post
}

fn no_engagements() -> Engagements {
    Engagements::Facebook(FacebookEngagements::default())
}

fn nobody() -> Session {
    Session {
        session_id: String::new(),
        user_id: String::new(),
        user_name_hash: String::new(),
        cohort: None,
        cohort_index: None,
        platform: Platform::Reddit,
        url: String::new(),
        current_time: Utc::now(),
        prefetch: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(json: &str) -> String {
        ScoringRequest::from_json(json.as_bytes()).unwrap_err().path
    }

    #[test]
    fn an_id_and_a_text_are_enough() {
        let json = r#"{"data": [{"item_id": "a", "text": "so happy", "likes": 3}]}"#;
        let request = ScoringRequest::from_json(json.as_bytes()).unwrap();
        assert_eq!((&request.scorers, request.mode), (&None, partial()));
        let feed = request.into_feed();
        assert_eq!((feed.items[0].id.as_str(), feed.items.len()), ("a", 1));
    }

    #[test]
    fn an_error_names_the_place() {
        assert_eq!(place_of(r#"{"data": [{"item_id": "a"}]}"#), "data[0]");
        let mode = r#"{"data": [], "mode": "some"}"#;
        assert_eq!(place_of(mode), "mode");
        assert_eq!(place_of(r#"{"data": [], "scorer": ["x"]}"#), "scorer");
        let time = r#"{"data": [{"item_id": "a", "text": "", "created_at": "then"}]}"#;
        assert_eq!(place_of(time), "data[0].created_at");
    }
}
