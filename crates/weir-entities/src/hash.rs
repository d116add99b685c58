//! The two hash functions of the extractor: FNV-1a over text, and a mixer that names a feature.

/// FNV-1a, 64 bit: the state before the first byte.
pub(crate) const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// Continues an FNV-1a hash over `bytes`.
#[inline]
pub(crate) fn extend(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, &byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Folds a text hash to the 32 bits under which the gazetteers store it.
#[inline]
pub(crate) fn fold(state: u64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "folding to the low half is the point"
    )]
    let low = (state ^ (state >> 32)) as u32;
    low
}

/// The feature of one value under a template.
#[inline]
pub(crate) fn feature(template: u32, value: u64) -> u32 {
    let mixed = (value ^ u64::from(template).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_mul(0xd6e8_feb8_6659_fd93);
    fold((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9))
}

/// The value that stands for an ordered pair.
#[inline]
pub(crate) fn pair(first: u64, second: u64) -> u64 {
    first.rotate_left(21).wrapping_mul(0x9fb2_1c65_1e98_df25) ^ second
}
