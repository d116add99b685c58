//! Text that reads like posts, made up as fast as a load generator wants it.

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::vocabulary::{
    GLAD_EMOJI, GLAD_NAMING, GLAD_PLAIN, GLAD_WORDS, NEUTRAL_NAMING, NEUTRAL_PLAIN, NEUTRAL_WORDS,
    OPENINGS, ORGANISATIONS, PEOPLE, PERIODS, PLACES, REPLIES, SAD_EMOJI, SAD_NAMING, SAD_PLAIN,
    SAD_WORDS, TAGS, TOPICS,
};
use super::zipf::Zipf;

/// Share of sentences that name somebody or something.
const NAMING_SHARE: f64 = 0.4;
/// Exponent of the power law that names follow.
const NAME_EXPONENT: f64 = 1.1;

/// Makes posts, replies, titles and links. The same seed gives the same texts; two in a row hardly ever agree.
#[derive(Clone, Debug)]
pub struct TextGenerator {
    rng: ChaCha8Rng,
    people: Zipf,
    organisations: Zipf,
    places: Zipf,
}

/// How a text feels about its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Glad,
    Neutral,
    Sad,
}

impl TextGenerator {
    /// A generator whose texts all follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            people: Zipf::new(PEOPLE.len(), NAME_EXPONENT),
            organisations: Zipf::new(ORGANISATIONS.len(), NAME_EXPONENT),
            places: Zipf::new(PLACES.len(), NAME_EXPONENT),
        }
    }

    /// A post of about `approx_chars` characters: whole sentences of one mood, perhaps an emoji, a hashtag or a link.
    pub fn post(&mut self, approx_chars: usize) -> String {
        self.compose(String::new(), approx_chars, NAMING_SHARE)
    }

    /// A post that names `name` and nobody else.
    pub(super) fn post_naming(&mut self, name: &str, approx_chars: usize) -> String {
        let opening = self.pick(OPENINGS).replace("{name}", name);
        self.compose(opening, approx_chars, 0.0)
    }

    /// A post that names nobody.
    pub(super) fn plain_post(&mut self, approx_chars: usize) -> String {
        self.compose(String::new(), approx_chars, 0.0)
    }

    fn compose(&mut self, mut text: String, approx_chars: usize, naming_share: f64) -> String {
        let mood = self.mood();
        text.reserve(approx_chars + 120);
        while text.len() < approx_chars.max(1) {
            let naming = self.rng.random_bool(naming_share);
            self.sentence(&mut text, mood, naming);
        }
        self.trimmings(&mut text, mood);
        text
    }

    /// What somebody writes under a post.
    pub(super) fn reply(&mut self) -> String {
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

    /// A headline, without a full stop.
    pub(super) fn title(&mut self) -> String {
        self.headline(NAMING_SHARE)
    }

    /// A headline that names nobody.
    pub(super) fn plain_title(&mut self) -> String {
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

    /// An address on a host that is nobody's.
    pub(super) fn link(&mut self) -> String {
        let tag = self.pick(TAGS);
        format!(
            "https://{tag}.example.com/{}",
            self.rng.random_range(1000..1_000_000)
        )
    }

    fn mood(&mut self) -> Mood {
        match self.rng.random_range(0..10) {
            0..4 => Mood::Neutral,
            4..7 => Mood::Glad,
            _ => Mood::Sad,
        }
    }

    fn sentence(&mut self, text: &mut String, mood: Mood, naming: bool) {
        let templates = match (mood, naming) {
            (Mood::Glad, true) => GLAD_NAMING,
            (Mood::Glad, false) => GLAD_PLAIN,
            (Mood::Neutral, true) => NEUTRAL_NAMING,
            (Mood::Neutral, false) => NEUTRAL_PLAIN,
            (Mood::Sad, true) => SAD_NAMING,
            (Mood::Sad, false) => SAD_PLAIN,
        };
        let template = self.pick(templates);
        self.expand(text, template, mood);
    }

    /// Appends a template with its slots filled, a capital first, and a space before it where text stands.
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
                Mood::Glad => self.pick(GLAD_WORDS),
                Mood::Sad => self.pick(SAD_WORDS),
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

    /// Now and then an emoji, hashtags, a link.
    fn trimmings(&mut self, text: &mut String, mood: Mood) {
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
        let emoji = if mood == Mood::Sad {
            SAD_EMOJI
        } else {
            GLAD_EMOJI
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
    fn posts_are_fresh_and_of_about_the_length_asked_for() {
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
    fn names_follow_a_power_law() {
        let mut generator = TextGenerator::new(4);
        let texts: Vec<_> = (0..4_000).map(|_| generator.post(110)).collect();
        let count = |name: &str| texts.iter().filter(|text| text.contains(name)).count();
        let counts = [0, 1, 9, 49].map(|rank| count(PEOPLE[rank]));
        assert!(counts.is_sorted_by(|a, b| a > b), "{counts:?}");
        assert!(counts[0] > 10 * counts[3], "{counts:?}");
    }
}
