use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::runtime::Runtime;

use super::config::ConfigFile;
use super::init;
use super::signals::Requests;
use crate::app::{Application, InitialData, StartOptions};
use crate::settings::Settings;
use crate::telemetry;

/// Serve `/rank` and run everything behind it.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigFile,
    /// Load the sample posts if the database is empty.
    #[arg(long)]
    sample_data: bool,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if init::is_init() {
            return init::run_in_child();
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let requests = {
            let _entered = runtime.enter();
            Requests::listen().context("failed to listen for signals")?
        };
        let loaded = Settings::load(self.config.path().as_deref())?;
        let log = telemetry::init_logs(&loaded.settings.log).context("failed to start the log")?;
        let settings = loaded.log_warnings();
        let Err(error) = self.serve(settings, requests, runtime) else {
            return Ok(ExitCode::SUCCESS);
        };
        // Through the log, which waits for no reader.
        log.print(&format!("weir: {error:#}"));
        Ok(ExitCode::FAILURE)
    }

    fn serve(self, settings: Settings, requests: Requests, runtime: Runtime) -> anyhow::Result<()> {
        let initial_data = if self.sample_data {
            InitialData::Sample
        } else {
            InitialData::None
        };
        actix_rt::System::with_tokio_rt(|| runtime).block_on(async {
            let application = Application::build(StartOptions {
                settings,
                file: self.config.path(),
                initial_data,
                reread: Arc::clone(&requests.reread),
            })
            .await?;
            application.run_until_stopped(requests.stop()).await?;
            Ok(())
        })
    }
}
