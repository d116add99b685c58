use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, RngExt};

/// The newest post of all generated data: 30 June 2024, 12:00 UTC.
pub(super) const NEWEST_EPOCH_SECONDS: i64 = 1_719_748_800;
/// How far back the oldest is.
const SPAN_SECONDS: f64 = 5.0 * 365.25 * 24.0 * 3600.0;

/// Times of a number of posts, oldest first: years apart at first, minutes at the end.
pub(super) struct Timeline {
    posts: f64,
}

impl Timeline {
    pub(super) fn new(posts: u64) -> Self {
        Self {
            posts: posts as f64,
        }
    }

    /// The time of the post at `index`; later than those of all before.
    pub(super) fn at(&self, index: u64, rng: &mut impl Rng) -> DateTime<Utc> {
        let age = 1.0 - (index as f64 + rng.random::<f64>()) / self.posts;
        newest() - seconds(SPAN_SECONDS * age.powi(3))
    }
}

/// A while after `time`, some minutes most often, not past the newest.
pub(super) fn soon_after(time: DateTime<Utc>, rng: &mut impl Rng) -> DateTime<Utc> {
    let minutes = 1.0 / (rng.random::<f64>() + 0.0005);
    (time + seconds(60.0 * minutes)).min(newest())
}

pub(super) fn newest() -> DateTime<Utc> {
    DateTime::from_timestamp(NEWEST_EPOCH_SECONDS, 0).unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, reason = "five years of seconds")]
fn seconds(seconds: f64) -> TimeDelta {
    TimeDelta::seconds(seconds as i64)
}
