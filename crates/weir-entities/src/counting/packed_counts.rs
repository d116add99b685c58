//! Counts as bytes: for each entity its posts and its spellings, each with the posts that use it; numbers as varints.

use xxhash_rust::xxh3::xxh3_64;

use crate::counting::EntityCounts;
use crate::features::surface;

/// Bytes that are no packed counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored counts of entities are damaged")]
pub struct DamagedCounts;

/// One of several equal parts of all entities, for sums that would be too large at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which of the parts, from 0.
    pub number: u64,
    /// How many parts there are.
    pub of: u64,
}

impl Part {
    /// Everything.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    fn holds(self, key: &str) -> bool {
        self.of <= 1 || xxh3_64(key.as_bytes()) % self.of == self.number
    }
}

impl EntityCounts {
    /// The counts as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (posts, forms) in self.tallies() {
            push(&mut bytes, posts);
            push(&mut bytes, forms.len() as u64);
            for (form, posts) in forms {
                push(&mut bytes, form.len() as u64);
                bytes.extend_from_slice(form.as_bytes());
                push(&mut bytes, *posts);
            }
        }
        bytes
    }

    /// Adds what [`EntityCounts::to_bytes`] wrote of other posts, as far as it belongs to `part`.
    pub fn merge_bytes(&mut self, mut bytes: &[u8], part: Part) -> Result<(), DamagedCounts> {
        let (mut forms, mut key) = (Vec::new(), String::new());
        while !bytes.is_empty() {
            let posts = take(&mut bytes)?;
            for _ in 0..take(&mut bytes)? {
                forms.push((take_text(&mut bytes)?, take(&mut bytes)?));
            }
            if let Some((form, _)) = forms.first() {
                surface::push_key(form, &mut key);
                if part.holds(&key) {
                    self.add_tally(&key, posts, forms.iter().copied());
                }
            }
            forms.clear();
            key.clear();
        }
        Ok(())
    }
}

fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

fn take(bytes: &mut &[u8]) -> Result<u64, DamagedCounts> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(DamagedCounts)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(DamagedCounts)
}

fn take_text<'b>(bytes: &mut &'b [u8]) -> Result<&'b str, DamagedCounts> {
    let length = usize::try_from(take(bytes)?).map_err(|_| DamagedCounts)?;
    let (text, rest) = bytes.split_at_checked(length).ok_or(DamagedCounts)?;
    *bytes = rest;
    std::str::from_utf8(text).map_err(|_| DamagedCounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> EntityCounts {
        let mut counts = EntityCounts::default();
        for names in ["Rome\nROME\nOslo", "Rome", "S\u{e3}o Paulo\nO\u{2019}Brien"] {
            counts.add_names(names.lines());
        }
        for _ in 0..300 {
            counts.add_names(["Lima"]);
        }
        counts
    }

    #[test]
    fn packed_counts_are_read_back() {
        let mut read = EntityCounts::default();
        read.merge_bytes(&counts().to_bytes(), Part::WHOLE).unwrap();
        assert_eq!(read, counts());
    }

    #[test]
    fn merged_counts_are_those_of_all_posts() {
        let mut merged = counts();
        merged
            .merge_bytes(&counts().to_bytes(), Part::WHOLE)
            .unwrap();
        let top = |counts: &EntityCounts| counts.top(1)[0].count;
        assert_eq!(
            (merged.len(), top(&merged)),
            (counts().len(), 2 * top(&counts()))
        );
    }

    #[test]
    fn the_parts_are_the_whole() {
        let bytes = counts().to_bytes();
        let mut top: Vec<_> = (0..3)
            .flat_map(|number| {
                let mut part = EntityCounts::default();
                part.merge_bytes(&bytes, Part { number, of: 3 }).unwrap();
                part.top(10)
            })
            .collect();
        top.sort();
        assert_eq!(top, counts().top(10));
    }

    #[test]
    fn damaged_counts_are_an_error() {
        let bytes = counts().to_bytes();
        for end in [1, bytes.len() - 1] {
            let mut read = EntityCounts::default();
            assert!(read.merge_bytes(&bytes[..end], Part::WHOLE).is_err());
        }
        let endless = [0xff; 12];
        assert!(
            EntityCounts::default()
                .merge_bytes(&endless, Part::WHOLE)
                .is_err()
        );
    }
}
