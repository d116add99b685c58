//! Engagement counts. An item's are those of whichever platform's model fits, chosen as pydantic's smart union does.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::parse::counts::{Counts, Name};

/// Reactions, shares and comments of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Engagements {
    /// Counts as Twitter keeps them.
    Twitter(TwitterEngagements),
    /// Counts as Reddit keeps them.
    Reddit(RedditEngagements),
    /// Counts as Facebook keeps them.
    Facebook(FacebookEngagements),
}

/// Counts of a tweet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is the count of what it is called")]
pub struct TwitterEngagements {
    pub retweet: u64,
    pub like: u64,
    pub comment: u64,
    pub share: u64,
}

/// Counts of a Reddit post or comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is the count of what it is called")]
pub struct RedditEngagements {
    /// Deprecated in favour of `score`.
    pub upvote: Option<u64>,
    /// Deprecated in favour of `score`.
    pub downvote: Option<u64>,
    /// Upvotes less downvotes.
    pub score: Option<i64>,
    pub comment: u64,
    pub award: u64,
}

/// Counts of a Facebook post or comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is the count of what it is called")]
pub struct FacebookEngagements {
    pub like: u64,
    pub love: u64,
    pub care: u64,
    pub haha: u64,
    pub wow: u64,
    pub sad: u64,
    pub angry: u64,
    pub comment: u64,
    pub share: u64,
}

impl Engagements {
    /// Returns the sum of all counts. A Reddit score below zero counts as none.
    pub fn total(&self) -> u64 {
        let [first, second, third] = match *self {
            Self::Facebook(counts) => [counts.reactions(), counts.comment, counts.share],
            Self::Reddit(counts) => {
                let votes = u64::try_from(counts.votes().unwrap_or_default());
                [votes.unwrap_or_default(), counts.comment, counts.award]
            }
            Self::Twitter(counts) => [counts.like, counts.comment, counts.shares()],
        };
        first.saturating_add(second).saturating_add(third)
    }
}

impl FacebookEngagements {
    /// Returns the number of reactions of every kind.
    pub fn reactions(&self) -> u64 {
        let kinds = [
            self.like, self.love, self.care, self.haha, self.wow, self.sad, self.angry,
        ];
        kinds.into_iter().fold(0, u64::saturating_add)
    }
}

impl RedditEngagements {
    /// Returns the score, or the upvotes where there is none.
    pub fn votes(&self) -> Option<i64> {
        let upvotes = || Some(i64::try_from(self.upvote?).unwrap_or(i64::MAX));
        self.score.or_else(upvotes)
    }
}

impl TwitterEngagements {
    /// Returns the number of retweets and shares.
    pub fn shares(&self) -> u64 {
        self.retweet.saturating_add(self.share)
    }
}

impl<'de> Deserialize<'de> for Engagements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EngagementsVisitor)
    }
}

struct EngagementsVisitor;

impl<'de> Visitor<'de> for EngagementsVisitor {
    type Value = Engagements;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of engagement counts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Engagements, A::Error> {
        let mut counts = Counts::default();
        while let Some(name) = map.next_key::<Name>()? {
            match name {
                Name::Unknown => map.next_value::<IgnoredAny>().map(drop)?,
                known => counts.0[known as usize] = map.next_value()?,
            }
        }
        counts
            .best_fit()
            .ok_or_else(|| A::Error::custom(counts.complaint()))
    }
}
