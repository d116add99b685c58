use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use chrono::{SubsecRound, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;
use weir_lab::{Distribution, DistributionError, Progress, UserPool};

use crate::cli::{config, print_line};
use crate::db::{Database, NewFile, OnExisting};
use crate::seeding::{LoadedSeed, load_seed};
use crate::settings::DatabaseSettings;

/// Load normalised items into the posts database, as a cohort of users saw them.
#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(in crate::cli) struct Seed {
    /// Folder that `weir preprocess` wrote, or a folder of facebook.csv, reddit.csv and twitter.csv.
    #[arg(long = "in", value_name = "DIR", default_value = "data/normalised")]
    input: PathBuf,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`; by default that of the settings.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Create the Postgres database if it does not exist.
    #[arg(long)]
    create_database: bool,
    /// The configuration file; see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    pool: PoolArgs,
    /// Drop and recreate the posts table; existing rows are lost.
    #[arg(long, conflicts_with = "upsert")]
    drop_table: bool,
    /// Replace posts that occur again for the same user, and keep the others.
    #[arg(long)]
    upsert: bool,
    /// Print the plan and write nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Seed {
    pub(in crate::cli) fn run(self) -> anyhow::Result<()> {
        let progress = Progress::shown();
        let seed = weir_lab::Seed {
            input: self.input.clone(),
            pool: self.pool.pool()?,
            now: Utc::now().trunc_subsecs(0),
        };
        if self.dry_run {
            return print_line(&seed.prepare(&progress)?.plan().to_string());
        }
        let mut settings = match &self.database {
            Some(url) => DatabaseSettings::for_command(url),
            None => config::load(self.config.as_deref())?.database,
        };
        settings.create |= self.create_database;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let loaded = runtime.block_on(load(seed, self.on_existing(), &settings, &progress));
        // A thread of an interrupted load may still be reading.
        runtime.shutdown_background();
        let loaded = loaded?;
        for report in loaded.reports {
            print_line(&report.to_string())?;
        }
        print_line(&loaded.plan.to_string())
    }

    fn on_existing(&self) -> OnExisting {
        match (self.drop_table, self.upsert) {
            (true, _) => OnExisting::Drop,
            (_, true) => OnExisting::Replace,
            _ => OnExisting::Refuse,
        }
    }
}

async fn load(
    seed: weir_lab::Seed,
    on_existing: OnExisting,
    settings: &DatabaseSettings,
    progress: &Progress,
) -> anyhow::Result<LoadedSeed> {
    let file = NewFile::begin(settings)?;
    let database = match &file {
        Some(file) => Database::connect_new(file, settings).await?,
        None => Database::connect(settings).await?,
    };
    database.migrate().await?;
    let stop = stopped_by_ctrl_c();
    let loaded = load_seed(seed, &database, on_existing, progress, &stop).await?;
    database.close().await?;
    if let Some(file) = file {
        file.publish()?;
    }
    Ok(loaded)
}

/// Returns a token that Ctrl-C cancels.
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

/// Options of the user pool.
#[derive(Debug, Args)]
struct PoolArgs {
    /// Let a single user see all items, and keep their times.
    #[arg(long)]
    no_user_pool: bool,
    /// Number of users, each on one platform.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 500,
        allow_negative_numbers = true
    )]
    n_users: i64,
    /// Sessions per day of a user with activity 1.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    baseline_sessions_per_day: f64,
    /// Number of items in a session.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        allow_negative_numbers = true
    )]
    items_per_session: i64,
    /// Distribution of user activity as activity:weight, such as 0.2:20,1:65,5:15.
    #[arg(long, value_name = "LIST", default_value = "1:1")]
    activity_distribution: String,
    /// Distribution of users as platform:weight, such as facebook:11,reddit:7.4,twitter:1.25; auto is proportional to the number
    /// of items.
    #[arg(long, value_name = "LIST", default_value = "auto")]
    platform_distribution: String,
    /// RNG seed.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    randomseed: u64,
}

impl PoolArgs {
    fn pool(&self) -> anyhow::Result<Option<UserPool>> {
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
