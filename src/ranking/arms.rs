use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::settings::{Check, did_you_mean};

/// The value of `arms.otherwise` for the incoming order.
pub const INCOMING_ORDER: &str = "off";

/// `[arms]`: which users get which policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmsConfig {
    /// Version of the assignment of users to arms. Another salt, other shares or other cohorts need another version.
    pub version: u64,
    /// Assigns users in another way than other salts do.
    pub salt: String,
    /// The policy of users who are in no arm; [`INCOMING_ORDER`] is the incoming order, whatever `[policies.off]` says.
    pub otherwise: String,
    /// `[arms.NAME]`: the arms.
    #[serde(flatten)]
    pub arms: BTreeMap<String, ArmConfig>,
}

/// `[arms.NAME]`: some users, by one of `cohort`, `cohort_index` and `share`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArmConfig {
    /// The policy that orders their feeds.
    pub policy: String,
    /// Users of this cohort.
    pub cohort: Option<String>,
    /// Users whose cohort index is from the first to the last, both included.
    pub cohort_index: Option<[u64; 2]>,
    /// This share of all users, 0 to 1, drawn by a hash of salt and user id.
    pub share: Option<f64>,
    /// `false` removes the arm; its users are then in no arm, and those of the others stay where they are.
    pub enabled: Option<bool>,
}

impl Default for ArmsConfig {
    fn default() -> Self {
        Self {
            version: 1,
            salt: "weir".to_owned(),
            otherwise: INCOMING_ORDER.to_owned(),
            arms: BTreeMap::new(),
        }
    }
}

impl ArmsConfig {
    /// Returns a hash of everything that decides which user is in which arm. It is kept on disk, so it must not change.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hash = Xxh3::new();
        let mut add = |part: &str| {
            hash.update(&part.len().to_le_bytes());
            hash.update(part.as_bytes());
        };
        add(&self.salt);
        for (name, arm) in &self.arms {
            add(name);
            add(&format!("{:?}", (&arm.cohort, arm.cohort_index, arm.share)));
        }
        hash.digest()
    }

    /// Checks what concerns all arms together.
    pub(crate) fn check(&self, check: &mut Check, policies: &[&str]) {
        let mut known = policies.to_vec();
        if !known.contains(&INCOMING_ORDER) {
            known.push(INCOMING_ORDER);
        }
        let otherwise = self.otherwise.as_str();
        check.under("arms", |check| {
            check.require("otherwise", known.contains(&otherwise), || {
                format!(
                    "there is no policy {otherwise:?}{}",
                    did_you_mean(otherwise, &known)
                )
            });
        });
        let shares: f64 = self.arms.values().filter_map(|arm| arm.share).sum();
        check.require("arms", shares <= 1.0 + 1e-9, || {
            format!("the shares of all arms add up to {shares}, expected at most 1")
        });
    }
}

impl ArmConfig {
    /// Returns whether its users get its policy.
    pub fn is_enabled(&self) -> bool {
        self.enabled != Some(false)
    }

    pub(crate) fn check(&self, check: &mut Check, policies: &[&str]) {
        let policy = self.policy.as_str();
        check.require("policy", policies.contains(&policy), || {
            format!(
                "there is no policy {policy:?}{}",
                did_you_mean(policy, policies)
            )
        });
        let ways = [
            self.cohort.is_some(),
            self.cohort_index.is_some(),
            self.share.is_some(),
        ];
        check.require(
            "share",
            ways.into_iter().filter(|&way| way).count() == 1,
            || "expected one of cohort, cohort_index and share".to_owned(),
        );
        if let Some([first, last]) = self.cohort_index {
            check.require("cohort_index", first <= last, || {
                "the first index must not be above the last".to_owned()
            });
        }
        if let Some(share) = self.share {
            check.within("share", share, 0.0..=1.0);
        }
    }
}

impl<'de> Deserialize<'de> for ArmsConfig {
    /// The arms stand beside `version`, `salt` and `otherwise`, which therefore name no arm.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ArmsVisitor)
    }
}

struct ArmsVisitor;

impl<'de> Visitor<'de> for ArmsVisitor {
    type Value = ArmsConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut settings = ArmsConfig::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => settings.version = map.next_value()?,
                "salt" => settings.salt = map.next_value()?,
                "otherwise" => settings.otherwise = map.next_value()?,
                _ => {
                    if settings.arms.insert(key, map.next_value()?).is_some() {
                        return Err(de::Error::custom("an arm is named twice"));
                    }
                }
            }
        }
        Ok(settings)
    }
}
