use rand::Rng;

use super::super::zipf::Zipf;

const AUTHORS: usize = 4000;
const FIRST: &[&str] = &[
    "quiet", "late", "blue", "happy", "old", "tiny", "brave", "sleepy", "loud", "green",
];
const SECOND: &[&str] = &[
    "otter", "baker", "cloud", "piano", "runner", "walrus", "garden", "comet", "teapot", "fox",
];

/// Those who write: a few of them most of it.
pub(super) struct Authors(Zipf);

impl Authors {
    pub(super) fn new() -> Self {
        Self(Zipf::new(AUTHORS, 0.8))
    }

    /// A number from 0 that stands for somebody.
    pub(super) fn number(&self, rng: &mut impl Rng) -> usize {
        self.0.sample(rng)
    }

    /// Somebody's name.
    pub(super) fn name(&self, rng: &mut impl Rng) -> String {
        let number = self.number(rng);
        let (first, second) = (
            FIRST[number % FIRST.len()],
            SECOND[number / FIRST.len() % SECOND.len()],
        );
        format!("{first}_{second}{}", number / (FIRST.len() * SECOND.len()))
    }
}
