use std::collections::BTreeMap;

use anyhow::Context;
use clap::Args;
use weir_lab::{Bar, Progress};

use super::print_line;
use crate::db::{Database, transfer};
use crate::settings::DatabaseSettings;

/// Copy every table of a database into another, between SQLite and Postgres.
#[derive(Debug, Args)]
pub(super) struct MigrateData {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`, which stays as it is.
    #[arg(long, value_name = "URL")]
    from: String,
    /// Where the copy goes.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Create the target if it is a Postgres database that does not exist.
    #[arg(long)]
    create_database: bool,
}

impl MigrateData {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let copied = runtime.block_on(async {
            tokio::select! {
                copied = self.copy() => copied,
                _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted: the copy is whole or not there at all; the same command makes sure"),
            }
        });
        runtime.shutdown_background();
        copied
    }

    async fn copy(&self) -> anyhow::Result<()> {
        let settings = DatabaseSettings {
            create: self.create_database,
            ..DatabaseSettings::for_command(&self.to)
        };
        let target = Database::connect(&settings)
            .await
            .context("cannot open the target")?;
        let progress = Progress::shown();
        let source = DatabaseSettings::for_command(&self.from);
        let mut bars: BTreeMap<String, Bar> = BTreeMap::new();
        let show = |table: &str, rows, of| {
            let bar = bars.entry(table.to_owned());
            bar.or_insert_with(|| progress.rows(table, of)).set(rows);
        };
        let tables = transfer(&source, &target, show).await?;
        for table in tables {
            print_line(&format!(
                "{}: {} rows, {} of them copied now, checksum {}",
                table.table, table.rows, table.written, table.checksum
            ))?;
        }
        Ok(target.close().await?)
    }
}
