//! How positive or negative a text is: VADER.
//!
//! The algorithm is that of C.J. Hutto and E.E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis
//! of Social Media Text", ICWSM 2014. A lexicon gives some 7,500 words, emoticons and abbreviations a mean intensity
//! from -4 to +4; rules then weigh it by what stands around the word (degree adverbs, negations, capitals, idioms,
//! "but", "least") and by the punctuation of the whole text.
//!
//! # Which VADER
//!
//! All four scores equal those of the authors' own package, `vaderSentiment` 3.3.2 on the Python index, and its oddities are part of
//! the contract: published results, thresholds and models rest on them. The copy in NLTK is not the same function. It
//! reads no emoji and has an older set of degree adverbs, so that about one social sentence in six gets another score;
//! feeds are full of emoji, hence this one. The lexicon, the emoji table and the word lists of the rules come from that
//! package under the MIT licence (`sentiment/data/LICENSE.txt`).
//!
//! One difference is left: each goes by the Unicode tables of its own language in telling capitals. Between Rust 1.95 and
//! Python 3.11 that concerns 175 letters which the older tables do not have and six phonetic signs, and those only inside
//! words that are in capitals otherwise.

mod contrast;
mod emoji;
mod key;
mod lexicon;
mod phrases;
mod rounding;
mod rules;
mod score;
mod tokens;
mod words;

#[cfg(test)]
mod tests;

use serde::Serialize;

use phrases::Role;

/// The sentiment of one text.
///
/// `positive`, `neutral` and `negative` are the shares, from 0 to 1, of the text that fall to each, to three decimals;
/// they add up to 1 but for rounding. A text without words has 0 in all four.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Sentiment {
    /// The whole text in one number, from -1 (most negative) to +1 (most positive), to four decimals.
    pub compound: f64,
    /// The positive share.
    pub positive: f64,
    /// The neutral share.
    pub neutral: f64,
    /// The negative share.
    pub negative: f64,
}

impl Sentiment {
    /// The sentiment of `text`, in time linear in its length (times a logarithm if it says "but").
    ///
    /// Any text will do; VADER was made for a sentence or a short post.
    pub fn of(text: &str) -> Self {
        let text = emoji::spelled_out(text);
        let words = words::of(&text);
        if words.is_empty() {
            return Self::default();
        }
        let mut valences = rules::valences(&words);
        if let Some(but) = words.iter().position(|word| word.is(Role::But)) {
            contrast::reweigh(&mut valences, but);
        }
        score::of(&valences, words.len(), score::emphasis(&text))
    }
}
