use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BuildContext, BuildError, ScorerKind};
use crate::scoring::pool::PoolConfig;
use crate::scoring::{Formula, Scorer, Subject};
use crate::settings::{Check, text};

/// Keys of a scorer of the kind `recency`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecencyConfig {
    recency: Recency,
}

/// How new an item is at the session's time: 1 for one of now or later, half of that with each half-life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Recency {
    /// Age at which the score is one half.
    #[serde(with = "text::duration")]
    half_life: Duration,
}

impl Default for Recency {
    fn default() -> Self {
        Self {
            half_life: Duration::from_hours(6),
        }
    }
}

impl ScorerKind for RecencyConfig {
    const NAME: &'static str = "recency";

    fn validate(&self, check: &mut Check, _: &PoolConfig) {
        check.under("recency", |check| {
            check.lasting("half_life", self.recency.half_life);
        });
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(self.recency.clone()))
    }
}

impl Formula for Recency {
    fn value(&self, Subject { item, session, .. }: Subject<'_>) -> f64 {
        let age = session.current_time.signed_duration_since(item.created_at);
        let age_s = age.as_seconds_f64().max(0.0);
        (-age_s / self.half_life.as_secs_f64()).exp2()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::scoring::kinds::tests::feed;

    fn score(age: TimeDelta) -> f64 {
        let mut feed = feed();
        feed.items[0].created_at = feed.session.current_time - age;
        let recency = Recency {
            half_life: Duration::from_hours(6),
        };
        recency.value(Subject::new(&feed, &feed.items[0]))
    }

    #[test]
    fn a_score_halves_with_each_half_life_and_the_future_counts_as_now() {
        for (hours, expected) in [(-1, 1.0), (0, 1.0), (6, 0.5), (12, 0.25)] {
            let score = score(TimeDelta::hours(hours));
            assert!((score - expected).abs() < 1e-12, "{hours} h: {score}");
        }
    }
}
