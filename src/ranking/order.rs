use std::cmp::Reverse;

use super::Score;

/// The places of `scores` from the highest to the lowest; equal scores keep the order they came in.
pub fn descending(scores: &[Score]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by_key(|&place| Reverse(scores[place]));
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ties_keep_the_incoming_order_and_odd_numbers_go_last() {
        let scores = [0.0, f64::NAN, 1.0, 0.0, f64::INFINITY, 1.0].map(Score::new);
        assert_eq!(descending(&scores), [2, 5, 0, 3, 1, 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_place_is_answered_once(values in prop::collection::vec(any::<f64>(), 0..200)) {
            let scores: Vec<Score> = values.into_iter().map(Score::new).collect();
            let mut places = descending(&scores);
            prop_assert!(places.is_sorted_by(|&a, &b| scores[a] > scores[b] || (scores[a] == scores[b] && a < b)));
            places.sort_unstable();
            prop_assert!(places.into_iter().eq(0..scores.len()));
        }
    }
}
