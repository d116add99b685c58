//! The words inside an @handle: "justin bieber" in `@justinbieber`, "bbc news" in `@BBCNews`.

use crate::gazetteers::{COMMON, Entry, FIRST_NAME, GAZETTEERS, LAST_NAME};
use crate::hash;

/// Words after the last one are not looked at.
const MAX_PARTS: usize = 5;

/// The shortest word that is cut off where neither a capital, a digit nor `_` shows the cut, in bytes.
const MIN_CUT: usize = 3;

/// One word of a handle.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Part {
    pub(crate) lower: u64,
    pub(crate) entry: Entry,
}

/// A handle as its words.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Handle {
    parts: [Part; MAX_PARTS],
    count: usize,
    /// What is known about the words as one name.
    pub(crate) whole: Entry,
    /// Which of capitals, small letters, digits and `_` stand in it.
    pub(crate) style: u64,
}

impl Handle {
    /// Splits `name`, a handle without its sign; `lower` is `name` in lower case.
    pub(crate) fn new(name: &str, lower: &str) -> Self {
        let mut words = [""; MAX_PARTS];
        let mut count = 0;
        for (word, piece) in words.iter_mut().zip(pieces(name, lower)) {
            *word = piece;
            count += 1;
        }
        if count == 1
            && let Some(at) = cut(words[0])
        {
            (words[0], words[1]) = words[0].split_at(at);
            count = 2;
        }
        let spaced = words[1..count.max(1)]
            .iter()
            .fold(text(words[0]), |state, word| {
                hash::extend(hash::extend(state, b" "), word.as_bytes())
            });
        Self {
            parts: words.map(Part::of),
            count,
            whole: known(spaced),
            style: style(name),
        }
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts[..self.count]
    }
}

impl Part {
    fn of(word: &str) -> Self {
        let lower = text(word);
        Self {
            lower,
            entry: known(lower),
        }
    }
}

fn text(word: &str) -> u64 {
    hash::extend(hash::SEED, word.as_bytes())
}

fn known(lower: u64) -> Entry {
    GAZETTEERS.get(hash::fold(lower)).unwrap_or_default()
}

/// The pieces of `lower` between digits and `_`, and before a capital that begins a word in `name`.
///
/// Capitals count in ASCII alone, where both strings have the same offsets.
fn pieces<'t>(name: &'t str, lower: &'t str) -> impl Iterator<Item = &'t str> {
    let bytes = if name.is_ascii() { name } else { lower }.as_bytes();
    let is_gap = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && is_gap(bytes[at]) {
            at += 1;
        }
        let start = at;
        while at < bytes.len() && !is_gap(bytes[at]) && !(at > start && begins_word(bytes, at)) {
            at += 1;
        }
        (start < at).then(|| &lower[start..at])
    })
}

/// Whether the capital at `at` begins a word: the N of `fooNews` and of `BBCNews`. `at` is not 0.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = bytes[at - 1];
    let small_after = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    bytes[at].is_ascii_uppercase()
        && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && small_after))
}

/// Where to cut an unknown word in two, the latest place of the best kind: after a first name before a last one, between two
/// frequent words, after a first name, beside a frequent word.
fn cut(word: &str) -> Option<usize> {
    let entry = known(text(word));
    if entry.frequency > 1 || entry.lists & !COMMON != 0 {
        return None;
    }
    let mut state = hash::SEED;
    let mut best = None;
    for (at, c) in word.char_indices() {
        let left = known(state);
        if at >= MIN_CUT && word.len() - at >= MIN_CUT && left != Entry::default() {
            let worth = worth(left, known(text(&word[at..])));
            best = best.max((worth > 0).then_some((worth, at)));
        }
        state = hash::extend(state, &word.as_bytes()[at..at + c.len_utf8()]);
    }
    best.map(|(_, at)| at)
}

fn worth(left: Entry, right: Entry) -> u8 {
    let first = left.lists & FIRST_NAME != 0;
    let last = right.lists & LAST_NAME != 0;
    let frequent = |entry: Entry| entry.frequency >= 3;
    match (frequent(left), frequent(right)) {
        _ if first && last => 4,
        (true, true) => 3,
        _ if first => 2,
        (false, false) => 0,
        _ => 1,
    }
}

fn style(name: &str) -> u64 {
    let has = |is: fn(&u8) -> bool| u64::from(name.as_bytes().iter().any(is));
    has(u8::is_ascii_uppercase)
        + 2 * has(u8::is_ascii_lowercase)
        + 4 * has(u8::is_ascii_digit)
        + 8 * has(|&byte| byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str) -> Vec<u64> {
        let handle = Handle::new(name, &name.to_lowercase());
        handle.parts().iter().map(|part| part.lower).collect()
    }

    fn hashes(words: &[&str]) -> Vec<u64> {
        words.iter().map(|word| text(word)).collect()
    }

    #[test]
    fn capitals_digits_and_underscores_separate_words() {
        assert_eq!(words("BBCNews_24"), hashes(&["bbc", "news"]));
        assert_eq!(words("JoeyEssex_"), hashes(&["joey", "essex"]));
        assert_eq!(words("_42"), hashes(&[]));
    }

    #[test]
    fn a_first_name_is_cut_from_a_last_one() {
        assert_eq!(words("justinbieber"), hashes(&["justin", "bieber"]));
        assert_eq!(words("DAVIDCAMERON"), hashes(&["david", "cameron"]));
    }

    #[test]
    fn a_known_word_and_gibberish_stay_whole() {
        assert_eq!(words("london"), hashes(&["london"]));
        assert_eq!(words("xqzvkw"), hashes(&["xqzvkw"]));
    }

    #[test]
    fn the_words_are_looked_up_as_one_name() {
        let whole = Handle::new("NewYork", "newyork").whole;
        assert_eq!(whole, known(text("new york")));
        assert_ne!(whole.lists, 0);
    }
}
