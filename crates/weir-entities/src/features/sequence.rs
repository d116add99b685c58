//! The words of one sequence, and what each of them is among the others.

use crate::features::word::{Word, extend_name};
use crate::gazetteers::{COMMON, GAZETTEERS, STARTS_NAME};
use crate::hash;
use crate::tokenize::TokenKind;

/// The longest name in the gazetteers, in tokens.
const MAX_NAME: usize = 5;

/// How a whole sequence is capitalised; decides how far capitals can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Register {
    Normal,
    Lower,
    Upper,
    Title,
}

/// The words of one sequence, in a buffer that is used again.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) list: Vec<Word>,
}

impl Words {
    /// Replaces what was there by `tokens`, each as `read` sees it alone.
    pub(crate) fn read<T: AsRef<str>>(&mut self, tokens: &[T], mut read: impl FnMut(&str) -> Word) {
        self.list.clear();
        let mut starts_sentence = true;
        for token in tokens.iter().map(AsRef::as_ref) {
            let mut word = read(token);
            word.starts_sentence = starts_sentence && word.kind == TokenKind::Word;
            starts_sentence = match word.kind {
                TokenKind::Sign => {
                    token.starts_with(['.', '!', '?']) || (starts_sentence && token != ",")
                }
                TokenKind::Word | TokenKind::Number => false,
                _ => starts_sentence,
            };
            self.list.push(word);
        }
        self.mark_names(tokens);
    }

    /// How the whole sequence is capitalised.
    pub(crate) fn register(&self) -> Register {
        let mut counts = [0usize; 6];
        for word in self.list.iter().filter(|word| word.kind == TokenKind::Word) {
            counts[word.capitals as usize] += 1;
        }
        let [_, lower, initial, all, one, mixed] = counts;
        let capital = initial + all + one + mixed;
        if capital == 0 {
            Register::Lower
        } else if lower + initial + mixed == 0
            || (all >= 3 && all * 4 >= 3 * (lower + initial + all))
        {
            Register::Upper
        } else if initial >= 4 && initial * 5 >= 4 * (lower + initial) {
            Register::Title
        } else {
            Register::Normal
        }
    }

    /// Marks the longest listed names of two words and more, left to right, without overlap.
    fn mark_names<T: AsRef<str>>(&mut self, tokens: &[T]) {
        let mut at = 0;
        while at < self.list.len() {
            let Some((last, lists)) = self.name_at(at, tokens) else {
                at += 1;
                continue;
            };
            self.list[at].begins = lists;
            for word in &mut self.list[at + 1..=last] {
                word.inside = lists;
            }
            at = last + 1;
        }
    }

    /// The last word of the longest listed name that begins at `at`, and its lists.
    fn name_at<T: AsRef<str>>(&self, at: usize, tokens: &[T]) -> Option<(usize, u16)> {
        let first = &self.list[at];
        if first.entry.lists & STARTS_NAME == 0 {
            return None;
        }
        let mut state = first.lower;
        let mut found = None;
        let words = self.list[at..].iter().zip(&tokens[at..]);
        for (next, (word, token)) in (at..).zip(words).take(MAX_NAME).skip(1) {
            state = extend_name(state, token.as_ref(), word.kind);
            let entry = GAZETTEERS.get(hash::fold(state));
            if let Some(entry) = entry.filter(|entry| entry.lists & !COMMON != 0) {
                found = Some((next, entry.listed()));
            }
        }
        found
    }
}
