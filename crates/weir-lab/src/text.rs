//! Generated text that reads like posts, made fast enough for a load generator.

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::distribution::CumulativeWeights;
use crate::vocabulary::{
    NEGATIVE_EMOJI, NEGATIVE_NAMING, NEGATIVE_PLAIN, NEGATIVE_WORDS, NEUTRAL_NAMING, NEUTRAL_PLAIN,
    NEUTRAL_WORDS, OPENINGS, ORGANISATIONS, PEOPLE, PERIODS, PLACES, POSITIVE_EMOJI,
    POSITIVE_NAMING, POSITIVE_PLAIN, POSITIVE_WORDS, REPLIES, TAGS, TOPICS,
};

/// Share of sentences that contain a name.
const NAMING_SHARE: f64 = 0.4;
/// Exponent of the Zipf distribution of names.
const NAME_EXPONENT: f64 = 1.1;

/// Generator of posts, replies, titles and links. The same seed gives the same texts; consecutive texts hardly ever repeat.
#[derive(Clone, Debug)]
pub struct TextGenerator {
    rng: ChaCha8Rng,
    people: CumulativeWeights,
    organisations: CumulativeWeights,
    places: CumulativeWeights,
}

/// Sentiment of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Positive,
    Neutral,
    Negative,
}

impl TextGenerator {
    /// Creates a generator whose texts are determined by `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            people: CumulativeWeights::zipf(PEOPLE.len(), NAME_EXPONENT),
            organisations: CumulativeWeights::zipf(ORGANISATIONS.len(), NAME_EXPONENT),
            places: CumulativeWeights::zipf(PLACES.len(), NAME_EXPONENT),
        }
    }

    /// Returns a post of about `approx_chars` characters: sentences of one mood, perhaps with an emoji, hashtags or a link.
    pub fn post(&mut self, approx_chars: usize) -> String {
        self.compose(String::new(), approx_chars, NAMING_SHARE)
    }

    /// Returns a post whose only name is `name`.
    pub(crate) fn post_naming(&mut self, name: &str, approx_chars: usize) -> String {
        let opening = self.pick(OPENINGS).replace("{name}", name);
        self.compose(opening, approx_chars, 0.0)
    }

    /// Returns a post without names.
    pub(crate) fn plain_post(&mut self, approx_chars: usize) -> String {
        self.compose(String::new(), approx_chars, 0.0)
    }

    fn compose(&mut self, mut text: String, approx_chars: usize, naming_share: f64) -> String {
        let mood = self.mood();
        text.reserve(approx_chars + 120);
        while text.len() < approx_chars.max(1) {
            let naming = self.rng.random_bool(naming_share);
            self.sentence(&mut text, mood, naming);
        }
        self.append_extras(&mut text, mood);
        text
    }

    /// Returns a reply to a post.
    pub(crate) fn reply(&mut self) -> String {
        let mood = self.mood();
        let mut text = String::new();
        for _ in 0..self.rng.random_range(1..=2) {
            let template = self.pick(REPLIES);
            self.expand(&mut text, template, mood);
        }
        if self.rng.random_bool(0.15) {
            self.emoji(&mut text, mood);
        }
        text
    }

    /// Returns a headline without a full stop.
    pub(crate) fn title(&mut self) -> String {
        self.headline(NAMING_SHARE)
    }

    /// Returns a headline without names.
    pub(crate) fn plain_title(&mut self) -> String {
        self.headline(0.0)
    }

    fn headline(&mut self, naming_share: f64) -> String {
        let mood = self.mood();
        let naming = self.rng.random_bool(naming_share);
        let mut text = String::new();
        self.sentence(&mut text, mood, naming);
        text.truncate(text.trim_end_matches('.').len());
        text
    }

    /// Returns a link to a reserved example domain.
    pub(crate) fn link(&mut self) -> String {
        let tag = self.pick(TAGS);
        format!(
            "https://{tag}.example.com/{}",
            self.rng.random_range(1000..1_000_000)
        )
    }

    fn mood(&mut self) -> Mood {
        match self.rng.random_range(0..10) {
            0..4 => Mood::Neutral,
            4..7 => Mood::Positive,
            _ => Mood::Negative,
        }
    }

    fn sentence(&mut self, text: &mut String, mood: Mood, naming: bool) {
        let templates = match (mood, naming) {
            (Mood::Positive, true) => POSITIVE_NAMING,
            (Mood::Positive, false) => POSITIVE_PLAIN,
            (Mood::Neutral, true) => NEUTRAL_NAMING,
            (Mood::Neutral, false) => NEUTRAL_PLAIN,
            (Mood::Negative, true) => NEGATIVE_NAMING,
            (Mood::Negative, false) => NEGATIVE_PLAIN,
        };
        let template = self.pick(templates);
        self.expand(text, template, mood);
    }

    /// Appends a template with its slots filled, capitalised and separated from the text before it.
    fn expand(&mut self, text: &mut String, template: &str, mood: Mood) {
        if !text.is_empty() {
            text.push(' ');
        }
        let start = text.len();
        let mut rest = template;
        while let Some((before, slot_and_after)) = rest.split_once('{') {
            let (slot, after) = slot_and_after
                .split_once('}')
                .unwrap_or((slot_and_after, ""));
            text.push_str(before);
            self.fill(text, slot, mood);
            rest = after;
        }
        text.push_str(rest);
        if let Some(first) = text.get_mut(start..=start) {
            first.make_ascii_uppercase();
        }
    }

    fn fill(&mut self, text: &mut String, slot: &str, mood: Mood) {
        let word = match slot {
            "person" => PEOPLE[self.people.sample(&mut self.rng)],
            "org" => ORGANISATIONS[self.organisations.sample(&mut self.rng)],
            "place" => PLACES[self.places.sample(&mut self.rng)],
            "topic" => self.pick(TOPICS),
            "when" => self.pick(PERIODS),
            "adj" => match mood {
                Mood::Positive => self.pick(POSITIVE_WORDS),
                Mood::Negative => self.pick(NEGATIVE_WORDS),
                Mood::Neutral => self.pick(NEUTRAL_WORDS),
            },
            number => {
                let range = match number {
                    "d" => 3..10,
                    "n" => 10..90,
                    _ => 100..5000,
                };
                return text.push_str(&self.rng.random_range(range).to_string());
            }
        };
        if text.ends_with(" a ") && word.starts_with(['a', 'e', 'i', 'o', 'u']) {
            text.insert(text.len() - 1, 'n');
        }
        text.push_str(word);
    }

    /// Appends an emoji, hashtags and a link, each with some probability.
    fn append_extras(&mut self, text: &mut String, mood: Mood) {
        if mood != Mood::Neutral && self.rng.random_bool(0.25) {
            self.emoji(text, mood);
        }
        if self.rng.random_bool(0.3) {
            for _ in 0..self.rng.random_range(1..=2) {
                text.push_str(" #");
                text.push_str(self.pick(TAGS));
            }
        }
        if self.rng.random_bool(0.12) {
            text.push(' ');
            text.push_str(&self.link());
        }
    }

    fn emoji(&mut self, text: &mut String, mood: Mood) {
        let emoji = if mood == Mood::Negative {
            NEGATIVE_EMOJI
        } else {
            POSITIVE_EMOJI
        };
        text.push(' ');
        text.push_str(self.pick(emoji));
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.choose(&mut self.rng).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_texts() {
        let (mut a, mut b, mut c) = (
            TextGenerator::new(1),
            TextGenerator::new(1),
            TextGenerator::new(2),
        );
        let texts: Vec<_> = (0..50).map(|_| a.post(110)).collect();
        assert_eq!(texts, (0..50).map(|_| b.post(110)).collect::<Vec<_>>());
        assert_ne!(texts, (0..50).map(|_| c.post(110)).collect::<Vec<_>>());
    }

    #[test]
    fn posts_differ_and_have_about_the_requested_length() {
        let mut generator = TextGenerator::new(3);
        let texts: Vec<_> = (0..2_000).map(|_| generator.post(110)).collect();
        let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
        assert!(
            (110..190).contains(&(characters / texts.len())),
            "{}",
            characters / texts.len()
        );
        assert!(texts.iter().collect::<HashSet<_>>().len() > 1_990);
        assert!(texts.iter().all(|text| !text.contains(['{', '}'])));
    }

    #[test]
    fn names_follow_a_zipf_distribution() {
        let mut generator = TextGenerator::new(4);
        let texts: Vec<_> = (0..4_000).map(|_| generator.post(110)).collect();
        let count = |name: &str| texts.iter().filter(|text| text.contains(name)).count();
        let counts = [0, 1, 9, 49].map(|rank| count(PEOPLE[rank]));
        assert!(counts.is_sorted_by(|a, b| a > b), "{counts:?}");
        assert!(counts[0] > 10 * counts[3], "{counts:?}");
    }
}
