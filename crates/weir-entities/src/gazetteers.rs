//! What is known about words and names before training: Brown clusters, how often a word is capitalised, name lists.

use std::sync::LazyLock;

use crate::bloom_filter::BloomFilter;
use crate::reader::Reader;

static BYTES: &[u8] = include_bytes!("../models/gazetteers.bin");

/// The compiled-in gazetteers. A damaged file would be a damaged build: it reads as empty, and a test reads it.
pub(crate) static GAZETTEERS: LazyLock<Gazetteers> =
    LazyLock::new(|| Gazetteers::read(BYTES).unwrap_or_default());

/// The lists a name may stand in, as bits of [`Entry::lists`]; the order is that of `models/make_gazetteers.py`.
pub(crate) const LISTS: u16 = 12;
/// Not a list: the word begins a longer name.
pub(crate) const STARTS_NAME: u16 = 1 << 15;
/// The lists of people's first and last names.
pub(crate) const FIRST_NAME: u16 = 1;
pub(crate) const LAST_NAME: u16 = 1 << 1;
/// The list of ordinary words, which says nothing about a longer name.
pub(crate) const COMMON: u16 = 1 << 10;

/// What is known about one word or name; all zero for the unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Brown cluster path of the lower-case word, lowest bit first; 0 for none.
    pub(crate) lower_cluster: u32,
    /// The same for the capitalised word.
    pub(crate) upper_cluster: u32,
    /// How often it is capitalised, 1 (hardly ever) to 6 (nearly always), 7 all capitals; 0 unknown.
    pub(crate) casing: u8,
    /// How frequent it is, 1 (rare) to 7; 0 unknown.
    pub(crate) frequency: u8,
    /// Its commonest part of speech, by number; 0 unknown.
    pub(crate) tag: u8,
    /// The lists it stands in.
    pub(crate) lists: u16,
}

impl Entry {
    /// The lists it stands in, without what else is marked there.
    pub(crate) fn listed(&self) -> u16 {
        self.lists & ((1 << LISTS) - 1)
    }

    /// The Brown cluster of the capitalised word, or else of the lower-case one.
    pub(crate) fn cluster(&self) -> u32 {
        if self.upper_cluster == 0 {
            self.lower_cluster
        } else {
            self.upper_cluster
        }
    }
}

/// An open-addressing table from the folded hash of lower-case text to its entry.
#[derive(Debug, Default)]
pub(crate) struct Gazetteers {
    slots: Vec<Slot>,
    filter: BloomFilter,
    clusters: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u32,
    packed: u32,
    lists: u16,
}

impl Gazetteers {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        reader.take(8).filter(|magic| magic == b"WEIRGAZ1")?;
        let clusters = reader.u32()? as usize;
        let count = reader.count(5)?;
        let clusters = (0..clusters)
            .map(|_| reader.u32())
            .collect::<Option<Vec<_>>>()?;
        let mut slots = vec![Slot::default(); (count * 2).next_power_of_two()];
        let mask = slots.len() - 1;
        let keys = reader.ascending(count)?;
        let filter = BloomFilter::from_hashes(keys.iter().copied());
        for key in keys {
            let packed = reader.u32()?;
            let lists = if packed >> 26 & 1 == 1 {
                reader.u16()?
            } else {
                0
            };
            let slot = Slot { key, packed, lists };
            let mut at = key as usize & mask;
            while slots[at].key != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = slot;
        }
        Some(Self {
            slots,
            filter,
            clusters,
        })
    }

    /// The entry of a lower-case word or name by its folded hash.
    #[inline]
    pub(crate) fn get(&self, key: u32) -> Option<Entry> {
        if !self.filter.may_contain(key) {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = key as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.key == key {
                return Some(self.unpack(slot));
            }
            if slot.key == 0 {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    fn unpack(&self, slot: Slot) -> Entry {
        let cluster = |shift: u32| {
            self.clusters
                .get((slot.packed >> shift & 0x3ff) as usize)
                .copied()
                .unwrap_or(0)
        };
        let level = |shift: u32| (slot.packed >> shift & 7).to_le_bytes()[0];
        Entry {
            lower_cluster: cluster(0),
            upper_cluster: cluster(10),
            tag: (slot.packed >> 27).to_le_bytes()[0],
            casing: level(20),
            frequency: level(23),
            lists: slot.lists,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    fn lookup(text: &str) -> Option<Entry> {
        GAZETTEERS.get(hash::fold(hash::extend(hash::SEED, text.as_bytes())))
    }

    #[test]
    fn the_compiled_in_file_knows_cities_and_first_names() {
        let london = lookup("london").unwrap();
        let sydney = lookup("sydney").unwrap();
        assert_eq!(london.upper_cluster, sydney.upper_cluster);
        assert_eq!(london.casing, 6);
        assert_ne!(lookup("new york city").unwrap().lists, 0);
        assert!(lookup("qzxvkjw").is_none());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        assert!(Gazetteers::read(&BYTES[..BYTES.len() - 1]).is_none());
        assert!(Gazetteers::read(b"WEIRGAZ1\xff\xff\xff\xff\xff\xff\xff\xff").is_none());
    }
}
