use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::xxh3_64;

use super::{ArgumentError, Job, JobContext, JobError, Period, Window, arguments};
use crate::{
    db::{PostFilter, PostText},
    entities::{EntityCounts, Extractor, Scratch},
    feed::Platform,
    ranking::TopEntities,
};

const PAGE_SIZE: u64 = 1_000;
const MOST_ENTITIES: usize = 1_000;
/// Long enough that the last result outlives a day without a run; rankers judge its age by its timestamp.
const RESULT_TTL: Duration = Duration::from_hours(24);

/// Counts the named entities of posts, each once per distinct `post_id`, and answers those that most posts name as
/// [`TopEntities`], ties by name. The result is also left under `result_key`, where rankers look for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CountTopNamedEntities {
    /// How many entities to answer, 1 to 1,000.
    pub k: usize,
    /// The first `created_at` to count.
    #[serde(
        deserialize_with = "arguments::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub from: Option<DateTime<Utc>>,
    /// The first `created_at` not to count any more.
    #[serde(
        deserialize_with = "arguments::time",
        skip_serializing_if = "Option::is_none"
    )]
    pub to: Option<DateTime<Utc>>,
    /// In place of `from` and `to`: how far to look back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Only posts of this platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Where to leave the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_key: Option<String>,
}

impl Default for CountTopNamedEntities {
    fn default() -> Self {
        Self {
            k: 10,
            from: None,
            to: None,
            window: None,
            platform: None,
            result_key: None,
        }
    }
}

impl CountTopNamedEntities {
    fn period(&self) -> Period {
        Period {
            from: self.from,
            to: self.to,
            window: self.window,
        }
    }

    fn filter(&self, now: DateTime<Utc>) -> PostFilter {
        PostFilter {
            created: self.period().range(now),
            platform: self.platform.map(|platform| platform.as_str().to_owned()),
        }
    }
}

impl Job for CountTopNamedEntities {
    const NAME: &'static str = "count_top_named_entities";

    fn validate(&self) -> Result<(), ArgumentError> {
        if !(1..=MOST_ENTITIES).contains(&self.k) {
            return Err(ArgumentError::new(
                "k",
                format!("expected 1 to {MOST_ENTITIES}"),
            ));
        }
        if self.result_key.as_deref() == Some("") {
            return Err(ArgumentError::new("result_key", "expected a key"));
        }
        self.period().validate()
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let now = Utc::now();
        let mut pages = context.database().post_pages(self.filter(now), PAGE_SIZE);
        let mut tally = Tally::default();
        let mut page = pages.next().await?;
        while let Some(posts) = page {
            context.check_cancelled()?;
            let counted = spawn_blocking(move || tally.count(&posts));
            // The next page is read while this one is counted.
            page = pages.next().await?;
            tally = counted.await?;
            context.report_progress(tally.posts, None);
        }
        let k = self.k;
        let top = spawn_blocking(move || tally.top(k, now)).await?;
        let payload = json!(top);
        if let Some(key) = &self.result_key {
            context.results().put(key, &payload, RESULT_TTL).await?;
        }
        Ok(payload)
    }
}

/// What has been counted so far.
#[derive(Default)]
struct Tally {
    /// Rows looked at.
    posts: u64,
    /// Hashes of the ids counted, eight bytes a post.
    seen: HashSet<u64>,
    counts: EntityCounts,
    scratch: Scratch,
}

impl Tally {
    fn count(mut self, posts: &[PostText]) -> Self {
        self.posts += posts.len() as u64;
        for post in posts {
            let is_new = match &post.post_id {
                Some(id) => self.seen.insert(xxh3_64(id.as_bytes())),
                None => true,
            };
            if is_new {
                let text = post.analysed_text();
                let entities = Extractor::bundled().entities(&text, &mut self.scratch);
                self.counts.add(&entities);
            }
        }
        self
    }

    fn top(&self, k: usize, now: DateTime<Utc>) -> TopEntities {
        let top = self.counts.top(k);
        TopEntities {
            top_named_entities: top
                .iter()
                .map(|entity| (entity.name.clone(), entity.count))
                .collect(),
            forms: top
                .into_iter()
                .map(|entity| (entity.name, entity.forms))
                .collect(),
            timestamp: Some(now),
        }
    }
}
