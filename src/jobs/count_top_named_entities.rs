use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    ArgumentError, Job, JobContext, JobError, Moment, Period, Window, fold_posts::fold_posts,
    result_key,
};
use crate::{
    db::{PostFilter, PostText},
    entities::{EntityCounts, Extractor, Scratch},
    feed::Platform,
    ranking::TopEntities,
};

const MOST_ENTITIES: usize = 1_000;

/// Counts the named entities of posts, each once per distinct `post_id`, and answers those that most posts name as
/// [`TopEntities`], ties by name. The result is also left under `result_key`, where rankers look for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CountTopNamedEntities {
    /// How many entities to answer, 1 to 1,000.
    pub k: usize,
    /// The first `created_at` to count.
    pub from: Option<Moment>,
    /// The first `created_at` not to count any more.
    pub to: Option<Moment>,
    /// In place of `from` and `to`: how far to look back.
    pub window: Option<Window>,
    /// Only posts of this platform.
    pub platform: Option<Platform>,
    /// Where to leave the result.
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
        Period::new(self.from, self.to, self.window)
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
        result_key::validate(self.result_key.as_deref())?;
        self.period().validate()
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let now = Utc::now();
        let tally = fold_posts(context, self.filter(now), Tally::default(), Tally::count).await?;
        let k = self.k;
        let top = context.run_blocking(move || tally.top(k, now)).await?;
        let payload = json!(top);
        result_key::leave(context, self.result_key.as_deref(), &payload).await?;
        Ok(payload)
    }
}

/// What has been counted so far.
#[derive(Default)]
struct Tally {
    /// Hashes of the ids counted, eight bytes a post.
    seen: HashSet<u64>,
    counts: EntityCounts,
    scratch: Scratch,
}

impl Tally {
    fn count(&mut self, posts: &[PostText]) {
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
