//! A text cut into words.

use std::ops::Range;

use super::{
    key::Packed,
    lexicon::{self, Entry},
    phrases::Role,
    tokens::Tokens,
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
            negates: entry.negates || contains_nt(token.as_bytes()),
        }
    }

    /// The same for a token of a text of ASCII alone. `apostrophes` tells whether the text has any.
    fn of_ascii(text: &[u8], token: Range<usize>, apostrophes: bool) -> Self {
        let Range { start, end } = without_ascii_punctuation(text, token);
        let (entry, capitals) = match Packed::of(text, start, end - start) {
            Some(packed) => (lexicon::entry_of(packed.key()), packed.is_upper()),
            None => (lexicon::unknown(), is_ascii_upper(&text[start..end])),
        };
        Self {
            entry,
            capitals,
            negates: entry.negates || (apostrophes && contains_nt(&text[start..end])),
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
    if text.is_ascii() {
        let text = text.as_bytes();
        let apostrophes = text.contains(&b'\'');
        words.extend(Tokens::of(text).map(|token| Word::of_ascii(text, token, apostrophes)));
    } else {
        let tokens = text.split(is_space);
        words.extend(tokens.filter(|token| !token.is_empty()).map(Word::of));
    }
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

/// [`without_punctuation`] for ASCII.
fn without_ascii_punctuation(text: &[u8], token: Range<usize>) -> Range<usize> {
    let is_word = |&at: &usize| !text[at].is_ascii_punctuation();
    let (Some(start), Some(last)) = (token.clone().find(is_word), token.clone().rfind(is_word))
    else {
        return token;
    };
    if last - start < 2 {
        token
    } else {
        start..last + 1
    }
}

/// [`is_upper`] for ASCII.
fn is_ascii_upper(token: &[u8]) -> bool {
    !token.iter().any(u8::is_ascii_lowercase) && token.iter().any(u8::is_ascii_uppercase)
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

fn contains_nt(token: &[u8]) -> bool {
    token.contains(&b'\'')
        && token
            .windows(3)
            .any(|part| part.eq_ignore_ascii_case(b"n't"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        let negates = |word: &str| contains_nt(word.as_bytes());
        assert!(negates("çan't") && negates("WON'T've"));
        assert!(!negates("don’t") && !negates("n'") && !negates("it's"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn ascii_is_read_as_all_other_text_is(text in "[ -~\t\n\x1C]{0,40}") {
            let words = |words: Vec<Word>| -> Vec<_> {
                let facts = |word: Word| (word.entry.valence, word.entry.role, word.capitals, word.negates);
                words.into_iter().map(facts).collect()
            };
            let tokens = text.split(is_space).filter(|token| !token.is_empty());
            prop_assert_eq!(words(of(&text)), words(tokens.map(Word::of).collect()));
        }
    }
}
