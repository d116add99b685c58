//! The weights of features: quantised, written to a model file, read again and added up.

use crate::bloom_filter::{BloomFilter, CandidateFeatures};
use crate::crf::labels::{LABELS, PADDED};
use crate::crf::lattice::Row;
use crate::crf::weight_table::{Sum, WeightRow, WeightTable};
use crate::reader::{Reader, write_ascending};

/// The quantised weights of every kept feature.
#[derive(Debug)]
pub(crate) struct Weights {
    table: WeightTable,
    filter: BloomFilter,
    step: f32,
}

impl Weights {
    /// Quantises `rows`, one per feature; rows that round to zero are left out.
    pub(crate) fn quantise(rows: &[(u32, Row)], step: f32) -> Self {
        let quantised = |row: Row| {
            std::array::from_fn(|label| {
                if label < LABELS {
                    round(row[label] / step)
                } else {
                    0
                }
            })
        };
        let mut kept: Vec<(u32, WeightRow)> = rows
            .iter()
            .map(|&(feature, row)| (feature, quantised(row)))
            .filter(|&(feature, row)| feature != 0 && row != [0; PADDED])
            .collect();
        kept.sort_unstable();
        Self::new(&kept, step)
    }

    fn new(rows: &[(u32, WeightRow)], step: f32) -> Self {
        Self {
            table: WeightTable::of(rows),
            filter: BloomFilter::from_hashes(rows.iter().map(|&(feature, _)| feature)),
            step,
        }
    }

    /// Returns the number of features that have a weight.
    pub(crate) fn len(&self) -> usize {
        self.table.rows().len()
    }

    /// Adds `feature` to those of a sum, if it has any weights.
    #[inline]
    pub(crate) fn filter_into(&self, feature: u32, candidates: &mut CandidateFeatures) {
        self.filter.filter_into(feature, candidates);
    }

    /// The summed weights of the features in `candidates`, for each label, in steps. Takes them out.
    #[inline]
    pub(crate) fn sum(&self, candidates: &mut CandidateFeatures) -> Sum {
        self.table.sum(candidates.take())
    }

    /// The score for each label that sums of weights come to.
    #[inline]
    pub(crate) fn score(&self, sums: impl Iterator<Item = Sum>) -> Row {
        let mut total = [0i32; PADDED];
        for sum in sums {
            for (total, part) in total.iter_mut().zip(sum) {
                *total += i32::from(part);
            }
        }
        total.map(|total| total as f32 * self.step)
    }

    /// Appends the table: step, count, ascending features, then for each a bit mask of labels and their weights.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let rows = self.table.rows();
        out.extend(self.step.to_le_bytes());
        out.extend(u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
        write_ascending(rows.iter().map(|&(feature, _)| feature), out);
        for (_, row) in &rows {
            let mask = (0..LABELS).fold(0u8, |mask, label| {
                mask | (u8::from(row[label] != 0) << label)
            });
            out.push(mask);
            let weights = row.iter().filter(|&&weight| weight != 0);
            out.extend(weights.map(|weight| weight.cast_unsigned()));
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let step = reader.f32()?;
        let count = reader.count(2)?;
        let keys = reader.ascending(count)?;
        let is_ascending = keys.first() != Some(&0) && keys.is_sorted_by(|a, b| a < b);
        let mut rows = Vec::with_capacity(count);
        for key in keys {
            let [mask] = reader.array()?;
            let mut row = [0; PADDED];
            for (label, weight) in row.iter_mut().enumerate().take(LABELS) {
                if mask >> label & 1 == 1 {
                    *weight = i8::from_le_bytes(reader.array()?);
                }
            }
            rows.push((key, row));
        }
        (step.is_finite() && is_ascending).then(|| Self::new(&rows, step))
    }
}

fn round(value: f32) -> i8 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to the range of i8"
    )]
    let rounded = value.round().clamp(-127.0, 127.0) as i8;
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_table_reads_back_with_the_same_scores() {
        let rows = [
            (7, [0.5, -1.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0]),
            (u32::MAX, [2.0; PADDED]),
            (9, [0.0; PADDED]),
        ];
        let weights = Weights::quantise(&rows, 1.0 / 32.0);
        let mut bytes = Vec::new();
        weights.write(&mut bytes);
        let read = Weights::read(&mut Reader(&bytes)).unwrap();
        assert_eq!(read.len(), 2);
        let mut candidates = CandidateFeatures::default();
        let mut sum = |features: [u32; 2]| {
            for feature in features {
                read.filter_into(feature, &mut candidates);
            }
            read.sum(&mut candidates)
        };
        let sums = [sum([7, 9]), sum([1, u32::MAX])];
        assert_eq!(
            read.score(sums.into_iter())[..LABELS],
            [2.5, 1.0, 2.0, 2.0, 2.25, 2.0, 2.0]
        );
        assert!(Weights::read(&mut Reader(&bytes[..bytes.len() - 1])).is_none());
    }
    #[test]
    fn features_that_do_not_ascend_are_damage() {
        let read = |gaps: [u8; 2]| {
            let masks = [0; 2];
            let parts: [&[u8]; 4] = [&1_f32.to_le_bytes(), &2_u32.to_le_bytes(), &gaps, &masks];
            Weights::read(&mut Reader(&parts.concat()))
        };
        assert!(read([7, 1]).is_some());
        assert!(read([7, 0]).is_none());
        assert!(read([0, 1]).is_none());
    }
}
