use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::parse::choice::choice;
use crate::parse::{self, object, time};
use crate::{ContentItem, FeedError, Survey, web_address};

/// A feed to be ranked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankRequest {
    /// Who reads, where and when.
    #[serde(deserialize_with = "object::one")]
    pub session: Session,
    /// The reader's answers to the survey.
    #[serde(default, deserialize_with = "object::optional")]
    pub survey: Option<Survey>,
    /// The posts and comments, in the platform's order.
    #[serde(deserialize_with = "object::list")]
    pub items: Vec<ContentItem>,
}

impl RankRequest {
    /// Reads a request in one pass; an error names the place.
    pub fn from_json(body: &[u8]) -> Result<Self, FeedError> {
        object::from_json(body)
    }

    /// Drops every item whose id came before.
    pub fn keep_first_of_each_id(&mut self) {
        let mut distinct = self.distinct_items().into_iter().peekable();
        let mut index = 0..;
        self.items.retain(|_| {
            distinct
                .next_if(|&kept| Some(kept) == index.next())
                .is_some()
        });
    }

    /// The indices of the items in order, without those whose id came before.
    pub fn distinct_items(&self) -> Vec<usize> {
        let mut seen = HashSet::with_capacity(self.items.len());
        let ids = self.items.iter().map(|item| item.id.as_str());
        ids.enumerate()
            .filter(|(_, id)| seen.insert(*id))
            .map(|(index, _)| index)
            .collect()
    }
}

/// The browsing session a feed belongs to, in general one page view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The page view; requests of one page share it.
    pub session_id: String,
    /// The study participant.
    pub user_id: String,
    /// Salted hash of the user's name; equals `author_name_hash` on the user's own posts.
    pub user_name_hash: String,
    /// The cohort the user is assigned to.
    #[serde(default)]
    pub cohort: Option<String>,
    /// The user's random place among the cohorts.
    #[serde(default, deserialize_with = "parse::optional_count")]
    pub cohort_index: Option<u64>,
    /// Platform on which the feed is read.
    pub platform: Platform,
    /// The page's address, without its query.
    #[serde(deserialize_with = "web_address::one")]
    pub url: String,
    /// The time by the user's browser.
    #[serde(deserialize_with = "time::timestamp")]
    pub current_time: DateTime<Utc>,
    /// `true` if the client looks at the new items of the answer alone; `null` and absent mean it is not.
    #[serde(default, deserialize_with = "parse::optional_flag")]
    pub prefetch: Option<bool>,
}

impl Session {
    /// Returns whether this request only asks ahead for new items.
    pub fn is_prefetch(&self) -> bool {
        self.prefetch.unwrap_or(false)
    }
}

choice! {
    /// Platform on which the feed was read.
    Platform {
        Facebook = "facebook",
        Reddit = "reddit",
        Twitter = "twitter",
    }
}

/// The items of a request exactly as received, unknown fields and all, in order.
///
/// Off the hot path: for storing a feed that [`RankRequest::from_json`] has accepted.
pub fn raw_items(body: &[u8]) -> Result<Vec<&RawValue>, FeedError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    json.deserialize_map(RawItemsVisitor)
        .and_then(|items| json.end().map(|()| items))
        .map_err(|error| FeedError::not_json(body, &error))
}

/// Keeps the last `items`, as the request itself does.
struct RawItemsVisitor;

impl<'de> Visitor<'de> for RawItemsVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with items")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut request: A) -> Result<Self::Value, A::Error> {
        let mut items = None;
        while let Some(key) = request.next_key::<Cow<'de, str>>()? {
            if key == "items" {
                items = Some(request.next_value()?);
            } else {
                request.next_value::<IgnoredAny>()?;
            }
        }
        items.ok_or_else(|| serde::de::Error::missing_field("items"))
    }
}
