//! Short words in three registers, and a fast hash for tables that are fixed when they are built.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A short ASCII word as three numbers: its bytes, the first of them lowest, then zeros.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    parts: [u64; 3],
    len: usize,
}

/// A word in lower case: its bytes, zeros, and in the last byte its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key([u64; 3]);

const EACH: u64 = u64::from_le_bytes([1; 8]);
const HIGH: u64 = EACH << 7;

impl Packed {
    /// Packs `text[start..start + len]`; none if that is longer than a key can be. Without a branch on the length wherever
    /// the text goes on for long enough, since the lengths of words cannot be predicted.
    pub(super) fn of(text: &[u8], start: usize, len: usize) -> Option<Self> {
        if len > Key::MAX_LEN {
            return None;
        }
        let padded;
        let wide: &[u8; 24] = if let Some(wide) = text.get(start..).and_then(<[u8]>::first_chunk) {
            wide
        } else {
            padded = padded_to_24(text.get(start..start + len)?);
            &padded
        };
        let (eights, _) = wide.as_chunks::<8>();
        let part = |n: usize| {
            eights.get(n).map_or(0, |eight| u64::from_le_bytes(*eight))
                & FIRST[len.saturating_sub(8 * n).min(8)]
        };
        Some(Self {
            parts: [part(0), part(1), part(2)],
            len,
        })
    }

    /// The key of the word in lower case.
    pub(super) fn key(self) -> Key {
        let [start, middle, end] = self
            .parts
            .map(|part| part | (within(part, b'A', b'Z') >> 2));
        Key([start, middle, end | (self.len as u64) << 56])
    }

    /// Python's `str.isupper`: an upper-case letter at least and no lower-case one.
    pub(super) fn is_upper(self) -> bool {
        let any = |first, last| {
            self.parts
                .iter()
                .any(|&part| within(part, first, last) != 0)
        };
        !any(b'a', b'z') && any(b'A', b'Z')
    }
}

fn padded_to_24(word: &[u8]) -> [u8; 24] {
    let mut padded = [0; 24];
    let len = word.len().min(padded.len());
    padded[..len].copy_from_slice(&word[..len]);
    padded
}

/// Masks that leave the first 0 to 8 bytes.
const FIRST: [u64; 9] = [
    0,
    0xFF,
    0xFFFF,
    0xFF_FFFF,
    0xFFFF_FFFF,
    0xFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF,
    0xFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

/// The highest bit of each of eight ASCII bytes that is from `first` to `last`.
pub(super) fn within(bytes: u64, first: u8, last: u8) -> u64 {
    let from_first = bytes + EACH * u64::from(0x80 - first);
    let past_last = bytes + EACH * u64::from(0x7F - last);
    (from_first ^ past_last) & HIGH
}

impl Key {
    pub(super) const MAX_LEN: usize = 23;

    /// The key of a word of ASCII alone in lower case; none if it is too long.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        Some(Packed::of(word, 0, word.len())?.key())
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [start, middle, end] = self.0;
        state.write_u64(start ^ middle.rotate_left(23) ^ end.rotate_left(41));
    }
}

/// Writes `word` in lower case and tells its length, if that fits and is ASCII. The Kelvin sign is the one other
/// character whose lower case is ASCII.
pub(super) fn lower(word: &str, bytes: &mut [u8]) -> Option<usize> {
    let mut len = 0;
    for c in word.chars() {
        let c = if c == '\u{212A}' {
            'k'
        } else {
            c.to_ascii_lowercase()
        };
        *bytes.get_mut(len)? = u8::try_from(c).ok().filter(u8::is_ascii)?;
        len += 1;
    }
    Some(len)
}

/// A table that is fixed when it is built: no text can make a look-up in it slow.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_found_in_each_of_eight_bytes() {
        for byte in 0..0x80_u8 {
            for n in 0..8 {
                let mut word = *b"aZ{@[`zA";
                word[n] = byte;
                let found = within(u64::from_le_bytes(word), b'A', b'Z').to_le_bytes();
                let expected = word.map(|byte| u8::from(byte.is_ascii_uppercase()) << 7);
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn words_of_any_length_are_read_whole_and_alone() {
        let text = b"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for start in [0, 40] {
            for len in (0..=Key::MAX_LEN).filter(|len| start + len <= text.len()) {
                let mut expected = [0; 24];
                expected[..len].copy_from_slice(&text[start..start + len]);
                expected.make_ascii_lowercase();
                expected[23] = u8::try_from(len).unwrap();
                let Key(parts) = Packed::of(text, start, len).unwrap().key();
                assert_eq!(parts.map(u64::to_le_bytes).concat(), expected);
            }
        }
        assert!(Packed::of(text, 0, 24).is_none());
    }

    #[test]
    fn capitals_need_a_letter_and_no_other_case() {
        let is_upper = |word: &[u8]| Packed::of(word, 0, word.len()).unwrap().is_upper();
        assert!(is_upper(b"A1!") && is_upper(b"ABCDEFGHIJKLMNOPQRSTU"));
        assert!(!is_upper(b"123") && !is_upper(b"ABCDEFGHIJKLMNOPQRSTu") && !is_upper(b""));
    }
}
