use std::str::FromStr;

use anyhow::Context;
use clap::Args;

use crate::seeding::{Distribution, DistributionError, UserPool};

/// What the users of `weir seed` are like.
#[derive(Debug, Args)]
pub(super) struct PoolArgs {
    /// One user saw everything, and times stay as they are.
    #[arg(long)]
    no_user_pool: bool,
    /// Users of the cohort, each on one platform.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 500,
        allow_negative_numbers = true
    )]
    n_users: i64,
    /// Sessions a day of a user with activity 1.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    baseline_sessions_per_day: f64,
    /// Items that a session shows.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        allow_negative_numbers = true
    )]
    items_per_session: i64,
    /// How active users are, and how many of them, as activity:weight; for instance 0.2:20,1:65,5:15.
    #[arg(long, value_name = "LIST", default_value = "1:1")]
    activity_distribution: String,
    /// Where users read, as platform:weight; for instance facebook:11,reddit:7.4,twitter:1.25. By the number of posts: auto.
    #[arg(long, value_name = "LIST", default_value = "auto")]
    platform_distribution: String,
    /// Settles every random choice.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    randomseed: u64,
}

impl PoolArgs {
    /// The pool that is asked for, if any.
    pub(super) fn pool(&self) -> anyhow::Result<Option<UserPool>> {
        if self.no_user_pool {
            return Ok(None);
        }
        let platforms = match self.platform_distribution.as_str() {
            "auto" => None,
            list => Some(distribution("--platform-distribution", list)?),
        };
        Ok(Some(UserPool {
            users: count("--n-users", self.n_users)?,
            baseline_sessions_per_day: self.baseline_sessions_per_day,
            items_per_session: count("--items-per-session", self.items_per_session)?,
            activity: distribution("--activity-distribution", &self.activity_distribution)?,
            platforms,
            seed: self.randomseed,
        }))
    }
}

fn distribution<T>(flag: &str, list: &str) -> anyhow::Result<Distribution<T>>
where
    Distribution<T>: FromStr<Err = DistributionError>,
{
    list.parse().with_context(|| format!("{flag} {list}"))
}

fn count<T: TryFrom<i64>>(flag: &str, number: i64) -> anyhow::Result<T> {
    let expected = || format!("{flag} {number}: expected a number from 1 to {}", u32::MAX);
    T::try_from(number).ok().with_context(expected)
}
