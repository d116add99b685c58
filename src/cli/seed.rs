use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use chrono::{SubsecRound, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::print_line;
use crate::db::{Database, Existing};
use crate::seeding::{self, Distribution, Progress, UserPool};
use crate::settings::{DatabaseSettings, Settings};

/// Load normalised items into the posts database, as a cohort of users saw them.
#[derive(Debug, Args)]
pub(super) struct Seed {
    /// Folder that `weir preprocess` wrote, or of facebook.csv, reddit.csv and twitter.csv with the same items.
    #[arg(long = "in", value_name = "DIR", default_value = "data/normalised")]
    input: PathBuf,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`; by default that of the settings.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The configuration file; see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
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
    /// Make the table of posts anew; those that are there go.
    #[arg(long, conflicts_with = "upsert")]
    drop_table: bool,
    /// Replace posts that the same user has already seen, keep the others.
    #[arg(long)]
    upsert: bool,
    /// Only print what would be written.
    #[arg(long)]
    dry_run: bool,
}

impl Seed {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let seed = seeding::Seed {
            input: self.input.clone(),
            pool: (!self.no_user_pool).then(|| self.pool()).transpose()?,
            existing: self.existing(),
            now: Utc::now().trunc_subsecs(0),
        };
        if self.dry_run {
            return print_line(&seed.plan(&Progress::shown())?.to_string());
        }
        let settings = match &self.database {
            Some(url) => DatabaseSettings::with_url(url),
            None => Settings::load(self.config.as_deref())?.database,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let seeded = runtime.block_on(load(&seed, &settings));
        // An interrupted load may still have a thread that reads.
        runtime.shutdown_background();
        let seeded = seeded?;
        for report in seeded.reports {
            print_line(&report.to_string())?;
        }
        print_line(&seeded.plan.to_string())
    }

    fn pool(&self) -> anyhow::Result<UserPool> {
        let platforms = match self.platform_distribution.as_str() {
            "auto" => None,
            list => Some(distribution("--platform-distribution", list)?),
        };
        Ok(UserPool {
            users: count("--n-users", self.n_users)?,
            baseline_sessions_per_day: self.baseline_sessions_per_day,
            items_per_session: count("--items-per-session", self.items_per_session)?,
            activity: distribution("--activity-distribution", &self.activity_distribution)?,
            platforms,
            seed: self.randomseed,
        })
    }

    fn existing(&self) -> Existing {
        match (self.drop_table, self.upsert) {
            (true, _) => Existing::Drop,
            (_, true) => Existing::Replace,
            _ => Existing::Refuse,
        }
    }
}

async fn load(
    seed: &seeding::Seed,
    settings: &DatabaseSettings,
) -> anyhow::Result<seeding::Seeded> {
    let database = Database::connect(settings).await?;
    database.migrate().await?;
    let seeded = seed
        .run(&database, &Progress::shown(), &stopped_by_ctrl_c())
        .await?;
    database.close().await?;
    Ok(seeded)
}

/// Cancelled by Ctrl-C.
fn stopped_by_ctrl_c() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopped.cancel();
        }
    });
    stop
}

fn distribution<T>(flag: &str, list: &str) -> anyhow::Result<Distribution<T>>
where
    Distribution<T>: FromStr<Err = seeding::DistributionError>,
{
    list.parse().with_context(|| format!("{flag} {list}"))
}

fn count<T: TryFrom<i64>>(flag: &str, number: i64) -> anyhow::Result<T> {
    let expected = || format!("{flag} {number}: expected a number from 1 to {}", u32::MAX);
    T::try_from(number).ok().with_context(expected)
}
