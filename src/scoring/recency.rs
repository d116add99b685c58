use std::time::Duration;

use super::{Formula, Subject};

/// How new an item is at the session's time: 1 for one of now or later, half of that with each half-life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recency {
    /// The age at which the score is one half.
    pub half_life: Duration,
}

impl Formula for Recency {
    fn value(&self, Subject { item, session }: Subject<'_>) -> f64 {
        let age = session.current_time.signed_duration_since(item.created_at);
        let age_s = age.as_seconds_f64().max(0.0);
        (-age_s / self.half_life.as_secs_f64()).exp2()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::tests::feed;
    use super::*;

    fn score(age: TimeDelta) -> f64 {
        let mut feed = feed();
        feed.items[0].created_at = feed.session.current_time - age;
        let recency = Recency {
            half_life: Duration::from_hours(6),
        };
        recency.value(Subject {
            item: &feed.items[0],
            session: &feed.session,
        })
    }

    #[test]
    fn a_score_halves_with_each_half_life_and_the_future_counts_as_now() {
        for (hours, expected) in [(-1, 1.0), (0, 1.0), (6, 0.5), (12, 0.25)] {
            let score = score(TimeDelta::hours(hours));
            assert!((score - expected).abs() < 1e-12, "{hours} h: {score}");
        }
    }
}
