use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::priority;

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
            .on_thread_start(priority::lower)
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
