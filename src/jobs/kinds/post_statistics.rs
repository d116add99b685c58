use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::db::{PostCount, PostFilter};
use crate::jobs::{ArgumentError, Job, JobContext, JobError, Moment, Period, Window};
use weir_feed::Platform;

const MOST_COUNTS: u64 = 5_000;

/// Counts posts by platform, type and day of `created_at` in UTC, newest day first:
/// `{"counts": [{"platform", "type", "day", "posts"}], "total": n, "truncated": false}`. What a post does not say is null.
/// Past 5,000 counts the oldest days are left out and `truncated` is true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostStatistics {
    /// The first `created_at` to count.
    pub from: Option<Moment>,
    /// The first `created_at` not to count any more.
    pub to: Option<Moment>,
    /// In place of `from` and `to`: how far to look back.
    pub window: Option<Window>,
    /// Only posts of this platform.
    pub platform: Option<Platform>,
}

impl PostStatistics {
    fn period(&self) -> Period {
        Period::new(self.from, self.to, self.window)
    }
}

impl Job for PostStatistics {
    const NAME: &'static str = "post_statistics";

    fn validate(&self) -> Result<(), ArgumentError> {
        self.period().validate()
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let filter = PostFilter {
            created: self.period().range(Utc::now()),
            platform: self.platform.map(|platform| platform.as_str().to_owned()),
        };
        let database = context.database();
        let mut counts = database
            .count_posts_by_day(&filter, MOST_COUNTS + 1)
            .await?;
        let truncated = counts.len() as u64 > MOST_COUNTS;
        counts.truncate(usize::try_from(MOST_COUNTS).unwrap_or(usize::MAX));
        let total: u64 = counts.iter().map(|count| count.posts).sum();
        let counts: Vec<Value> = counts.iter().map(count_as_json).collect();
        Ok(json!({ "counts": counts, "total": total, "truncated": truncated }))
    }
}

fn count_as_json(count: &PostCount) -> Value {
    json!({
        "platform": count.platform,
        "type": count.kind,
        "day": count.day,
        "posts": count.posts,
    })
}
