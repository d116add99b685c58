//! The job `count_top_named_entities`: brings the stored counts of entities up to date and sums them.

mod sum;
mod tally;
mod update;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::jobs::arguments::validate_result_key;
use crate::jobs::{ArgumentError, Job, JobContext, JobError, Limits, Moment, Period, Window};
use crate::{db::PostFilter, ranking::TopEntities};
use weir_entities::{Extractor, TopEntity};
use weir_feed::Platform;

const MOST_ENTITIES: usize = 1_000;

/// Counts the named entities of posts and answers those that most posts name as [`TopEntities`], ties by name. A post that
/// several rows hold counts once in each hour of `created_at`. The result is also left under `result_key`, where rankers look
/// for it. Only what has changed since the last run is counted: the first may take a minute for each million posts.
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

    /// The first run reads all posts. What it has counted stays counted when it is ended.
    const LIMITS: Limits = Limits {
        soft: Duration::from_hours(2),
        hard: Duration::from_hours(2).saturating_add(Duration::from_mins(1)),
    };

    fn validate(&self) -> Result<(), ArgumentError> {
        if !(1..=MOST_ENTITIES).contains(&self.k) {
            return Err(ArgumentError::new(
                "k",
                format!("expected 1 to {MOST_ENTITIES}"),
            ));
        }
        validate_result_key(self.result_key.as_deref())?;
        self.period().validate()
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let now = Utc::now();
        // Reading the model takes a moment.
        let fingerprint = || Extractor::bundled().fingerprint().cast_signed();
        let model = context.run_blocking(fingerprint).await?;
        update::bring_up_to_date(context, model).await?;
        let top = sum::top(context, self.filter(now), model, self.k).await?;
        let payload = json!(payload(top, now));
        context
            .leave_result(self.result_key.as_deref(), &payload)
            .await?;
        Ok(payload)
    }
}

fn payload(top: Vec<TopEntity>, now: DateTime<Utc>) -> TopEntities {
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
