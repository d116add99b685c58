use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use weir_feed::Session;

/// How many buckets users fall into by their hash.
pub const BUCKETS: u64 = 4096;

/// A part of the users, and what is tried on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// The arm's name.
    pub name: Arc<str>,
    /// Who is in it.
    pub members: Members,
    /// The policy that orders their feeds; `None` while the arm is disabled.
    pub policy: Option<String>,
}

/// Who is in an arm.
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

/// The bucket of a user, the same wherever and whenever it is asked for: a hash of salt and user id.
fn bucket(salt: &str, user_id: &str) -> u64 {
    let mut text = Vec::with_capacity(salt.len() + user_id.len() + 1);
    text.extend_from_slice(salt.as_bytes());
    text.push(0);
    text.extend_from_slice(user_id.as_bytes());
    xxh3_64(&text) % BUCKETS
}

/// A division of users into arms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arms {
    /// Divides the users in another way than other salts do.
    pub salt: String,
    /// The first that a user fits is the user's.
    pub arms: Vec<Arm>,
}

impl Arms {
    /// Returns whether users are divided at all.
    pub fn is_empty(&self) -> bool {
        self.arms.is_empty()
    }

    /// Returns the arm of the session's user.
    pub fn assign(&self, session: &Session) -> Option<&Arm> {
        if self.arms.is_empty() {
            return None;
        }
        let bucket = bucket(&self.salt, &session.user_id);
        self.arms
            .iter()
            .find(|arm| arm.members.has(session, bucket))
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use rand::SeedableRng;

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
}
