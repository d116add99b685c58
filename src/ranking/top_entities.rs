use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EntityMatch, EntityMatcher, MatcherError, NamedEntity};
use crate::snapshot::SnapshotValue;
use weir_feed::{ContentItem, parse_timestamp};

/// The most frequent entities of the posts, as jobs hand them to rankers, ours and others'.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TopEntities {
    /// Names and in how many posts each occurs, most frequent first.
    pub top_named_entities: Vec<(String, u64)>,
    /// The spellings that were counted under a name.
    pub forms: BTreeMap<String, Vec<String>>,
    /// When they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<DateTime<Utc>>,
}

/// Top entities, ready to be matched with texts.
#[derive(Debug)]
pub struct TopEntitySet {
    /// Finds the entities in a text.
    pub matcher: EntityMatcher,
    /// When they were counted.
    pub as_of: DateTime<Utc>,
}

/// The bytes are no list of top entities.
#[derive(Debug, thiserror::Error)]
pub enum TopEntitiesError {
    /// They are too many to be matched.
    #[error(transparent)]
    Matcher(#[from] MatcherError),
    /// Neither the object nor the bare list.
    #[error("not top entities: {0}")]
    Form(#[from] serde_json::Error),
    /// The timestamp is no time.
    #[error("the timestamp {0:?} is no time")]
    Timestamp(String),
}

/// What may be found under the key.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected an object with top_named_entities, or a list of names"
)]
enum Payload {
    Object {
        top_named_entities: Vec<Entry>,
        #[serde(default)]
        forms: BTreeMap<String, Vec<String>>,
        timestamp: Option<String>,
    },
    Names(Vec<Entry>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name, or a name and a count")]
enum Entry {
    Counted(String, u64),
    Name(String),
}

impl TopEntities {
    /// Reads our own payload, that of the Python system (no forms, a timestamp with or without zone; without one it is
    /// UTC), and a bare list of names.
    pub fn from_json(json: &[u8]) -> Result<Self, TopEntitiesError> {
        let (entries, forms, timestamp) = match serde_json::from_slice(json)? {
            Payload::Object {
                top_named_entities,
                forms,
                timestamp,
            } => (top_named_entities, forms, timestamp),
            Payload::Names(entries) => (entries, BTreeMap::new(), None),
        };
        let parse = |text: String| parse_timestamp(&text).ok_or(TopEntitiesError::Timestamp(text));
        Ok(Self {
            top_named_entities: entries.into_iter().map(Entry::counted).collect(),
            forms,
            timestamp: timestamp.map(parse).transpose()?,
        })
    }

    /// The entities to look for, most frequent first.
    pub fn named_entities(&self) -> Vec<NamedEntity> {
        let entity = |(name, _): &(String, u64)| NamedEntity {
            name: name.clone(),
            forms: self.forms.get(name).cloned().unwrap_or_default(),
        };
        self.top_named_entities.iter().map(entity).collect()
    }
}

impl TopEntitySet {
    /// Reads what [`TopEntities::from_json`] reads. Entities without a timestamp count as of `written_at`.
    pub fn from_json(json: &[u8], written_at: DateTime<Utc>) -> Result<Self, TopEntitiesError> {
        let top = TopEntities::from_json(json)?;
        Ok(Self {
            matcher: EntityMatcher::new(&top.named_entities())?,
            as_of: top.timestamp.unwrap_or(written_at),
        })
    }
}

impl SnapshotValue for TopEntitySet {
    fn as_of(&self) -> Option<DateTime<Utc>> {
        Some(self.as_of)
    }

    fn entries(&self) -> usize {
        self.matcher.entities()
    }
}

/// Items of a feed that name top entities.
#[derive(Debug)]
pub struct EntityMatches {
    set: Arc<TopEntitySet>,
    /// For each item, the index of an entity that it names.
    entities: Vec<Option<usize>>,
}

impl EntityMatches {
    /// Matches all items with the entities of `set`.
    pub fn find(items: &[ContentItem], how: EntityMatch, set: Arc<TopEntitySet>) -> Self {
        let entities = items.iter().map(|item| set.matcher.find(item, how));
        Self {
            entities: entities.collect(),
            set,
        }
    }

    pub(crate) fn has_match(&self, item: usize) -> bool {
        self.entities.get(item).is_some_and(Option::is_some)
    }

    /// Returns the name of the entity that an item names.
    pub(crate) fn name(&self, item: usize) -> Option<&str> {
        let entity = self.entities.get(item).copied().flatten()?;
        Some(self.set.matcher.name(entity))
    }
}

impl Entry {
    fn counted(self) -> (String, u64) {
        match self {
            Self::Counted(name, count) => (name, count),
            Self::Name(name) => (name, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn read(json: &str) -> TopEntities {
        TopEntities::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn our_own_payload_is_read_as_written() {
        let ours = TopEntities {
            top_named_entities: vec![("Trump".into(), 7), ("NASA".into(), 3)],
            forms: [(
                "Trump".to_owned(),
                vec!["TRUMP".to_owned(), "Trump".to_owned()],
            )]
            .into(),
            timestamp: Utc.with_ymd_and_hms(2026, 11, 24, 4, 0, 0).single(),
        };
        assert_eq!(read(&serde_json::to_string(&ours).unwrap()), ours);
        assert_eq!(ours.named_entities()[0].forms, ["TRUMP", "Trump"]);
    }

    #[test]
    fn the_python_payload_is_read_with_and_without_a_zone() {
        let at = Utc.with_ymd_and_hms(2024, 6, 4, 1, 2, 22).single();
        for timestamp in [
            "2024-06-04T01:02:22",
            "2024-06-04T03:02:22+02:00",
            "2024-06-04 01:02:22",
        ] {
            let json =
                format!(r#"{{"top_named_entities": [["Trump", 7]], "timestamp": "{timestamp}"}}"#);
            let read = read(&json);
            assert_eq!(
                (read.timestamp, read.top_named_entities.len()),
                (at, 1),
                "{timestamp}"
            );
        }
    }

    #[test]
    fn a_bare_list_of_names_is_read() {
        let read = read(r#"["Trump", "NASA"]"#);
        assert_eq!(
            read.top_named_entities,
            [("Trump".to_owned(), 0), ("NASA".to_owned(), 0)]
        );
        assert_eq!(read.timestamp, None);
    }

    #[test]
    fn anything_else_is_refused() {
        for json in [
            "",
            "7",
            r#"{"names": []}"#,
            r#"[["Trump", -1]]"#,
            r#"{"top_named_entities": [], "timestamp": "soon"}"#,
        ] {
            assert!(TopEntities::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}
