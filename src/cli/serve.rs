use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::settings::Settings;
use crate::startup::{Application, FirstPosts, Start};
use crate::telemetry;

/// Serve `/rank` and run everything behind it.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The configuration file; see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
    /// Load the sample posts if the database is empty.
    #[arg(long)]
    sample_data: bool,
}

impl Serve {
    /// An error after the log was started goes to stderr through the log, which never waits for a reader.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let settings = Settings::load(self.config.as_deref())?;
        let log = telemetry::init_logs(&settings.log).context("failed to start the log")?;
        let Err(error) = self.serve(settings) else {
            return Ok(ExitCode::SUCCESS);
        };
        log.print(&format!("weir: {error:#}"));
        Ok(ExitCode::FAILURE)
    }

    fn serve(self, settings: Settings) -> anyhow::Result<()> {
        let first_posts = if self.sample_data {
            FirstPosts::Sample
        } else {
            FirstPosts::None
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        actix_rt::System::with_tokio_rt(|| runtime).block_on(async {
            // With a handler a write over a file size limit fails; without one it ends the process.
            let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
            let application = Application::build(Start {
                settings,
                file: self.config,
                first_posts,
            })
            .await?;
            application.run_until_stopped(stop_signal()?).await?;
            Ok(())
        })
    }
}

/// Resolves at the first SIGTERM or Ctrl-C; the second ends the process at once.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut signals = Signals::new().context("cannot listen for signals")?;
    Ok(async move {
        signals.next().await;
        actix_rt::spawn(async move {
            signals.next().await;
            tracing::warn!("stopped at once by a second signal");
            telemetry::flush_logs();
            std::process::exit(1);
        });
    })
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
