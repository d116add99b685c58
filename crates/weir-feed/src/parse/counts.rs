//! The counts of one item as they stand in the request, and the choice of the model that fits them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::parse::{Integer, parse_integer, whole};
use crate::{Engagements, FacebookEngagements, RedditEngagements, TwitterEngagements};

/// The names that any of the models knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
pub(crate) enum Name {
    Retweet,
    Like,
    Comment,
    Share,
    Upvote,
    Downvote,
    Score,
    Award,
    Love,
    Care,
    Haha,
    Wow,
    Sad,
    Angry,
    #[serde(other)]
    Unknown,
}

const NAMES: usize = Name::Unknown as usize;

/// What stands under a name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Slot {
    #[default]
    Absent,
    Null,
    Number(Integer),
    Wrong,
}

impl Slot {
    fn is_count(self) -> bool {
        matches!(self, Slot::Number(number) if number.value >= 0)
    }

    fn is_exact(self) -> bool {
        !matches!(self, Slot::Number(number) if !number.exact)
    }
}

/// What a platform's model asks for.
struct Model {
    platform: &'static str,
    required: &'static [Name],
    /// Counts that may be absent or null.
    optional: &'static [Name],
    /// A number of any sign that may be absent or null.
    signed: &'static [Name],
}

/// In the order of the union.
const MODELS: [Model; 3] = [
    Model {
        platform: "twitter",
        required: &[Name::Retweet, Name::Like, Name::Comment, Name::Share],
        optional: &[],
        signed: &[],
    },
    Model {
        platform: "reddit",
        required: &[Name::Comment, Name::Award],
        optional: &[Name::Upvote, Name::Downvote],
        signed: &[Name::Score],
    },
    Model {
        platform: "facebook",
        required: &[
            Name::Like,
            Name::Love,
            Name::Care,
            Name::Haha,
            Name::Wow,
            Name::Sad,
            Name::Angry,
            Name::Comment,
            Name::Share,
        ],
        optional: &[],
        signed: &[],
    },
];

impl Model {
    fn names(&self) -> impl Iterator<Item = Name> {
        [self.required, self.optional, self.signed]
            .into_iter()
            .flatten()
            .copied()
    }
}

/// What stands under each name.
#[derive(Debug, Default)]
pub(crate) struct Counts(pub(crate) [Slot; NAMES]);

impl Counts {
    /// The counts by the model that fits; of several the one with most of its fields set, then the one whose values are
    /// all JSON integers, then the first.
    pub(crate) fn best_fit(&self) -> Option<Engagements> {
        let fits = (0..MODELS.len())
            .rev()
            .filter(|&index| self.fits(&MODELS[index]));
        let best = fits.max_by_key(|&index| {
            (
                self.fields_set(&MODELS[index]),
                self.is_exact(&MODELS[index]),
            )
        })?;
        Some(match best {
            0 => Engagements::Twitter(self.twitter()),
            1 => Engagements::Reddit(self.reddit()),
            _ => Engagements::Facebook(self.facebook()),
        })
    }

    /// Why no model fits, by the model that comes nearest.
    pub(crate) fn complaint(&self) -> String {
        let nearest = MODELS
            .iter()
            .rev()
            .max_by_key(|model| self.fields_set(model));
        let wrong = nearest.and_then(|model| {
            Some((
                model,
                model.names().find(|&name| !self.accepts(model, name))?,
            ))
        });
        let Some((model, wrong)) = wrong else {
            return "expected engagement counts".to_owned();
        };
        let names: Vec<_> = model.required.iter().map(Name::to_string).collect();
        let (names, platform) = (names.join(", "), model.platform);
        let number = if model.signed.contains(&wrong) {
            "a whole number"
        } else {
            "a whole number of 0 or more"
        };
        match self.at(wrong) {
            Slot::Absent => {
                format!("missing `{wrong}`, expected the counts of {platform}: {names}")
            }
            _ => format!("`{wrong}` is not {number}, expected the counts of {platform}: {names}"),
        }
    }

    fn at(&self, name: Name) -> Slot {
        self.0[name as usize]
    }

    fn fits(&self, model: &Model) -> bool {
        model.names().all(|name| self.accepts(model, name))
    }

    fn accepts(&self, model: &Model, name: Name) -> bool {
        let slot = self.at(name);
        if model.required.contains(&name) {
            slot.is_count()
        } else if model.optional.contains(&name) {
            slot.is_count() || matches!(slot, Slot::Absent | Slot::Null)
        } else {
            !matches!(slot, Slot::Wrong)
        }
    }

    fn fields_set(&self, model: &Model) -> usize {
        model
            .names()
            .filter(|&name| !matches!(self.at(name), Slot::Absent))
            .count()
    }

    fn is_exact(&self, model: &Model) -> bool {
        model.names().all(|name| self.at(name).is_exact())
    }

    fn number(&self, name: Name) -> Option<i64> {
        match self.at(name) {
            Slot::Number(number) => Some(number.value),
            _ => None,
        }
    }

    fn optional_count(&self, name: Name) -> Option<u64> {
        self.number(name)
            .and_then(|number| u64::try_from(number).ok())
    }

    fn count(&self, name: Name) -> u64 {
        self.optional_count(name).unwrap_or_default()
    }

    fn twitter(&self) -> TwitterEngagements {
        TwitterEngagements {
            retweet: self.count(Name::Retweet),
            like: self.count(Name::Like),
            comment: self.count(Name::Comment),
            share: self.count(Name::Share),
        }
    }

    fn reddit(&self) -> RedditEngagements {
        RedditEngagements {
            upvote: self.optional_count(Name::Upvote),
            downvote: self.optional_count(Name::Downvote),
            score: self.number(Name::Score),
            comment: self.count(Name::Comment),
            award: self.count(Name::Award),
        }
    }

    fn facebook(&self) -> FacebookEngagements {
        FacebookEngagements {
            like: self.count(Name::Like),
            love: self.count(Name::Love),
            care: self.count(Name::Care),
            haha: self.count(Name::Haha),
            wow: self.count(Name::Wow),
            sad: self.count(Name::Sad),
            angry: self.count(Name::Angry),
            comment: self.count(Name::Comment),
            share: self.count(Name::Share),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SlotVisitor)
    }
}

/// Takes anything: whether a wrong value matters depends on the model.
struct SlotVisitor;

impl<'de> Visitor<'de> for SlotVisitor {
    type Value = Slot;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Slot, E> {
        Ok(Slot::Number(Integer { value, exact: true }))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Slot, E> {
        Ok(Slot::Number(Integer {
            value: i64::try_from(value).unwrap_or(i64::MAX),
            exact: true,
        }))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Slot, E> {
        Ok(inexact(whole(value)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Slot, E> {
        Ok(inexact(Some(value.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Slot, E> {
        Ok(inexact(parse_integer(text)))
    }

    fn visit_unit<E>(self) -> Result<Slot, E> {
        Ok(Slot::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Slot, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Slot::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Slot, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Slot::Wrong)
    }
}

fn inexact(value: Option<i64>) -> Slot {
    value.map_or(Slot::Wrong, |value| {
        Slot::Number(Integer {
            value,
            exact: false,
        })
    })
}
