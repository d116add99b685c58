//! The valence of a word among its neighbours.

use super::{
    phrases::{self, DEGREE, NEGATION, Role},
    words::Word,
};

/// What capitals add to the intensity when other words have none.
const CAPITALS: f64 = 0.733;

/// What "never so good" and "never this good" multiply with.
const NEVER_SO: f64 = 1.25;

/// What is left of the effect of a degree adverb one, two and three words in front.
const FADING: [f64; 3] = [1.0, 0.95, 0.9];

/// A word that is not neutral.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Valence {
    /// The number of the word in its text, from 0.
    pub(super) at: usize,
    /// Its valence, never 0.
    pub(super) value: f64,
}

/// The valences of all words that are not neutral, in their order.
pub(super) fn valences(words: &[Word]) -> Vec<Valence> {
    let capitals = words.iter().filter(|word| word.capitals).count();
    let text = Text {
        words,
        capitals_stand_out: 0 < capitals && capitals < words.len(),
    };
    let rated = words
        .iter()
        .enumerate()
        .filter_map(|(at, word)| Some((at, word.entry.valence?)));
    rated
        .map(|(at, rating)| Valence {
            at,
            value: text.valence(at, rating),
        })
        .filter(|found| found.value != 0.0)
        .collect()
}

/// The words that the rules look at.
struct Text<'w> {
    words: &'w [Word],
    /// Some words, but not all, are in capitals.
    capitals_stand_out: bool,
}

impl Text<'_> {
    fn valence(&self, at: usize, rating: f64) -> f64 {
        if self.words[at].is(Role::Kind) && self.role(at + 1) == Role::Of {
            return 0.0;
        }
        let mut valence = self.after_no(at, rating);
        if self.stands_out(&self.words[at]) {
            valence += away_from_zero(CAPITALS, valence);
        }
        for distance in 1..=at.min(3) {
            let before = &self.words[at - distance];
            if before.is_rated() {
                continue;
            }
            valence += self.degree(before, valence) * FADING[distance - 1];
            valence *= self.negation(at, distance);
            if distance == 3 {
                valence = self.idiom(at, valence);
            }
        }
        if self.follows_least(at) {
            valence * NEGATION
        } else {
            valence
        }
    }

    /// "No" before a rated word is no statement of its own, it negates.
    fn after_no(&self, at: usize, rating: f64) -> f64 {
        let [one, two, three] = self.roles_before(at);
        if one == Role::No
            || two == Role::No
            || (three == Role::No && matches!(one, Role::Or | Role::Nor))
        {
            rating * NEGATION
        } else if self.words[at].is(Role::No) && self.words.get(at + 1).is_some_and(Word::is_rated)
        {
            0.0
        } else {
            rating
        }
    }

    /// What the degree adverb `before` adds to `valence`.
    fn degree(&self, before: &Word, valence: f64) -> f64 {
        let degree = before.entry.degree;
        if degree == 0.0 {
            return 0.0;
        }
        let degree = if valence < 0.0 { -degree } else { degree };
        if self.stands_out(before) {
            degree + away_from_zero(CAPITALS, valence)
        } else {
            degree
        }
    }

    /// What the word `distance` words in front of `at` multiplies the valence with.
    ///
    /// "So" and "this" right in front count as "never so" for the third word whatever it is, as in the reference.
    fn negation(&self, at: usize, distance: usize) -> f64 {
        let [one, two, three] = self.roles_before(at);
        let emphatic = |role| matches!(role, Role::So | Role::This);
        let (never_so, without_doubt) = match distance {
            1 => (false, false),
            2 => (
                two == Role::Never && emphatic(one),
                two == Role::Without && one == Role::Doubt,
            ),
            _ => (
                emphatic(one) || (three == Role::Never && emphatic(two)),
                three == Role::Without && (one == Role::Doubt || two == Role::Doubt),
            ),
        };
        if never_so {
            NEVER_SO
        } else if !without_doubt && self.words[at - distance].negates {
            NEGATION
        } else {
            1.0
        }
    }

    /// `valence`, or that of an idiom around the word, dampened by a degree adverb of two words.
    fn idiom(&self, at: usize, valence: f64) -> f64 {
        let [one, two, three] = self.roles_before(at);
        let [here, next, after_next] = [self.role(at), self.role(at + 1), self.role(at + 2)];
        let idioms: [&[Role]; 7] = [
            &[here, next, after_next],
            &[here, next],
            &[one, here],
            &[two, one, here],
            &[two, one],
            &[three, two, one],
            &[three, two],
        ];
        let valence = idioms
            .into_iter()
            .find_map(phrases::idiom)
            .unwrap_or(valence);
        if phrases::dampens([three, two]) || phrases::dampens([two, one]) {
            valence - DEGREE
        } else {
            valence
        }
    }

    /// "Least good" is not good, unless it is "at least good" or "very least good".
    fn follows_least(&self, at: usize) -> bool {
        let [one, two, _] = self.roles_before(at);
        one == Role::Least && !matches!(two, Role::At | Role::Very)
    }

    fn stands_out(&self, word: &Word) -> bool {
        word.capitals && self.capitals_stand_out
    }

    /// The roles of the words one, two and three in front of `at`.
    fn roles_before(&self, at: usize) -> [Role; 3] {
        [1, 2, 3].map(|distance| {
            at.checked_sub(distance)
                .map_or(Role::Other, |at| self.role(at))
        })
    }

    fn role(&self, at: usize) -> Role {
        self.words
            .get(at)
            .map_or(Role::Other, |word| word.entry.role)
    }
}

/// `amount` with the sign of `valence`; negative for 0.
fn away_from_zero(amount: f64, valence: f64) -> f64 {
    if valence > 0.0 { amount } else { -amount }
}
