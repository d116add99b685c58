/// Features sifted in one go.
pub(super) const AT_ONCE: usize = 64;

/// Tells most features without weights from those with some, in a small part of the table's memory. A Bloom filter of one
/// hash function, the feature itself.
#[derive(Debug)]
pub(super) struct Sieve {
    bits: Vec<u64>,
    /// The upper bits of a feature that are not shifted away say which bit is its.
    shift: u32,
}

impl Sieve {
    /// Lets these `count` features pass, and of others one in twelve at most.
    pub(super) fn of(features: impl Iterator<Item = u32>, count: usize) -> Self {
        let bits = (count * 12).next_power_of_two().clamp(64, 1 << 31);
        let mut sieve = Self {
            bits: vec![0; bits / 64],
            shift: u32::BITS - bits.ilog2(),
        };
        for feature in features {
            let (word, bit) = sieve.place(feature);
            sieve.bits[word] |= 1 << bit;
        }
        sieve
    }

    #[inline]
    fn place(&self, feature: u32) -> (usize, u32) {
        let place = feature >> self.shift;
        ((place / u64::BITS) as usize, place % u64::BITS)
    }

    /// Those of `features`, at most [`AT_ONCE`], that may have weights. Without a branch to mispredict.
    #[inline]
    pub(super) fn sift<'k>(&self, features: &[u32], kept: &'k mut [u32; AT_ONCE]) -> &'k [u32] {
        let mut len = 0;
        for &feature in features {
            kept[len % AT_ONCE] = feature;
            let (word, bit) = self.place(feature);
            len += (self.bits[word] >> bit & 1) as usize;
        }
        &kept[..len]
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
        let sieve = Sieve::of(features(0..10_000), 10_000);
        let passing = |templates| {
            let features: Vec<u32> = features(templates).collect();
            let chunks = features.chunks(AT_ONCE);
            chunks
                .map(|chunk| sieve.sift(chunk, &mut [0; AT_ONCE]).len())
                .sum::<usize>()
        };
        assert_eq!(passing(0..10_000), 10_000);
        assert!(passing(10_000..22_000) < 1_000);
    }
}
