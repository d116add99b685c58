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
    /// How posts are inserted that the feed did not hold.
    pub insert: InsertSettings,
    /// `false` removes the policy.
    pub enabled: bool,
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
        check.under("insert", |check| self.insert.check(check));
        check.under("weights", |check| {
            for (scorer, weight) in &self.weights {
                check.finite(scorer, *weight);
                check.require(scorer, scorers.contains(&scorer.as_str()), || {
                    format!(
                        "there is no scorer {scorer}{}",
                        did_you_mean(scorer, scorers)
                    )
                });
            }
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
            insert: InsertSettings::default(),
            enabled: true,
        }
    }
}
