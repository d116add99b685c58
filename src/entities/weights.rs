//! Feature weights in a table made for one probe per feature: a row of eight-bit weights under each 32-bit feature.

use super::crf::Row;
use super::labels::{LABELS, PADDED};
use super::reader::{Reader, write_ascending};
use super::sieve::{AT_ONCE, Sieve};

/// The quantised weights of every kept feature.
#[derive(Debug)]
pub(super) struct Weights {
    slots: Vec<Slot>,
    sieve: Sieve,
    step: f32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u32,
    row: [i8; PADDED],
}

impl Weights {
    /// Quantises `rows`, one per feature; rows that round to zero are left out.
    pub(super) fn quantise(rows: &[(u32, Row)], step: f32) -> Self {
        let mut kept: Vec<Slot> = rows
            .iter()
            .filter(|(key, _)| *key != 0)
            .map(|&(key, row)| Slot {
                key,
                row: std::array::from_fn(|label| {
                    if label < LABELS {
                        round(row[label] / step)
                    } else {
                        0
                    }
                }),
            })
            .filter(|slot| slot.row != [0; PADDED])
            .collect();
        kept.sort_unstable_by_key(|slot| slot.key);
        Self::table(&kept, step)
    }

    fn table(kept: &[Slot], step: f32) -> Self {
        let mut slots = vec![Slot::default(); (kept.len() * 2 + 1).next_power_of_two()];
        let mask = slots.len() - 1;
        for slot in kept {
            let mut at = slot.key as usize & mask;
            while slots[at].key != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = *slot;
        }
        let sieve = Sieve::of(kept.iter().map(|slot| slot.key), kept.len());
        Self { slots, sieve, step }
    }

    /// How many features have a weight.
    pub(super) fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.key != 0).count()
    }

    /// The summed weights of `features` for each label.
    #[inline]
    pub(super) fn score(&self, features: &[u32]) -> Row {
        let mut sum = [0i32; PADDED];
        let mut kept = [0; AT_ONCE];
        for features in features.chunks(AT_ONCE) {
            // So few rows of eight bits fit into sixteen.
            let mut some = [0i16; PADDED];
            for &feature in self.sieve.sift(features, &mut kept) {
                for (some, &weight) in some.iter_mut().zip(self.row(feature)) {
                    *some += i16::from(weight);
                }
            }
            for (sum, some) in sum.iter_mut().zip(some) {
                *sum += i32::from(some);
            }
        }
        sum.map(|sum| sum as f32 * self.step)
    }

    /// The weights of a feature; those of an empty slot are zero.
    #[inline]
    fn row(&self, feature: u32) -> &[i8; PADDED] {
        let mask = self.slots.len() - 1;
        let mut at = feature as usize & mask;
        while self.slots[at].key != feature && self.slots[at].key != 0 {
            at = (at + 1) & mask;
        }
        &self.slots[at].row
    }

    /// Appends the table: step, count, ascending features, then for each a bit mask of labels and their weights.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut kept: Vec<Slot> = self
            .slots
            .iter()
            .copied()
            .filter(|slot| slot.key != 0)
            .collect();
        kept.sort_unstable_by_key(|slot| slot.key);
        out.extend(self.step.to_le_bytes());
        out.extend(u32::try_from(kept.len()).unwrap_or(u32::MAX).to_le_bytes());
        write_ascending(kept.iter().map(|slot| slot.key), out);
        for slot in &kept {
            let mask = (0..LABELS).fold(0u8, |mask, label| {
                mask | (u8::from(slot.row[label] != 0) << label)
            });
            out.push(mask);
            out.extend(
                slot.row
                    .iter()
                    .filter(|&&weight| weight != 0)
                    .map(|weight| weight.to_le_bytes()[0]),
            );
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let step = reader.f32()?;
        let count = reader.count(2)?;
        let keys = reader.ascending(count)?;
        let mut kept = Vec::with_capacity(count);
        for key in keys {
            let [mask] = reader.array()?;
            let mut row = [0; PADDED];
            for (label, weight) in row.iter_mut().enumerate().take(LABELS) {
                if mask >> label & 1 == 1 {
                    *weight = i8::from_le_bytes(reader.array()?);
                }
            }
            kept.push(Slot { key, row });
        }
        (step.is_finite() && kept.first().is_none_or(|slot| slot.key != 0))
            .then(|| Self::table(&kept, step))
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
        assert_eq!(
            read.score(&[7, 9, 1, u32::MAX])[..LABELS],
            [2.5, 1.0, 2.0, 2.0, 2.25, 2.0, 2.0]
        );
        assert!(Weights::read(&mut Reader(&bytes[..bytes.len() - 1])).is_none());
    }
}
