//! A fast hash for tables that are fixed when they are built: no text can make a look-up in them slow.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

pub(super) type FixedMap<K, V> = HashMap<K, V, BuildHasherDefault<Folding>>;

/// Multiplies word by word and folds the upper half of each product onto its lower half.
#[derive(Debug, Default)]
pub(super) struct Folding(u64);

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        let (low, high) =
            (self.0 ^ word ^ 0x9E37_79B9_7F4A_7C15).carrying_mul(0xD1B5_4A32_D192_ED03, 0);
        self.0 = low ^ high;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
