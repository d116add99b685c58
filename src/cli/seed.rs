use std::path::PathBuf;

use chrono::{SubsecRound, Utc};
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::print_line;
use crate::db::{Database, Existing};
use crate::seeding::{self, Progress};
use crate::settings::{DatabaseSettings, Settings};

/// Load normalised items into the posts database.
#[derive(Debug, Args)]
pub(super) struct Seed {
    /// Folder that `weir preprocess` wrote.
    #[arg(long = "in", value_name = "DIR", default_value = "data/normalised")]
    input: PathBuf,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`; by default that of the settings.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The configuration file; see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
    /// Everything was seen by one user, when it was written.
    #[arg(long, required = true)]
    no_user_pool: bool,
    /// Delete the table of posts first.
    #[arg(long, conflicts_with = "upsert")]
    drop_table: bool,
    /// Replace posts that the same user has, keep the others.
    #[arg(long)]
    upsert: bool,
}

impl Seed {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let settings = match &self.database {
            Some(url) => DatabaseSettings::with_url(url),
            None => Settings::load(self.config.as_deref())?.database,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let reports = runtime.block_on(self.load(&settings))?;
        for report in reports {
            print_line(&report.to_string())?;
        }
        Ok(())
    }

    async fn load(
        &self,
        settings: &DatabaseSettings,
    ) -> anyhow::Result<Vec<seeding::preprocess::Report>> {
        let stop = CancellationToken::new();
        let interrupted = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                interrupted.cancel();
            }
        });
        let database = Database::connect(settings).await?;
        database.migrate().await?;
        let seed = seeding::Seed {
            input: self.input.clone(),
            existing: self.existing(),
            now: Utc::now().trunc_subsecs(0),
        };
        let reports = seed.run(&database, &Progress::shown(), &stop).await?;
        database.close().await?;
        Ok(reports)
    }

    fn existing(&self) -> Existing {
        match (self.drop_table, self.upsert) {
            (true, _) => Existing::Drop,
            (_, true) => Existing::Replace,
            _ => Existing::Refuse,
        }
    }
}
