use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use thiserror::Error;
use weir_feed::Platform;

use super::feed_builder::FeedBuilder;
use crate::{Distribution, DistributionError};

/// Users of a simulated cohort.
#[derive(Clone, Debug)]
pub struct UserPool {
    /// Number of users.
    pub users: u64,
    /// Sessions per day of a user with activity 1.
    pub baseline_sessions_per_day: f64,
    /// Number of items in a session.
    pub items_per_session: u32,
    /// Distribution of the activity of users.
    pub activity: Distribution<Activity>,
    /// Distribution of users among platforms; by default proportional to the number of items.
    pub platforms: Option<Distribution<Platform>>,
    /// Seed of all random choices.
    pub seed: u64,
}

/// Reason why a pool is invalid, or does not fit the items.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "each message explains its variant")]
pub enum PoolError {
    #[error("a user pool needs at least 1 user")]
    NoUsers,
    #[error("a session needs at least 1 item")]
    NoItemsPerSession,
    #[error("the baseline of sessions per day must be a positive number")]
    Baseline,
    #[error("{users} users are too few for {platforms} platforms: each needs at least 1")]
    FewerUsersThanPlatforms { users: u64, platforms: usize },
    #[error("the platform distribution includes {0}, which has no posts")]
    NoPosts(Platform),
    #[error("{platform} has {users} users but only {items} posts: reduce the number of users")]
    MoreUsersThanPosts {
        platform: Platform,
        users: u64,
        items: u64,
    },
    #[error(
        "the oldest session of {0} would be before the year 1: increase the number of users or of sessions per day"
    )]
    TooLongAgo(Platform),
    #[error("invalid platform distribution: {0}")]
    Platforms(#[from] DistributionError),
}

impl UserPool {
    /// Returns the default cohort: 500 equally active users, with one session of ten items per day.
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

    /// Returns a feed builder for each platform with users; `items` is the number of items of each platform that has some.
    pub(super) fn feed_builders(
        &self,
        items: &[(Platform, u64)],
        now: DateTime<Utc>,
    ) -> Result<Vec<FeedBuilder>, PoolError> {
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
        let users = platforms.apportion(self.users);
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
            FeedBuilder::new(self, platform, users, items, now, rng)
        };
        shares.iter().zip(users).map(builder).collect()
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

/// Activity of a user relative to other users: a positive number.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Activity(f64);

/// Error of a text that is not an activity.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("must be a positive number")]
pub struct ActivityError;

impl Activity {
    /// Activity of an average user.
    pub const ONE: Self = Self(1.0);

    /// Returns the number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Activity {
    type Err = ActivityError;

    fn from_str(text: &str) -> Result<Self, ActivityError> {
        let number = text.parse().ok();
        let is_valid = |number: &f64| number.is_finite() && *number > 0.0;
        number.filter(is_valid).map(Self).ok_or(ActivityError)
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
