/// The most features that may pass for one sum: more than a word has, which are 218, and so few that the sum of their weights
/// of eight bits fits into sixteen.
pub(super) const MOST: usize = 256;

/// Tells most of what is not in a table from what is, in a small part of the table's memory: a Bloom filter of two bits in one
/// word. What is asked for are hashes themselves.
#[derive(Debug)]
pub(super) struct Sieve {
    bits: Vec<u64>,
    /// The upper bits of a hash that are not shifted away say which word is its.
    shift: u32,
}

/// Features that passed, in the order they came.
#[derive(Debug)]
pub(super) struct Sifted {
    features: Box<[u32; MOST]>,
    len: usize,
}

impl Default for Sifted {
    fn default() -> Self {
        Self {
            features: Box::new([0; MOST]),
            len: 0,
        }
    }
}

impl Default for Sieve {
    fn default() -> Self {
        Self::of(std::iter::empty())
    }
}

impl Sifted {
    /// The features; then there are none.
    pub(super) fn take(&mut self) -> &[u32] {
        &self.features[..std::mem::take(&mut self.len)]
    }
}

impl Sieve {
    /// Lets these `hashes` pass, and of others one in thirty at most.
    pub(super) fn of(hashes: impl ExactSizeIterator<Item = u32>) -> Self {
        let words = (hashes.len() / 5).next_power_of_two().clamp(2, 1 << 25);
        let mut sieve = Self {
            bits: vec![0; words],
            shift: u32::BITS - words.ilog2(),
        };
        for hash in hashes {
            let (word, bits) = sieve.place(hash);
            sieve.bits[word] |= bits;
        }
        sieve
    }

    #[inline]
    fn place(&self, hash: u32) -> (usize, u64) {
        let bits = 1 << (hash % u64::BITS) | 1 << (hash >> 6 & (u64::BITS - 1));
        ((hash >> self.shift) as usize, bits)
    }

    /// Whether `hash` may be in the table.
    #[inline]
    pub(super) fn passes(&self, hash: u32) -> bool {
        let (word, bits) = self.place(hash);
        self.bits[word] & bits == bits
    }

    /// Adds `feature` to `sifted` if it may have weights. Without a branch to mispredict.
    #[inline]
    pub(super) fn sift(&self, feature: u32, sifted: &mut Sifted) {
        sifted.features[sifted.len % MOST] = feature;
        sifted.len += usize::from(self.passes(feature));
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::feature;
    use super::*;

    #[test]
    fn what_is_in_it_passes_and_little_else() {
        let features =
            |templates: std::ops::Range<u32>| templates.map(|template| feature(template, 7));
        let known: Vec<u32> = features(0..10_000).collect();
        let sieve = Sieve::of(known.iter().copied());
        let passing = |templates| {
            features(templates)
                .filter(|&hash| sieve.passes(hash))
                .count()
        };
        assert_eq!(passing(0..10_000), 10_000);
        assert!(passing(10_000..22_000) < 400);
    }
}
