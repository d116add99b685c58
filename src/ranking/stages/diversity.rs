use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::ordering;
use crate::ranking::{Policy, Score, Slate};
use crate::settings::Check;

/// `[policies.NAME] author_decay`: how further posts of one author count less, so that no author fills the top of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorDecay {
    /// What is left of the second post's value, of the third's squared, and so on, 0 to 1; 1 leaves all.
    pub factor: f64,
    /// The least that is left, 0 to 1.
    pub floor: f64,
}

/// Orders the items again by values in which further posts of an author count less.
pub fn apply(slate: &mut Slate<'_>, policy: &Policy) {
    let decay = policy.config.author_decay;
    if decay.factor < 1.0 {
        let author = |item: usize| xxh3_64(slate.items[item].author_name_hash.as_bytes());
        let decayed = decay.decayed(&slate.values, &slate.order, author);
        ordering::sort(slate, policy, &decayed);
    }
}

impl AuthorDecay {
    pub(crate) fn check(self, check: &mut Check) {
        check.within("factor", self.factor, 0.0..=1.0);
        check.within("floor", self.floor, 0.0..=1.0);
    }

    /// Returns the values with decay. An author's posts are counted in `order`, from the highest value down; what decays is a
    /// post's lead over the lowest value in `order`, so that no post rises, be values above or below 0. Values that are not
    /// finite stay and do not count.
    fn decayed(
        self,
        values: &[Score],
        order: &[usize],
        author: impl Fn(usize) -> u64,
    ) -> Vec<Score> {
        let known = order.iter().filter_map(|&item| values[item].value());
        let lowest = known.reduce(f64::min).unwrap_or_default();
        let mut seen: HashMap<u64, i32> = HashMap::new();
        let mut decayed = values.to_vec();
        for &item in order {
            let Some(value) = values[item].value() else {
                continue;
            };
            let earlier = seen.entry(author(item)).or_default();
            let left = self.factor.powi(*earlier).max(self.floor).min(1.0);
            decayed[item] = Score::new(lowest + (value - lowest) * left);
            *earlier = earlier.saturating_add(1);
        }
        decayed
    }
}

impl Default for AuthorDecay {
    /// Leaves all.
    fn default() -> Self {
        Self {
            factor: 1.0,
            floor: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{items, order_of, policy};
    use super::*;

    fn decay(factor: f64, floor: f64, values: &[f64], authors: &[u64]) -> Vec<f64> {
        let values: Vec<Score> = values.iter().copied().map(Score::new).collect();
        let mut order: Vec<usize> = (0..values.len()).collect();
        ordering::sort_by_value(&mut order, &values);
        let decayed = AuthorDecay { factor, floor }.decayed(&values, &order, |item| authors[item]);
        decayed.into_iter().filter_map(Score::value).collect()
    }

    #[test]
    fn each_further_post_of_an_author_counts_less_down_to_the_floor() {
        let decayed = decay(
            0.5,
            0.25,
            &[0.0, 8.0, 8.0, 8.0, 8.0, 4.0],
            &[9, 1, 1, 1, 1, 2],
        );
        assert_eq!(decayed, [0.0, 8.0, 4.0, 2.0, 2.0, 4.0]);
    }

    #[test]
    fn the_best_post_of_an_author_is_the_first_whatever_its_position() {
        assert_eq!(
            decay(0.5, 0.0, &[0.0, 2.0, 8.0], &[9, 1, 1]),
            [0.0, 1.0, 8.0]
        );
    }

    #[test]
    fn values_below_zero_fall_too() {
        assert_eq!(
            decay(0.5, 0.0, &[-1.0, -3.0, -1.0], &[1, 2, 1]),
            [-1.0, -3.0, -2.0]
        );
    }

    #[test]
    fn further_posts_of_an_author_count_less() {
        let mut items = items(4, 0);
        items[1].author_name_hash = items[0].author_name_hash.clone();
        let mut policy = policy(0.0, &[1.0]);
        policy.config.author_decay = AuthorDecay {
            factor: 0.5,
            floor: 0.1,
        };
        let scores = [1.0, 0.9, 0.8, 0.0].map(Some).to_vec();
        assert_eq!(order_of(&policy, &items, None, &[scores]), [0, 2, 1, 3]);
    }

    #[test]
    fn a_removed_post_does_not_make_another_of_its_author_a_further_one() {
        let mut items = items(3, 0);
        items[1].author_name_hash = items[0].author_name_hash.clone();
        let mut policy = policy(0.0, &[1.0]);
        policy.config.author_decay = AuthorDecay {
            factor: 0.1,
            floor: 0.0,
        };
        policy.terms[0].removal.above = Some(0.95);
        let scores = [1.0, 0.9, 0.8].map(Some).to_vec();
        assert_eq!(order_of(&policy, &items, None, &[scores]), [1, 2]);
    }
}
