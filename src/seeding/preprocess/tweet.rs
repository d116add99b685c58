use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rand::{Rng, RngExt};
use serde::Deserialize;

use super::pseudonyms::{Pseudonym, Pseudonyms, hex};
use super::report::Reason;
use weir_feed::{
    ContentItem, Engagements, ItemKind, TwitterEngagements, is_web_address, parse_timestamp,
};

/// Likes that one follower gives a tweet, on average.
const LIKES_PER_FOLLOWER: f64 = 0.004;

/// One answer of the API. Strings borrow from the line where they have no escapes.
#[derive(Deserialize)]
pub(super) struct Answer<'a> {
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

/// A tweet that can be used.
pub(super) struct Tweet<'a> {
    data: Data<'a>,
    pub(super) id: Pseudonym,
    created_at: DateTime<Utc>,
    counts: TwitterEngagements,
    followers: u64,
}

/// Where a tweet stands among the others.
pub(super) enum Place {
    Start,
    /// Under the thread's first, in answer to another or the same.
    Reply {
        root: Pseudonym,
        parent: Pseudonym,
    },
}

impl<'a> Tweet<'a> {
    pub(super) fn of_line(line: &'a [u8]) -> Result<Self, Reason> {
        let line = std::str::from_utf8(line).map_err(|_| Reason::InvalidUtf8)?;
        let answer: Answer<'a> = serde_json::from_str(line).map_err(|_| Reason::NotJson)?;
        let data = answer.data.ok_or(Reason::NoContent)?;
        if data.id.is_empty() || data.text.trim().is_empty() {
            return Err(Reason::NoContent);
        }
        Ok(Self {
            id: Pseudonyms::id(&data.id),
            created_at: parse_timestamp(&data.created_at).ok_or(Reason::UnparseableTime)?,
            counts: data.public_metrics.counts()?,
            followers: answer
                .includes
                .users
                .first()
                .map_or(0, |user| user.public_metrics.followers_count),
            data,
        })
    }

    /// Counts that are all zero are made up from the author's followers.
    pub(super) fn into_item(
        self,
        names: &Pseudonyms,
        place: &Place,
        rng: &mut impl Rng,
    ) -> ContentItem {
        let counts = if self.counts == TwitterEngagements::default() {
            simulated(self.followers, rng)
        } else {
            self.counts
        };
        let (kind, post_id, parent_id) = match place {
            Place::Start => (ItemKind::Post, None, None),
            Place::Reply { root, parent } => {
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
            author_name_hash: names.author(&self.data.author_id),
            kind,
            embedded_urls: expanded(self.data.entities),
            created_at: self.created_at,
            engagements: Engagements::Twitter(counts),
            language: self.data.lang,
        }
    }
}

impl Metrics {
    fn counts(self) -> Result<TwitterEngagements, Reason> {
        let count = |number| u64::try_from(number).map_err(|_| Reason::BadCount);
        Ok(TwitterEngagements {
            retweet: count(self.retweet)?,
            like: count(self.like)?,
            comment: count(self.reply)?,
            share: count(self.quote)?,
        })
    }
}

fn expanded(entities: Option<Entities>) -> Vec<String> {
    let urls = entities.map(|entities| entities.urls).unwrap_or_default();
    urls.into_iter()
        .filter_map(|url| url.expanded_url)
        .filter(|url| is_web_address(url))
        .collect()
}

/// Counts as such an author might get: likes in proportion to followers times noise (log-normal, nearly), others a part of them.
fn simulated(followers: u64, rng: &mut impl Rng) -> TwitterEngagements {
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
