//! A text cut into words.

use super::{
    lexicon::{self, Entry},
    phrases::Role,
};

/// One word, or emoticon, of a text, as the rules see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) entry: &'static Entry,
    /// Written in capitals only.
    pub(super) capitals: bool,
    pub(super) negates: bool,
}

impl Word {
    fn of(token: &str) -> Self {
        let token = without_punctuation(token);
        let entry = lexicon::entry(token);
        Self {
            entry,
            capitals: is_upper(token),
            negates: entry.negates || contains_nt(token),
        }
    }

    pub(super) fn is(&self, role: Role) -> bool {
        self.entry.role == role
    }

    pub(super) fn is_rated(&self) -> bool {
        self.entry.valence.is_some()
    }
}

/// The words of `text`.
pub(super) fn of(text: &str) -> Vec<Word> {
    let mut words = Vec::with_capacity(32);
    words.extend(
        text.split(is_space)
            .filter(|token| !token.is_empty())
            .map(Word::of),
    );
    words
}

/// Python's `str.isspace`: Unicode white space and the four ASCII separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1C}'..='\u{1F}')
}

/// `token` without the punctuation around it, unless that leaves two characters or fewer: then it is an emoticon.
fn without_punctuation(token: &str) -> &str {
    let word = token.trim_matches(|c: char| c.is_ascii_punctuation());
    if word.chars().nth(2).is_some() {
        word
    } else {
        token
    }
}

/// Python's `str.isupper`: an upper-case letter at least, and no other letter that has a case.
fn is_upper(token: &str) -> bool {
    let mut upper = false;
    for c in token.chars() {
        if c.is_lowercase() || is_titlecase(c) {
            return false;
        }
        upper |= c.is_uppercase();
    }
    upper
}

/// The Unicode general category Lt.
fn is_titlecase(c: char) -> bool {
    matches!(
        c,
        '\u{1C5}' | '\u{1C8}' | '\u{1CB}' | '\u{1F2}' | '\u{1FBC}' | '\u{1FCC}' | '\u{1FFC}'
            | '\u{1F88}'..='\u{1F8F}'
            | '\u{1F98}'..='\u{1F9F}'
            | '\u{1FA8}'..='\u{1FAF}'
    )
}

fn contains_nt(token: &str) -> bool {
    let bytes = token.as_bytes();
    bytes.contains(&b'\'')
        && bytes
            .windows(3)
            .any(|part| part.eq_ignore_ascii_case(b"n't"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_goes_from_words_and_stays_on_emoticons() {
        assert_eq!(without_punctuation("\"don't!!!\""), "don't");
        assert_eq!(without_punctuation(":-D"), ":-D");
        assert_eq!(without_punctuation("(ok)"), "(ok)");
        assert_eq!(without_punctuation("(öäü)"), "öäü");
        assert_eq!(without_punctuation("(öä)"), "(öä)");
        assert_eq!(without_punctuation("!?"), "!?");
    }

    #[test]
    fn capitals_need_a_letter_and_no_other_case() {
        assert!(is_upper("A1!") && is_upper("ÄÖ") && is_upper("Ⅷ"));
        assert!(!is_upper("123") && !is_upper("Ab") && !is_upper("A\u{1C5}") && !is_upper("Aª"));
    }

    #[test]
    fn words_are_split_where_python_splits_them() {
        assert_eq!(of("a\u{1C}b\u{85}c\u{A0}d\u{3000}e\u{200B}f\t\n ").len(), 5);
        assert!(of(" \u{2028} ").is_empty());
    }

    #[test]
    fn an_apostrophe_after_n_and_before_t_negates() {
        assert!(contains_nt("çan't") && contains_nt("WON'T've"));
        assert!(!contains_nt("don’t") && !contains_nt("n'") && !contains_nt("it's"));
    }
}
