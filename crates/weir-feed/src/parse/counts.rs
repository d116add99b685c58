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

/// A set of names, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Names(u16);

impl Names {
    const fn of(names: &[Name]) -> Self {
        let (mut set, mut index) = (0, 0);
        while index < names.len() {
            set |= 1 << names[index] as usize;
            index += 1;
        }
        Names(set)
    }

    const fn or(self, other: Names) -> Names {
        Names(self.0 | other.0)
    }

    fn and(self, other: Names) -> Names {
        Names(self.0 & other.0)
    }

    fn without(self, other: Names) -> Names {
        Names(self.0 & !other.0)
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn contains(self, name: Name) -> bool {
        self.0 & (1 << name as usize) != 0
    }
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Slot {
    #[default]
    Absent,
    Null,
    Number(Integer),
    Wrong,
}

/// Names of which a model asks the same: in order, for messages, and as a set.
struct Group {
    names: &'static [Name],
    set: Names,
}

impl Group {
    const fn of(names: &'static [Name]) -> Self {
        let set = Names::of(names);
        Self { names, set }
    }
}

/// What a platform's model asks for.
struct Model {
    platform: &'static str,
    required: Group,
    /// Counts that may be absent or null.
    optional: Group,
    /// Numbers of any sign that may be absent or null.
    signed: Group,
}

/// In the order of the union.
const MODELS: [Model; 3] = [
    Model {
        platform: "twitter",
        required: Group::of(&[Name::Retweet, Name::Like, Name::Comment, Name::Share]),
        optional: Group::of(&[]),
        signed: Group::of(&[]),
    },
    Model {
        platform: "reddit",
        required: Group::of(&[Name::Comment, Name::Award]),
        optional: Group::of(&[Name::Upvote, Name::Downvote]),
        signed: Group::of(&[Name::Score]),
    },
    Model {
        platform: "facebook",
        required: Group::of(&[
            Name::Like,
            Name::Love,
            Name::Care,
            Name::Haha,
            Name::Wow,
            Name::Sad,
            Name::Angry,
            Name::Comment,
            Name::Share,
        ]),
        optional: Group::of(&[]),
        signed: Group::of(&[]),
    },
];

impl Model {
    const fn names(&self) -> Names {
        let optional = self.optional.set.or(self.signed.set);
        self.required.set.or(optional)
    }

    fn groups(&self) -> [&Group; 3] {
        [&self.required, &self.optional, &self.signed]
    }
}

/// The names by what stands under them: models are compared with sets, since every item of every request is.
#[derive(Debug, Default)]
struct Found {
    /// Not absent.
    present: Names,
    /// Absent or null.
    blank: Names,
    /// Whole numbers of 0 or more.
    counts: Names,
    wrong: Names,
    /// Numbers that are not JSON integers.
    inexact: Names,
}

impl Found {
    /// The names whose value the model refuses: of required ones, of optional ones and of signed ones.
    fn refused(&self, model: &Model) -> [Names; 3] {
        [
            model.required.set.without(self.counts),
            model.optional.set.without(self.counts.or(self.blank)),
            model.signed.set.and(self.wrong),
        ]
    }

    fn fits(&self, model: &Model) -> bool {
        self.refused(model).into_iter().all(Names::is_empty)
    }

    fn fields_set(&self, model: &Model) -> u32 {
        self.present.and(model.names()).0.count_ones()
    }

    fn is_exact(&self, model: &Model) -> bool {
        self.inexact.and(model.names()).is_empty()
    }
}

/// What stands under each name.
#[derive(Debug, Default)]
pub(crate) struct Counts(pub(crate) [Slot; NAMES]);

impl Counts {
    /// The counts by the model that fits; of several the one with most of its fields set, then the one whose values are
    /// all JSON integers, then the first.
    pub(crate) fn best_fit(&self) -> Option<Engagements> {
        let found = self.found();
        let fits = (0..MODELS.len())
            .rev()
            .filter(|&index| found.fits(&MODELS[index]));
        let best = fits.max_by_key(|&index| {
            let model = &MODELS[index];
            (found.fields_set(model), found.is_exact(model))
        })?;
        Some(match best {
            0 => Engagements::Twitter(self.twitter()),
            1 => Engagements::Reddit(self.reddit()),
            _ => Engagements::Facebook(self.facebook()),
        })
    }

    /// Why no model fits, by the model that comes nearest.
    pub(crate) fn complaint(&self) -> String {
        let found = self.found();
        let nearest = MODELS
            .iter()
            .rev()
            .max_by_key(|model| found.fields_set(model));
        let refused = nearest.and_then(|model| {
            let groups = model.groups().into_iter().zip(found.refused(model));
            let mut names = groups.flat_map(|(group, refused)| {
                let names = group.names.iter().copied();
                names.filter(move |&name| refused.contains(name))
            });
            Some((model, names.next()?))
        });
        let Some((model, refused)) = refused else {
            return "expected engagement counts".to_owned();
        };
        let names: Vec<_> = model.required.names.iter().map(Name::to_string).collect();
        let (names, platform) = (names.join(", "), model.platform);
        let number = if model.signed.set.contains(refused) {
            "a whole number"
        } else {
            "a whole number of 0 or more"
        };
        match self.at(refused) {
            Slot::Absent => {
                format!("missing `{refused}`, expected the counts of {platform}: {names}")
            }
            _ => format!("`{refused}` is not {number}, expected the counts of {platform}: {names}"),
        }
    }

    fn found(&self) -> Found {
        let mut found = Found::default();
        for (index, slot) in self.0.iter().enumerate() {
            let bit = 1 << index;
            found.present.0 |= bit;
            match slot {
                Slot::Absent => {
                    found.present.0 &= !bit;
                    found.blank.0 |= bit;
                }
                Slot::Null => found.blank.0 |= bit,
                Slot::Wrong => found.wrong.0 |= bit,
                Slot::Number(number) => {
                    found.counts.0 |= if number.value >= 0 { bit } else { 0 };
                    found.inexact.0 |= if number.exact { 0 } else { bit };
                }
            }
        }
        found
    }

    fn at(&self, name: Name) -> Slot {
        self.0[name as usize]
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

#[cfg(test)]
mod tests {
    use serde_json::from_str;

    use super::*;

    #[test]
    fn refused_counts_are_explained_by_the_nearest_model() {
        for (counts, expected) in [
            (
                r#"{"like": 1, "love": 1, "haha": 1, "wow": 1, "sad": 1, "angry": 1, "comment": 1}"#,
                "missing `care`, expected the counts of facebook: like, love, care, haha, wow, sad, angry, comment, share",
            ),
            (
                r#"{"comment": 1, "award": 0, "downvote": -1, "score": "x"}"#,
                "`downvote` is not a whole number of 0 or more, expected the counts of reddit: comment, award",
            ),
            (
                r#"{"comment": 1, "award": 0, "downvote": null, "score": "x"}"#,
                "`score` is not a whole number, expected the counts of reddit: comment, award",
            ),
        ] {
            let error = from_str::<Engagements>(counts).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn of_models_that_fit_equally_the_exact_one_is_taken() {
        let counts = r#"{"like": true, "retweet": 1, "share": 1, "comment": 1, "award": 1, "upvote": 1, "score": -1}"#;
        assert!(matches!(
            from_str(counts),
            Ok(Engagements::Reddit(RedditEngagements {
                score: Some(-1),
                ..
            }))
        ));
    }
}
