use std::collections::BTreeMap;

use serde::Deserialize;

use super::InsertSettings;
use super::check::Check;
use super::complaint::did_you_mean;

/// `[policies.NAME]`: an item's place is by `entity_weight` x (-1 if it names a top entity, else +1) + the sum of weight x score.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySettings {
    /// Weight of not naming a top entity; 0 leaves entities out, below 0 prefers the items that name one.
    pub entity_weight: f64,
    /// How an item names an entity.
    #[serde(rename = "match")]
    pub entity_match: EntityMatch,
    /// Weight of each scorer, by its name under `[scorers]`; a scorer that is not here does not run.
    pub weights: BTreeMap<String, f64>,
    /// How further posts of one author count less.
    pub author_decay: AuthorDecaySettings,
    /// Whether comments stand behind what they answer.
    pub keep_threads: bool,
    /// Which items go out of the feed, replies and all, by the raw scores of scorers under `[scorers]`.
    pub exclude: BTreeMap<String, ExcludeSettings>,
    /// How posts are inserted that the feed did not hold.
    pub insert: InsertSettings,
    /// `false` removes the policy.
    pub enabled: bool,
}

/// `[policies.NAME] author_decay`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorDecaySettings {
    /// What is left of an author's second post, of the third's squared, and so on; 1 leaves all.
    pub factor: f64,
    /// The least that is left.
    pub floor: f64,
}

impl Default for AuthorDecaySettings {
    fn default() -> Self {
        Self {
            factor: 1.0,
            floor: 0.0,
        }
    }
}

/// `[policies.NAME.exclude] SCORER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExcludeSettings {
    /// Items that score below this go.
    pub below: Option<f64>,
    /// Items that score above this go.
    pub above: Option<f64>,
}

/// How an item names an entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityMatch {
    /// Any seen spelling of the name, between word boundaries, in title or text.
    #[default]
    Word,
    /// The name anywhere in the text.
    Substring,
}

impl PolicySettings {
    /// `scorers` are the names a weight may be for.
    pub(super) fn check(&self, check: &mut Check, scorers: &[&str]) {
        check.finite("entity_weight", self.entity_weight);
        let known = |check: &mut Check, scorer: &String| {
            check.require(scorer, scorers.contains(&scorer.as_str()), || {
                format!(
                    "there is no scorer {scorer}{}",
                    did_you_mean(scorer, scorers)
                )
            });
        };
        check.under("insert", |check| self.insert.check(check));
        check.under("weights", |check| {
            for (scorer, weight) in &self.weights {
                check.finite(scorer, *weight);
                known(check, scorer);
            }
        });
        check.under("exclude", |check| {
            for (scorer, bounds) in &self.exclude {
                known(check, scorer);
                check.require(scorer, bounds.below.or(bounds.above).is_some(), || {
                    "expected below, above or both".to_owned()
                });
            }
        });
        check.under("author_decay", |check| {
            check.within("factor", self.author_decay.factor, 0.0..=1.0);
            check.within("floor", self.author_decay.floor, 0.0..=1.0);
        });
    }

    pub(super) fn shipped() -> BTreeMap<String, Self> {
        let calm = Self {
            weights: [("sentiment".to_owned(), 0.5)].into(),
            ..Self::default()
        };
        let off = Self {
            entity_weight: 0.0,
            ..Self::default()
        };
        [
            ("calm".to_owned(), calm),
            ("entities".to_owned(), Self::default()),
            ("off".to_owned(), off),
        ]
        .into()
    }
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            entity_weight: 1.0,
            entity_match: EntityMatch::default(),
            weights: BTreeMap::new(),
            author_decay: AuthorDecaySettings::default(),
            keep_threads: false,
            exclude: BTreeMap::new(),
            insert: InsertSettings::default(),
            enabled: true,
        }
    }
}
