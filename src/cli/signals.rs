use std::io;
use std::sync::Arc;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::telemetry;

/// Signals that would end the process and mean nothing to Weir. With a handler for XFSZ, a write over a file size limit
/// fails.
const IGNORED: [Number; 7] = [
    Number::USR1,
    Number::USR2,
    Number::ALARM,
    Number::VTALARM,
    Number::PROF,
    Number::IO,
    Number::XFSZ,
];

/// What the signals sent to `weir serve` ask for.
pub(super) struct Requests {
    stop: watch::Receiver<bool>,
    /// Notified by SIGHUP: read the settings file again.
    pub(super) reread: Arc<Notify>,
}

impl Requests {
    /// Handles signals from now on, in the tokio runtime that this is called in. The second signal to stop ends the
    /// process at once.
    pub(super) fn listen() -> io::Result<Self> {
        for number in IGNORED {
            // The handler stays when the stream of its signals is dropped.
            drop(signal(SignalKind::from_raw(number.as_raw()))?);
        }
        let mut hangup = signal(SignalKind::hangup())?;
        let mut stop_signals = StopSignals::new()?;
        let (stopping, stop) = watch::channel(false);
        let reread = Arc::<Notify>::default();
        let requests = Self {
            stop,
            reread: Arc::clone(&reread),
        };
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                reread.notify_one();
            }
        });
        tokio::spawn(async move {
            stop_signals.next().await;
            stopping.send_replace(true);
            stop_signals.next().await;
            tracing::warn!("stopped at once by a second signal");
            telemetry::flush_logs();
            std::process::exit(1);
        });
        Ok(requests)
    }

    /// Waits for the first signal to stop.
    pub(super) async fn stop(mut self) {
        // The sender lives until the process ends.
        let _ = self.stop.wait_for(|&stop| stop).await;
    }
}

/// SIGINT, SIGTERM and SIGQUIT.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
        }
    }
}
