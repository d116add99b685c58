use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// How much the threads give way, from 0 to 19: at 10 one of them gets about a tenth of what a serving thread gets on the
/// same core, and all that is left over.
const NICENESS: i32 = 10;

/// Where jobs run: on threads that give way to those that serve. So do the threads and programs that these start.
pub(super) struct BackgroundRuntime {
    handle: Handle,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl BackgroundRuntime {
    /// Starts it with two threads, and more for work that blocks.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("weir-background")
            .on_thread_start(give_way)
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for BackgroundRuntime {
    /// Waits for nothing: what still runs by then has been abandoned.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// On Linux a priority is a thread's own; elsewhere it is all of the process'.
fn give_way() {
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::setpriority_process(None, NICENESS)
    {
        tracing::debug!(%error, "background threads run at the usual priority");
    }
}
