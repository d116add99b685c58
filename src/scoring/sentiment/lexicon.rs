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
        let mut bytes = [0; Self::MAX_LEN + 1];
        let len = if word.is_ascii() {
            bytes
                .get_mut(..word.len())?
                .copy_from_slice(word.as_bytes());
            bytes.make_ascii_lowercase();
            word.len()
        } else {
            lower(word, &mut bytes)?
        };
        if len > Self::MAX_LEN {
            return None;
        }
        let (words, _) = bytes.as_chunks();
        let [start, middle, end] = [0, 1, 2].map(|n| u64::from_le_bytes(words[n]));
        Some(Self([start, middle, end | (len as u64) << 56]))
    }
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
    fn a_word_can_be_in_several_lists() {
        let nor = entry("nor");
        assert!(nor.negates && nor.role == Role::Nor);
        let very = entry("very");
        assert!(very.degree > 0.0 && very.role == Role::Very);
    }
}
