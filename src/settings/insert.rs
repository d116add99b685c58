use std::time::Duration;

use serde::Deserialize;

use super::check::Check;
use super::text;

/// `[policies.NAME] insert`: how posts are inserted that the feed did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InsertSettings {
    /// The most posts in one answer; 0 inserts none.
    pub max: usize,
    /// Behind every so many items of the feed; 0 where `positions` say it.
    pub every: usize,
    /// The places in the answer, from 0, ascending.
    pub positions: Vec<usize>,
    /// For how long a post is not shown again to the same user.
    #[serde(deserialize_with = "text::duration")]
    pub once_per: Duration,
    /// Older lists of candidates are not used.
    #[serde(deserialize_with = "text::duration")]
    pub max_age: Duration,
}

impl InsertSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("max", self.max, 0..=100);
        check.within("every", self.every, 0..=10_000);
        let both_or_neither = (self.every > 0) != self.positions.is_empty();
        check.require("max", self.max == 0 || !both_or_neither, || {
            "expected either every or positions beside it".to_owned()
        });
        let ascending = self.positions.windows(2).all(|pair| pair[0] < pair[1]);
        check.require("positions", ascending, || {
            "expected places in ascending order".to_owned()
        });
        check.lasting("once_per", self.once_per);
        check.lasting("max_age", self.max_age);
    }
}

impl Default for InsertSettings {
    fn default() -> Self {
        Self {
            max: 0,
            every: 0,
            positions: Vec::new(),
            once_per: Duration::from_hours(24 * 30),
            max_age: Duration::from_hours(6),
        }
    }
}
