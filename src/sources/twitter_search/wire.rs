//! What the API sends, as far as it is read.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::sources::source::hash;
use crate::sources::{ScrapedPost, SourceError};
use weir_feed::{
    ContentItem, Engagements, ItemKind, Platform, TwitterEngagements, is_web_address,
    parse_timestamp,
};

/// What is asked for of each tweet.
pub(super) const TWEET_FIELDS: &str =
    "author_id,conversation_id,created_at,entities,lang,public_metrics,referenced_tweets";

/// One page of the search.
#[derive(Deserialize)]
pub(super) struct Page {
    /// The tweets as they were sent; absent when there are none.
    #[serde(default)]
    pub(super) data: Vec<Box<RawValue>>,
    #[serde(default)]
    includes: Includes,
    pub(super) meta: Meta,
}

#[derive(Deserialize)]
pub(super) struct Meta {
    pub(super) newest_id: Option<String>,
    pub(super) next_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct Includes {
    #[serde(default)]
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    username: String,
}

/// Names of authors by their ids.
pub(super) struct Users(HashMap<String, String>);

/// A refusal, as RFC 7807 has it.
#[derive(Default, Deserialize)]
pub(super) struct Problems {
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    parameters: HashMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct Tweet {
    id: String,
    text: String,
    author_id: String,
    created_at: String,
    conversation_id: Option<String>,
    lang: Option<String>,
    #[serde(default)]
    entities: Entities,
    #[serde(default)]
    public_metrics: Metrics,
    #[serde(default)]
    referenced_tweets: Vec<Reference>,
}

#[derive(Default, Deserialize)]
struct Entities {
    #[serde(default)]
    urls: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    expanded_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the API's names")]
struct Metrics {
    retweet_count: u64,
    reply_count: u64,
    like_count: u64,
    quote_count: u64,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

impl Page {
    pub(super) fn of(body: &[u8]) -> Result<Self, SourceError> {
        serde_json::from_slice(body).map_err(|error| {
            // Without serde's text, which may quote the body.
            let place = format!("line {} column {}", error.line(), error.column());
            SourceError::Malformed(format!("no page of a search, at {place}"))
        })
    }
}

impl Users {
    pub(super) fn of(page: &Page) -> Self {
        let users = page.includes.users.iter();
        Self(
            users
                .map(|user| (user.id.clone(), user.username.clone()))
                .collect(),
        )
    }
}

impl Problems {
    pub(super) fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    pub(super) fn refused_parameters(self) -> Vec<String> {
        let errors = self.errors.into_iter();
        errors
            .flat_map(|problem| problem.parameters.into_keys())
            // The paging token goes by two names.
            .map(|name| name.replace("pagination_token", "next_token"))
            .collect()
    }
}

impl Tweet {
    /// Reads a tweet, or says which one cannot be read.
    pub(super) fn of(original: &RawValue) -> Result<Self, String> {
        serde_json::from_str(original.get()).map_err(|error| {
            #[derive(Deserialize)]
            struct Identified {
                id: String,
            }
            let id = serde_json::from_str::<Identified>(original.get());
            let id = id.map_or_else(|_| "without an id".to_owned(), |tweet| tweet.id);
            format!("tweet {id} cannot be read, at column {}", error.column())
        })
    }

    pub(super) fn post(
        self,
        users: &Users,
        original: Box<RawValue>,
    ) -> Result<ScrapedPost, String> {
        let created_at = parse_timestamp(&self.created_at)
            .ok_or_else(|| format!("tweet {} has no time of creation", self.id))?;
        let url = match users.0.get(&self.author_id) {
            Some(name) => format!("https://x.com/{name}/status/{}", self.id),
            None => format!("https://x.com/i/web/status/{}", self.id),
        };
        let replied_to = self
            .referenced_tweets
            .into_iter()
            .find(|reference| reference.kind == "replied_to");
        let (kind, post_id) = match replied_to {
            Some(_) => (ItemKind::Comment, self.conversation_id),
            None => (ItemKind::Post, None),
        };
        let links = self.entities.urls.into_iter();
        let item = ContentItem {
            id: self.id,
            original_rank: None,
            post_id,
            parent_id: replied_to.map(|reference| reference.id),
            title: None,
            text: self.text,
            author_name_hash: hash(&["twitter", &self.author_id]),
            kind,
            embedded_urls: links
                .filter_map(|link| link.expanded_url)
                .filter(|address| is_web_address(address))
                .collect(),
            created_at,
            engagements: Engagements::Twitter(TwitterEngagements {
                retweet: self.public_metrics.retweet_count,
                like: self.public_metrics.like_count,
                comment: self.public_metrics.reply_count,
                share: self.public_metrics.quote_count,
            }),
            language: self.lang,
        };
        Ok(ScrapedPost {
            item,
            platform: Platform::Twitter,
            url,
            original,
        })
    }
}
