/// Most features in one sum: more than the 218 that a word has, and so few that the sum of their 8-bit weights fits into
/// 16 bits.
pub(crate) const MOST: usize = 256;

/// Blocked Bloom filter with two bits per key in one machine word (B.H. Bloom, CACM 13(7), 1970; Putze, Sanders, Singler,
/// WEA 2007). Keys are hashes already.
#[derive(Debug)]
pub(crate) struct BloomFilter {
    bits: Vec<u64>,
    /// Number of lower bits of a hash that do not select its word.
    shift: u32,
}

/// Features that may have weights, in the order in which they were added.
#[derive(Debug)]
pub(crate) struct CandidateFeatures {
    features: Box<[u32; MOST]>,
    len: usize,
}

impl Default for CandidateFeatures {
    fn default() -> Self {
        Self {
            features: Box::new([0; MOST]),
            len: 0,
        }
    }
}

impl Default for BloomFilter {
    fn default() -> Self {
        Self::from_hashes(std::iter::empty())
    }
}

impl CandidateFeatures {
    /// Returns the features and clears them.
    pub(crate) fn take(&mut self) -> &[u32] {
        &self.features[..std::mem::take(&mut self.len)]
    }
}

impl BloomFilter {
    /// A filter that contains these `hashes`, with a false positive rate of at most 1 in 30.
    pub(crate) fn from_hashes(hashes: impl ExactSizeIterator<Item = u32>) -> Self {
        let words = (hashes.len() / 5).next_power_of_two().clamp(2, 1 << 25);
        let mut filter = Self {
            bits: vec![0; words],
            shift: u32::BITS - words.ilog2(),
        };
        for hash in hashes {
            let (word, bits) = filter.slot(hash);
            filter.bits[word] |= bits;
        }
        filter
    }

    #[inline]
    fn slot(&self, hash: u32) -> (usize, u64) {
        let bits = 1 << (hash % u64::BITS) | 1 << (hash >> 6 & (u64::BITS - 1));
        ((hash >> self.shift) as usize, bits)
    }

    /// Returns whether `hash` may be one of the keys.
    #[inline]
    pub(crate) fn may_contain(&self, hash: u32) -> bool {
        let (word, bits) = self.slot(hash);
        self.bits[word] & bits == bits
    }

    /// Adds `feature` to `candidates` if it may have weights, without a branch to mispredict.
    #[inline]
    pub(crate) fn filter_into(&self, feature: u32, candidates: &mut CandidateFeatures) {
        candidates.features[candidates.len % MOST] = feature;
        candidates.len += usize::from(self.may_contain(feature));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::feature;

    #[test]
    fn keys_are_contained_and_few_other_hashes_are() {
        let features =
            |templates: std::ops::Range<u32>| templates.map(|template| feature(template, 7));
        let known: Vec<u32> = features(0..10_000).collect();
        let filter = BloomFilter::from_hashes(known.iter().copied());
        let contained = |templates| {
            features(templates)
                .filter(|&hash| filter.may_contain(hash))
                .count()
        };
        assert_eq!(contained(0..10_000), 10_000);
        assert!(contained(10_000..22_000) < 400);
    }
}
