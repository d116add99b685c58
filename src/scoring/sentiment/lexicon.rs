//! What is known about each word.

use std::{
    hash::{Hash, Hasher},
    sync::LazyLock,
};

use super::{
    hashing::FixedMap,
    modifiers::{DAMPENERS, DEGREE, INTENSIFIERS, NEGATIONS},
    phrases::{ROLES, Role},
};

/// What is known about one word. Words in no list have [`Entry::UNKNOWN`].
#[derive(Debug)]
pub(super) struct Entry {
    /// The mean intensity that people gave the word, from -4 to 4, if it is in the lexicon.
    pub(super) valence: Option<f64>,
    /// What a degree adverb adds to the intensity of a positive word; 0 for all other words.
    pub(super) degree: f64,
    pub(super) negates: bool,
    pub(super) role: Role,
}

impl Entry {
    const UNKNOWN: Self = Self {
        valence: None,
        degree: 0.0,
        negates: false,
        role: Role::Other,
    };
}

const RATINGS: &str = include_str!("data/vader_lexicon.txt");

static UNKNOWN: Entry = Entry::UNKNOWN;
static ENTRIES: LazyLock<Entries> = LazyLock::new(read);

type Entries = FixedMap<Key, Entry>;

/// The entry of `word` in lower case.
pub(super) fn entry(word: &str) -> &'static Entry {
    Key::of(word)
        .and_then(|key| ENTRIES.get(&key))
        .unwrap_or(&UNKNOWN)
}

/// The same for a word of ASCII alone.
pub(super) fn ascii_entry(word: &[u8]) -> &'static Entry {
    Key::of_ascii(word)
        .and_then(|key| ENTRIES.get(&key))
        .unwrap_or(&UNKNOWN)
}

/// Parses the data that is compiled in; a line of it that is later than another of the same word wins.
fn read() -> Entries {
    let mut entries = Entries::with_capacity_and_hasher(8192, <_>::default());
    for (word, valence) in RATINGS.lines().filter_map(rating) {
        revise(&mut entries, word, |entry| entry.valence = Some(valence));
    }
    for word in INTENSIFIERS.split_whitespace() {
        revise(&mut entries, word, |entry| entry.degree = DEGREE);
    }
    for word in DAMPENERS.split_whitespace() {
        revise(&mut entries, word, |entry| entry.degree = -DEGREE);
    }
    for word in NEGATIONS.split_whitespace() {
        revise(&mut entries, word, |entry| entry.negates = true);
    }
    for (word, role) in ROLES {
        revise(&mut entries, word, |entry| entry.role = role);
    }
    entries
}

/// The word and the rating of a line. A word with capitals has none: looked up in lower case, it would never be found.
fn rating(line: &str) -> Option<(&str, f64)> {
    let mut columns = line.trim().split('\t');
    let word = columns
        .next()
        .filter(|word| !word.contains(char::is_uppercase))?;
    Some((word, columns.next()?.parse().ok()?))
}

fn revise(entries: &mut Entries, word: &str, change: impl FnOnce(&mut Entry)) {
    if let Some(key) = Key::of(word) {
        change(entries.entry(key).or_insert(Entry::UNKNOWN));
    }
}

/// A word in lower case: its bytes, zeros, and in the last byte its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key([u64; 3]);

impl Key {
    const MAX_LEN: usize = 23;

    /// The key of `word` in lower case; none if no entry can have it, being too long or not ASCII.
    fn of(word: &str) -> Option<Self> {
        if word.is_ascii() {
            return Self::of_ascii(word.as_bytes());
        }
        let mut bytes = [0; Self::MAX_LEN];
        let len = lower(word, &mut bytes)?;
        Self::of_ascii(&bytes[..len])
    }

    fn of_ascii(word: &[u8]) -> Option<Self> {
        if word.len() > Self::MAX_LEN {
            return None;
        }
        let part = |n: usize| lower_case(little_endian(word.get(8 * n..).unwrap_or_default()));
        Some(Self([
            part(0),
            part(1),
            part(2) | (word.len() as u64) << 56,
        ]))
    }
}

/// The first eight bytes as a number, the first of them lowest, zeros for those that are not there. Overlapping reads of
/// fixed size, since a copy of variable size costs a call, and a stall when it is read back.
fn little_endian(bytes: &[u8]) -> u64 {
    let four = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    if let Some(eight) = bytes.first_chunk() {
        u64::from_le_bytes(*eight)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        four(first) | four(last) << (8 * (bytes.len() - 4))
    } else {
        let byte = |n: usize| bytes.get(n).map_or(0, |&byte| u64::from(byte) << (8 * n));
        byte(0) | byte(1) | byte(2)
    }
}

/// Eight ASCII characters in lower case at once: each byte that is between `A` and `Z` gets the bit 0x20.
fn lower_case(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let from_a = word + EACH * u64::from(0x80 - b'A');
    let past_z = word + EACH * u64::from(0x7F - b'Z');
    word | (((from_a ^ past_z) & (EACH * 0x80)) >> 2)
}

/// Writes `word` in lower case and tells its length, if that fits and is ASCII. The Kelvin sign is the one other
/// character whose lower case is ASCII.
fn lower(word: &str, bytes: &mut [u8]) -> Option<usize> {
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

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [start, middle, end] = self.0;
        state.write_u64(start ^ middle.rotate_left(23) ^ end.rotate_left(41));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_rating_that_a_word_can_have_is_kept() {
        let reachable = RATINGS
            .lines()
            .filter_map(rating)
            .collect::<HashMap<_, _>>();
        let rated = ENTRIES
            .values()
            .filter(|entry| entry.valence.is_some())
            .count();
        assert_eq!(rated, reachable.len());
        for (word, valence) in reachable {
            assert_eq!(entry(word).valence, Some(valence), "{word}");
        }
    }

    #[test]
    fn case_does_not_matter_and_padding_does() {
        assert_eq!(entry("GOOD").valence, Some(1.9));
        assert_eq!(entry("\u{212A}ill").valence, entry("kill").valence);
        assert_eq!(entry("good\0").valence, None);
        assert_eq!(entry("göod").valence, None);
        assert_eq!(entry(&"good".repeat(70)).valence, None);
    }

    #[test]
    fn eight_characters_are_lowered_as_one_by_one() {
        for byte in 0..0x80_u8 {
            for n in 0..8 {
                let mut word = *b"aZ{@[`zA";
                word[n] = byte;
                assert_eq!(
                    lower_case(u64::from_le_bytes(word)),
                    u64::from_le_bytes(word.to_ascii_lowercase().try_into().unwrap())
                );
            }
        }
    }

    #[test]
    fn words_of_any_length_are_read_whole() {
        let word = b"ABCDEFGHIJKLMNOPQRSTUVWX";
        for len in 0..=Key::MAX_LEN {
            let mut expected = [0; 24];
            expected[..len].copy_from_slice(&word[..len]);
            expected.make_ascii_lowercase();
            expected[23] = u8::try_from(len).unwrap();
            let Key(parts) = Key::of_ascii(&word[..len]).unwrap();
            assert_eq!(parts.map(u64::to_le_bytes).concat(), expected);
        }
        assert!(Key::of_ascii(word).is_none());
    }

    #[test]
    fn a_word_can_be_in_several_lists() {
        let nor = entry("nor");
        assert!(nor.negates && nor.role == Role::Nor);
        let very = entry("very");
        assert!(very.degree > 0.0 && very.role == Role::Very);
    }
}
