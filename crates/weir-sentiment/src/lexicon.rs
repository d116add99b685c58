//! What is known about each word.

use std::sync::LazyLock;

use super::{
    key::{FixedMap, Key, lower},
    phrases::{DAMPENERS, DEGREE, INTENSIFIERS, NEGATIONS, ROLES, Role},
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

const RATINGS: &str = include_str!("../data/vader_lexicon.txt");

static UNKNOWN: Entry = Entry::UNKNOWN;
static ENTRIES: LazyLock<Entries> = LazyLock::new(read);

type Entries = FixedMap<Key, Entry>;

/// The entry of `word` in lower case.
pub(super) fn entry(word: &str) -> &'static Entry {
    key(word).map_or(&UNKNOWN, entry_of)
}

/// The entry of a word by its key.
pub(super) fn entry_of(key: Key) -> &'static Entry {
    ENTRIES.get(&key).unwrap_or(&UNKNOWN)
}

/// The entry of words that no list has.
pub(super) fn unknown() -> &'static Entry {
    &UNKNOWN
}

/// The key of `word` in lower case; none if no entry can have it, being too long or not ASCII.
fn key(word: &str) -> Option<Key> {
    let mut bytes = [0; Key::MAX_LEN];
    let len = lower(word, &mut bytes)?;
    Key::of(&bytes[..len])
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
    if let Some(key) = key(word) {
        change(entries.entry(key).or_insert(Entry::UNKNOWN));
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
