//! The rows of weights by their features, for one look each and hardly a branch that the processor could not foresee.

use crate::crf::labels::PADDED;

/// The weight of one feature for each label.
pub(crate) type WeightRow = [i8; PADDED];

/// Weights of several features, added up, for each label.
pub(crate) type Sum = [i16; PADDED];

/// How many features have room in a bucket.
const WIDTH: usize = 5;

/// Finds a feature's row in the one bucket that its lower bits name.
#[derive(Debug)]
pub(crate) struct WeightTable {
    buckets: Vec<Bucket>,
    /// Those for which their buckets had no room, ascending.
    spilled: Vec<(u32, WeightRow)>,
}

/// A line of the processor's cache. Where no feature is, there is 0, with a row of zeros.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Bucket {
    features: [u32; WIDTH],
    has_spilled: bool,
    rows: [WeightRow; WIDTH],
}

impl WeightTable {
    /// A table of these rows under different features other than 0. Of two hundred, one or none has no room in its bucket.
    pub(crate) fn of(rows: &[(u32, WeightRow)]) -> Self {
        let buckets = (rows.len() * 2 / 3).next_power_of_two();
        let mut table = Self {
            buckets: vec![Bucket::default(); buckets],
            spilled: Vec::new(),
        };
        for &(feature, row) in rows {
            let bucket = &mut table.buckets[feature as usize & (buckets - 1)];
            if let Some(at) = bucket.features.iter().position(|&taken| taken == 0) {
                bucket.features[at] = feature;
                bucket.rows[at] = row;
            } else {
                bucket.has_spilled = true;
                table.spilled.push((feature, row));
            }
        }
        table.spilled.sort_unstable();
        table
    }

    /// The weights of `features` added up, of which there are so few that the sum fits.
    #[inline]
    pub(crate) fn sum(&self, features: &[u32]) -> Sum {
        let mut sum = [0; PADDED];
        for &feature in features {
            for (sum, weight) in sum.iter_mut().zip(self.row(feature)) {
                *sum += i16::from(weight);
            }
        }
        sum
    }

    /// The weights of a feature; zeros if it has none.
    #[inline]
    fn row(&self, feature: u32) -> WeightRow {
        let bucket = &self.buckets[feature as usize & (self.buckets.len() - 1)];
        // Added up, since a branch for each would be mispredicted. 0 is at every empty place: no row is at their sum.
        let places = (1..).zip(bucket.features);
        let place: usize = places
            .map(|(place, there)| place * usize::from(there == feature))
            .sum();
        match place.checked_sub(1).and_then(|at| bucket.rows.get(at)) {
            Some(row) => *row,
            None if bucket.has_spilled => self.spilled_row(feature),
            None => [0; PADDED],
        }
    }

    #[cold]
    fn spilled_row(&self, feature: u32) -> WeightRow {
        let found = self.spilled.binary_search_by_key(&feature, |row| row.0);
        found.map_or([0; PADDED], |at| self.spilled[at].1)
    }

    /// The features and their rows, ascending.
    pub(crate) fn rows(&self) -> Vec<(u32, WeightRow)> {
        let mut rows = self.spilled.clone();
        for bucket in &self.buckets {
            let places = bucket.features.into_iter().zip(bucket.rows);
            rows.extend(places.filter(|(feature, _)| *feature != 0));
        }
        rows.sort_unstable();
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::feature;

    #[test]
    fn every_row_is_found_and_nothing_else() {
        // So many that some have no room in their bucket.
        let row = |number: u32| [i8::try_from(number % 127).unwrap() + 1; PADDED];
        let mut rows: Vec<_> = (0..3000)
            .map(|number| (feature(1, number.into()), row(number)))
            .collect();
        rows.sort_unstable();
        let table = WeightTable::of(&rows);
        assert!(!table.spilled.is_empty());
        assert_eq!(table.rows(), rows);
        for (feature, row) in rows {
            assert_eq!(table.sum(&[feature]), row.map(i16::from));
        }
        for number in 0..3000 {
            assert_eq!(table.sum(&[feature(2, number)]), [0; PADDED]);
        }
    }

    #[test]
    fn zero_has_no_row_however_many_are_in_its_bucket() {
        for taken in 0..=7 {
            let rows: Vec<_> = (1..=taken).map(|n| (n << 12, [1; PADDED])).collect();
            let table = WeightTable::of(&rows);
            assert_eq!(table.sum(&[0]), [0; PADDED], "beside {taken}");
        }
    }
}
