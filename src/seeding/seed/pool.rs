use chrono::{DateTime, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use super::feed_builder::FeedBuilder;
use super::{Activity, Distribution, DistributionError};
use weir_feed::Platform;

/// The users of a simulated cohort.
#[derive(Clone, Debug)]
pub struct UserPool {
    /// How many.
    pub users: u64,
    /// Sessions a day of a user with activity 1.
    pub baseline_sessions_per_day: f64,
    /// Items that a session shows.
    pub items_per_session: u32,
    /// How active users are.
    pub activity: Distribution<Activity>,
    /// Where they read; by default as there are items.
    pub platforms: Option<Distribution<Platform>>,
    /// Settles every random choice.
    pub seed: u64,
}

/// Why there can be no such pool for these items.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "each says itself")]
pub enum PoolError {
    #[error("a pool of 0 users: at least 1 is needed")]
    NoUsers,
    #[error("sessions of 0 items: at least 1 is needed")]
    NoItemsPerSession,
    #[error("the baseline of sessions a day must be a number above 0")]
    Baseline,
    #[error("{users} users cannot be divided among {platforms} platforms: each needs one")]
    FewerUsersThanPlatforms { users: u64, platforms: usize },
    #[error("the platform distribution names {0}, of which there are no posts")]
    NoPosts(Platform),
    #[error("{users} users of {platform} are more than its {items} posts: take fewer users")]
    MoreUsersThanPosts {
        platform: Platform,
        users: u64,
        items: u64,
    },
    #[error(
        "the oldest session of {0} would be before the year 1: take more users, or more sessions a day"
    )]
    TooLongAgo(Platform),
    #[error("the platforms cannot be weighed: {0}")]
    Platforms(#[from] DistributionError),
}

impl UserPool {
    /// The default cohort: 500 users of equal activity, ten items in one session a day.
    pub fn new(seed: u64) -> Result<Self, DistributionError> {
        Ok(Self {
            users: 500,
            baseline_sessions_per_day: 1.0,
            items_per_session: 10,
            activity: Distribution::new(vec![(Activity::ONE, 1.0)])?,
            platforms: None,
            seed,
        })
    }

    /// A feed builder for each platform that users read, of those that have items.
    pub(super) fn feed_builders(
        &self,
        items: &[(Platform, u64)],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Platform, FeedBuilder)>, PoolError> {
        self.check()?;
        let platforms = match &self.platforms {
            Some(platforms) => platforms.clone(),
            None => Distribution::new(items.iter().map(|&(p, count)| (p, count as f64)).collect())?,
        };
        let shares = platforms.shares();
        if self.users < shares.len() as u64 {
            return Err(PoolError::FewerUsersThanPlatforms {
                users: self.users,
                platforms: shares.len(),
            });
        }
        let quotas = platforms.quotas(self.users);
        let builder = |(&(platform, _), users): (&(Platform, f64), u64)| {
            let found = items.iter().find(|(known, _)| *known == platform);
            let &(_, items) = found.ok_or(PoolError::NoPosts(platform))?;
            if users > items {
                return Err(PoolError::MoreUsersThanPosts {
                    platform,
                    users,
                    items,
                });
            }
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(platform as u64);
            Ok((
                platform,
                FeedBuilder::new(self, platform, users, items, now, rng)?,
            ))
        };
        shares.iter().zip(quotas).map(builder).collect()
    }

    fn check(&self) -> Result<(), PoolError> {
        let baseline = self.baseline_sessions_per_day;
        if self.users == 0 {
            Err(PoolError::NoUsers)
        } else if self.items_per_session == 0 {
            Err(PoolError::NoItemsPerSession)
        } else if !baseline.is_finite() || baseline <= 0.0 {
            Err(PoolError::Baseline)
        } else {
            Ok(())
        }
    }
}
