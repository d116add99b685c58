//! "But": what follows weighs more than what came before.

use std::collections::BTreeSet;

use super::rules::Valence;

const BEFORE: f64 = 0.5;
const AFTER: f64 = 1.5;

/// Halves the valences before the word number `but` and raises those after it by half.
///
/// Not each its own: as in the reference, every valence in turn changes the *first* word that has the same valence at
/// that moment. The reference searches it from the start each time; an ordered set of (valence, word) finds it in
/// logarithmic time.
pub(super) fn reweigh(valences: &mut [Valence], but: usize) {
    let mut seen = BTreeSet::new();
    for turn in 0..valences.len() {
        let value = valences[turn].value;
        let same = value.to_bits();
        seen.insert((same, turn));
        let Some(&(_, first)) = seen.range((same, 0)..).next() else {
            continue;
        };
        let weight = if valences[first].at < but {
            BEFORE
        } else {
            AFTER
        };
        valences[first].value = value * weight;
        seen.remove(&(same, first));
        seen.insert((valences[first].value.to_bits(), first));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule as it is stated: search from the start.
    fn reweigh_by_search(values: &mut [f64], but: usize) {
        for turn in 0..values.len() {
            let value = values[turn];
            let first = values
                .iter()
                .position(|other| other.to_bits() == value.to_bits())
                .unwrap();
            values[first] = value * if first < but { 0.5 } else { 1.5 };
        }
    }

    proptest! {
        #[test]
        fn the_set_finds_what_a_search_finds(steps in prop::collection::vec(-3_i32..6, 0..60), but in 0_usize..60) {
            let mut searched: Vec<f64> = steps.iter().map(|&step| 1.5 * 2_f64.powi(step)).collect();
            let mut valences: Vec<_> = searched.iter().enumerate().map(|(at, &value)| Valence { at, value }).collect();
            reweigh_by_search(&mut searched, but);
            reweigh(&mut valences, but);
            prop_assert_eq!(valences.iter().map(|valence| valence.value).collect::<Vec<_>>(), searched);
        }
    }
}
