use std::path::PathBuf;

use chrono::{SubsecRound, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::print_line;
use super::user_pool::PoolArgs;
use crate::db::{Database, Existing, NewFile};
use crate::seeding::{self, Progress};
use crate::settings::{DatabaseSettings, Settings};

/// Load normalised items into the posts database, as a cohort of users saw them.
#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Seed {
    /// Folder that `weir preprocess` wrote, or of facebook.csv, reddit.csv and twitter.csv with the same items.
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
            pool: self.pool.pool()?,
            existing: self.existing(),
            now: Utc::now().trunc_subsecs(0),
        };
        if self.dry_run {
            return print_line(&seed.plan(&Progress::shown())?.to_string());
        }
        let mut settings = match &self.database {
            Some(url) => DatabaseSettings::for_command(url),
            None => Settings::load(self.config.as_deref())?.database,
        };
        settings.create |= self.create_database;
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
    let file = NewFile::begin(settings)?;
    let database = match &file {
        Some(file) => Database::connect_new(file, settings).await?,
        None => Database::connect(settings).await?,
    };
    database.migrate().await?;
    let seeded = seed
        .run(&database, &Progress::shown(), &stopped_by_ctrl_c())
        .await?;
    database.close().await?;
    if let Some(file) = file {
        file.publish()?;
    }
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
