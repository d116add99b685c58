use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use crate::launcher::{Guard, LauncherCommand};
use crate::memory::resident_by_group;

/// Time between two measurements of memory.
const MEASURE_PERIOD: Duration = Duration::from_secs(1);

/// Thread that starts and drives the processes of all programs. Clones share it; when the last one is dropped, every process is killed.
///
/// All processes are started by this thread because their parent-death signal follows the thread that started them.
#[derive(Clone, Debug)]
pub struct ProgramHost {
    handle: Handle,
    groups: Groups,
    _alive: Arc<oneshot::Sender<()>>,
}

/// The process groups that live.
#[derive(Clone, Debug)]
pub(crate) struct Groups(Arc<Mutex<LiveGroups>>);

#[derive(Debug)]
struct LiveGroups {
    launcher: LauncherCommand,
    guard: Guard,
    memory: BTreeMap<i32, Arc<AtomicU64>>,
}

/// Process group of one process and of all that it has started. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Pid,
    groups: Groups,
    memory: Arc<AtomicU64>,
}

impl ProgramHost {
    /// Starts the thread. `launcher` is how its programs are launched.
    pub fn start(launcher: LauncherCommand) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let groups = Groups(Arc::new(Mutex::new(LiveGroups {
            guard: Guard::new(launcher.clone()),
            launcher,
            memory: BTreeMap::new(),
        })));
        let (alive, ended) = oneshot::channel::<()>();
        let measured = groups.clone();
        thread::Builder::new()
            .name("programs".to_owned())
            .spawn(move || {
                runtime.spawn(measured.measure_memory());
                let _ = runtime.block_on(ended);
                runtime.shutdown_timeout(Duration::from_millis(100));
            })?;
        Ok(Self {
            handle,
            groups,
            _alive: Arc::new(alive),
        })
    }

    /// Returns the runtime of the thread.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn groups(&self) -> Groups {
        self.groups.clone()
    }
}

impl Groups {
    pub(crate) fn launcher(&self) -> LauncherCommand {
        self.lock().launcher.clone()
    }

    /// Takes charge of the group of the process `leader`.
    pub(crate) fn add(&self, leader: Pid) -> ProcessGroup {
        let id = leader.as_raw_nonzero().get();
        let memory = Arc::new(AtomicU64::new(0));
        let mut live = self.lock();
        live.memory.insert(id, Arc::clone(&memory));
        live.guard.add(id);
        ProcessGroup {
            leader,
            groups: self.clone(),
            memory,
        }
    }

    async fn measure_memory(self) {
        let mut period = interval(MEASURE_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            period.tick().await;
            if self.lock().memory.is_empty() {
                continue;
            }
            let measured = tokio::task::spawn_blocking(resident_by_group).await;
            let measured = measured.unwrap_or_default();
            for (group, memory) in &self.lock().memory {
                let bytes = measured.get(group).copied().unwrap_or_default();
                memory.store(bytes, Ordering::Relaxed);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, LiveGroups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProcessGroup {
    /// Returns the process id of the leader.
    pub(crate) fn id(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// Returns the memory of the group when it was last measured, in bytes.
    pub(crate) fn memory(&self) -> &Arc<AtomicU64> {
        &self.memory
    }

    /// Sends a signal to every process of the group that is left.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.leader, signal);
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let id = self.leader.as_raw_nonzero().get();
        let mut live = self.groups.lock();
        live.memory.remove(&id);
        live.guard.remove(id);
    }
}
