use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rand::{Rng, RngExt};
use serde::Deserialize;
use weir_feed::{
    ContentItem, Engagements, ItemKind, TwitterEngagements, is_web_address, parse_timestamp,
};

use super::content::{Pseudonym, Pseudonyms, hex};
use crate::DropReason;

/// Mean number of likes of a tweet per follower.
const LIKES_PER_FOLLOWER: f64 = 0.004;

/// Response of the API. Strings without escapes borrow from the line.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    #[serde(default)]
    includes: Includes,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    author_id: Cow<'a, str>,
    #[serde(borrow, default)]
    created_at: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    lang: Option<String>,
    entities: Option<Entities>,
    #[serde(default)]
    public_metrics: Metrics,
}

#[derive(Deserialize)]
struct Entities {
    #[serde(default)]
    urls: Vec<Url>,
}

#[derive(Deserialize)]
struct Url {
    expanded_url: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Metrics {
    #[serde(rename = "retweet_count")]
    retweet: i64,
    #[serde(rename = "reply_count")]
    reply: i64,
    #[serde(rename = "like_count")]
    like: i64,
    #[serde(rename = "quote_count")]
    quote: i64,
}

#[derive(Default, Deserialize)]
struct Includes {
    #[serde(default)]
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    public_metrics: UserMetrics,
}

#[derive(Default, Deserialize)]
struct UserMetrics {
    #[serde(default)]
    followers_count: u64,
}

/// Valid tweet.
pub(super) struct Tweet<'a> {
    data: Data<'a>,
    pub(super) id: Pseudonym,
    created_at: DateTime<Utc>,
    counts: TwitterEngagements,
    followers: u64,
}

/// Position of a tweet in its thread.
pub(super) enum ThreadPosition {
    Root,
    /// Reply to `parent`, which is the root or another reply.
    Reply {
        root: Pseudonym,
        parent: Pseudonym,
    },
}

impl<'a> Tweet<'a> {
    pub(super) fn from_line(line: &'a [u8]) -> Result<Self, DropReason> {
        let line = std::str::from_utf8(line).map_err(|_| DropReason::InvalidUtf8)?;
        let response: Response<'a> = serde_json::from_str(line).map_err(|_| DropReason::NotJson)?;
        let data = response.data.ok_or(DropReason::NoContent)?;
        if data.id.is_empty() || data.text.trim().is_empty() {
            return Err(DropReason::NoContent);
        }
        Ok(Self {
            id: Pseudonyms::id(&data.id),
            created_at: parse_timestamp(&data.created_at).ok_or(DropReason::UnparseableTime)?,
            counts: data.public_metrics.counts()?,
            followers: response
                .includes
                .users
                .first()
                .map_or(0, |user| user.public_metrics.followers_count),
            data,
        })
    }

    /// Converts the tweet into an item. Counts that are all zero are simulated from the author's followers.
    pub(super) fn into_item(
        self,
        pseudonyms: &Pseudonyms,
        position: &ThreadPosition,
        rng: &mut impl Rng,
    ) -> ContentItem {
        let counts = if self.counts == TwitterEngagements::default() {
            simulated_counts(self.followers, rng)
        } else {
            self.counts
        };
        let (kind, post_id, parent_id) = match position {
            ThreadPosition::Root => (ItemKind::Post, None, None),
            ThreadPosition::Reply { root, parent } => {
                (ItemKind::Comment, Some(hex(root)), Some(hex(parent)))
            }
        };
        ContentItem {
            id: hex(&self.id),
            original_rank: None,
            post_id,
            parent_id,
            title: None,
            text: self.data.text.trim().to_owned(),
            author_name_hash: pseudonyms.author(&self.data.author_id),
            kind,
            embedded_urls: expanded_urls(self.data.entities),
            created_at: self.created_at,
            engagements: Engagements::Twitter(counts),
            language: self.data.lang,
        }
    }
}

impl Metrics {
    fn counts(self) -> Result<TwitterEngagements, DropReason> {
        let count = |number| u64::try_from(number).map_err(|_| DropReason::InvalidCount);
        Ok(TwitterEngagements {
            retweet: count(self.retweet)?,
            like: count(self.like)?,
            comment: count(self.reply)?,
            share: count(self.quote)?,
        })
    }
}

fn expanded_urls(entities: Option<Entities>) -> Vec<String> {
    let urls = entities.map(|entities| entities.urls).unwrap_or_default();
    urls.into_iter()
        .filter_map(|url| url.expanded_url)
        .filter(|url| is_web_address(url))
        .collect()
}

/// Draws the counts of a tweet: likes are proportional to followers times roughly log-normal noise, other counts to likes.
fn simulated_counts(followers: u64, rng: &mut impl Rng) -> TwitterEngagements {
    let noise: f64 = (0..4).map(|_| rng.random_range(-1.0..1.0)).sum();
    let likes = followers as f64 * LIKES_PER_FOLLOWER * noise.exp();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count: not negative, far below 2^64"
    )]
    let mut part = |share: f64| (likes * share * rng.random_range(0.5..1.5)).round() as u64;
    TwitterEngagements {
        retweet: part(0.2),
        like: part(1.0),
        comment: part(0.1),
        share: part(0.04),
    }
}
