use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::ArmsConfig;
use weir_feed::Session;

/// Number of buckets that users fall into by their hash.
const BUCKETS: u64 = 4096;

/// A group of users under one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// Name of the arm.
    pub name: Arc<str>,
    /// Users of the arm.
    pub members: Members,
    /// Policy that orders their feeds; `None` while the arm is disabled.
    pub policy: Option<String>,
}

/// Users of an arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// Users of one cohort.
    Cohort(String),
    /// Users whose cohort index is in the range.
    CohortIndex(RangeInclusive<u64>),
    /// Users whose bucket is in the range.
    Buckets(Range<u64>),
}

impl Members {
    fn has(&self, session: &Session, bucket: u64) -> bool {
        match self {
            Self::Cohort(cohort) => session.cohort.as_deref() == Some(cohort),
            Self::CohortIndex(range) => session
                .cohort_index
                .is_some_and(|index| range.contains(&index)),
            Self::Buckets(range) => range.contains(&bucket),
        }
    }
}

/// Returns the bucket of a user, a hash of salt and user id; it must not change between versions.
fn bucket(salt: &str, user_id: &str) -> u64 {
    let mut text = Vec::with_capacity(salt.len() + user_id.len() + 1);
    text.extend_from_slice(salt.as_bytes());
    text.push(0);
    text.extend_from_slice(user_id.as_bytes());
    xxh3_64(&text) % BUCKETS
}

/// Assignment of users to arms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arms {
    /// Assigns the users in another way than other salts do.
    pub salt: String,
    /// The first that a user fits is the user's.
    pub arms: Vec<Arm>,
}

impl Arms {
    /// Creates the assignment of `config`: cohorts before shares. Shares lie side by side in the order of the arms' names, and a
    /// disabled arm keeps its share.
    pub(crate) fn new(config: &ArmsConfig) -> Self {
        let mut by_cohort = Vec::new();
        let mut by_share = Vec::new();
        let mut before = 0.0;
        for (name, arm) in &config.arms {
            let of = |members| Arm {
                name: name.as_str().into(),
                members,
                policy: arm.is_enabled().then(|| arm.policy.clone()),
            };
            if let Some(cohort) = &arm.cohort {
                by_cohort.push(of(Members::Cohort(cohort.clone())));
            } else if let Some([first, last]) = arm.cohort_index {
                by_cohort.push(of(Members::CohortIndex(first..=last)));
            } else if let Some(share) = arm.share {
                let buckets = bucket_at(before)..bucket_at(before + share);
                by_share.push(of(Members::Buckets(buckets)));
                before += share;
            }
        }
        by_cohort.append(&mut by_share);
        Self {
            salt: config.salt.clone(),
            arms: by_cohort,
        }
    }

    /// Returns whether there are no arms.
    pub(crate) fn is_empty(&self) -> bool {
        self.arms.is_empty()
    }

    /// Returns the arm of the session's user.
    pub(crate) fn assign(&self, session: &Session) -> Option<&Arm> {
        if self.arms.is_empty() {
            return None;
        }
        let bucket = bucket(&self.salt, &session.user_id);
        self.arms
            .iter()
            .find(|arm| arm.members.has(session, bucket))
    }
}

/// Returns the first bucket behind this share of them.
fn bucket_at(share: f64) -> u64 {
    // The product is 0 to BUCKETS, which both types hold exactly.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "see above"
    )]
    let bucket = (share.clamp(0.0, 1.0) * BUCKETS as f64).round() as u64;
    bucket
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use rand::SeedableRng;

    use super::super::ArmConfig;
    use super::*;
    use weir_feed::Platform;
    use weir_lab::FakeFeed;

    fn session(user: &str) -> Session {
        let fake = FakeFeed {
            posts: 0,
            comments: 0,
            platform: Platform::Twitter,
            now: Utc::now(),
        };
        let mut session = fake
            .request(&mut rand_chacha::ChaCha8Rng::seed_from_u64(1))
            .session;
        user.clone_into(&mut session.user_id);
        session.cohort = None;
        session.cohort_index = None;
        session
    }

    fn arm(name: &str, members: Members) -> Arm {
        Arm {
            name: name.into(),
            members,
            policy: Some("p".to_owned()),
        }
    }

    #[test]
    fn buckets_do_not_change_between_versions() {
        assert_eq!(
            ["", "ann", "bob"].map(|user| bucket("2026", user)),
            [364, 109, 511]
        );
    }

    #[test]
    fn a_share_gets_its_share_of_the_users_and_a_salt_another() {
        let members = |salt: &str| -> Vec<u32> {
            let arms = Arms {
                salt: salt.to_owned(),
                arms: vec![arm("quarter", Members::Buckets(0..BUCKETS / 4))],
            };
            (0..8_000)
                .filter(|user| arms.assign(&session(&user.to_string())).is_some())
                .collect()
        };
        let (one, other) = (members("one"), members("other"));
        // Four standard deviations of a binomial of 8,000 at a quarter.
        assert!((1_845..2_155).contains(&one.len()), "{}", one.len());
        assert_ne!(one, other);
    }

    #[test]
    fn the_first_arm_that_fits_is_taken() {
        let arms = vec![
            arm("cohort", Members::Cohort("c".to_owned())),
            arm("index", Members::CohortIndex(10..=19)),
            arm("rest", Members::Buckets(0..BUCKETS)),
        ];
        let mut arms = Arms {
            salt: "s".to_owned(),
            arms,
        };
        let name = |session: &Session| arms.assign(session).map(|arm| arm.name.to_string());
        let mut user = session("u");
        assert_eq!(name(&user).as_deref(), Some("rest"));
        user.cohort_index = Some(10);
        assert_eq!(name(&user).as_deref(), Some("index"));
        user.cohort = Some("c".to_owned());
        assert_eq!(name(&user).as_deref(), Some("cohort"));
        arms.arms.truncate(2);
        assert_eq!(arms.assign(&session("u")), None);
    }

    fn config(shares: &[(&str, f64)]) -> ArmsConfig {
        let arm = |&(name, share): &(&str, f64)| {
            let arm = ArmConfig {
                policy: "off".to_owned(),
                share: Some(share),
                ..ArmConfig::default()
            };
            (name.to_owned(), arm)
        };
        ArmsConfig {
            arms: shares.iter().map(arm).collect(),
            ..ArmsConfig::default()
        }
    }

    #[test]
    fn shares_lie_side_by_side_without_a_gap() {
        let arms = Arms::new(&config(&[
            ("a", 1.0 / 3.0),
            ("b", 1.0 / 3.0),
            ("c", 1.0 / 3.0),
        ]));
        let members: Vec<Members> = arms.arms.into_iter().map(|arm| arm.members).collect();
        let thirds = [0..1_365, 1_365..2_731, 2_731..4_096];
        assert_eq!(members, thirds.map(Members::Buckets));
    }

    #[test]
    fn a_disabled_arm_keeps_its_share() {
        let mut config = config(&[("a", 0.5), ("b", 0.5)]);
        config.arms.entry("a".to_owned()).or_default().enabled = Some(false);
        let arms = Arms::new(&config).arms;
        assert_eq!(arms[0].policy, None);
        assert_eq!(arms[1].members, Members::Buckets(2_048..4_096));
    }
}
