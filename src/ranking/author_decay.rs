use std::collections::HashMap;

use super::{Score, descending};

/// Later posts of an author count less, so that one author does not fill the top of a feed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuthorDecay {
    /// What is left of the second post's value, of the third's squared, and so on; 0 to 1.
    pub factor: f64,
    /// The least that is left, 0 to 1.
    pub floor: f64,
}

impl AuthorDecay {
    /// The values with decay. An author's posts are counted from the highest value down; what decays is a post's lead over
    /// the lowest value of the feed, so that no post rises, be values above or below 0. Scores that are not finite stay.
    pub(super) fn apply(
        self,
        values: &[Score],
        author: impl Fn(usize) -> Option<u64>,
    ) -> Vec<Score> {
        let lowest = values
            .iter()
            .filter_map(|score| score.value())
            .reduce(f64::min)
            .unwrap_or_default();
        let mut seen: HashMap<u64, i32> = HashMap::new();
        let mut decayed = values.to_vec();
        for place in descending(values) {
            let (Some(value), Some(author)) = (values[place].value(), author(place)) else {
                continue;
            };
            let earlier = seen.entry(author).or_default();
            let left = self.factor.powi(*earlier).max(self.floor).min(1.0);
            decayed[place] = Score::new(lowest + (value - lowest) * left);
            *earlier = earlier.saturating_add(1);
        }
        decayed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decay(factor: f64, floor: f64, values: &[f64], authors: &[u64]) -> Vec<f64> {
        let values: Vec<Score> = values.iter().copied().map(Score::new).collect();
        let decayed =
            AuthorDecay { factor, floor }.apply(&values, |place| authors.get(place).copied());
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
    fn the_best_post_of_an_author_is_the_first_wherever_it_stands() {
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
}
