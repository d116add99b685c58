use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, watch};
use weir_supervision::RestartBudget;

use super::status::{ProcessState, SlotState};
use crate::host::Groups;
use crate::log::ProgramLog;
use crate::process::{CallPermit, Exit, Process, ServeContext, Served, StartError};
use crate::protocol::Announcement;
use crate::spec::ProgramSpec;

/// State that the slots of a pool share.
#[derive(Debug)]
pub(super) struct PoolShared {
    pub(super) spec: ProgramSpec,
    pub(super) groups: Groups,
    pub(super) log: ProgramLog,
    pub(super) active: Arc<Semaphore>,
    pub(super) states: watch::Sender<Vec<SlotState>>,
    /// Announcement of the process that became ready last.
    pub(super) announcement: watch::Sender<Option<Arc<Announcement>>>,
    /// Newest reason why no process became ready.
    pub(super) start_error: watch::Sender<Option<StartError>>,
    pub(super) answers: AtomicU64,
}

/// Slot of one process of a pool: starts a process, has it serve, and starts another when it has ended.
pub(super) struct Slot {
    pub(super) index: usize,
    pub(super) shared: Arc<PoolShared>,
    pub(super) permits: mpsc::UnboundedSender<CallPermit>,
    pub(super) stop: watch::Receiver<()>,
}

impl Slot {
    /// Runs until the pool is stopped.
    pub(super) async fn run(self) {
        let shared = Arc::clone(&self.shared);
        let mut stop = self.stop.clone();
        let mut budget = RestartBudget::new(shared.spec.restarts.clone());
        let mut answers = 0;
        let mut state = ProcessState::Starting;
        loop {
            self.update(|slot| {
                slot.state = state;
                slot.starts += 1;
            });
            let served = tokio::select! {
                biased;
                _ = stop.changed() => return,
                started = self.start() => match started {
                    Ok(process) => Some(self.serve(process).await),
                    Err(error) => {
                        self.note_failure("start", &error);
                        shared.start_error.send_replace(Some(error));
                        None
                    }
                },
            };
            if let Some(Served { exit, answered }) = served {
                if exit == Exit::Stopped {
                    return;
                }
                self.note_failure(exit.label(), &exit);
                if answered > 0 {
                    state = ProcessState::Replacing;
                    continue;
                }
            }
            // An answer of any process shows that the program works.
            let now = shared.answers.load(Ordering::Relaxed);
            if now != answers {
                answers = now;
                budget.clear();
            }
            let (waits, delay) = match budget.spend(Instant::now()) {
                Some(delay) => (ProcessState::BackingOff, delay),
                None => (ProcessState::GaveUp, shared.spec.restarts.window),
            };
            self.update(|slot| slot.state = waits);
            if waits == ProcessState::GaveUp {
                tracing::warn!(
                    program = shared.spec.name,
                    process = self.index,
                    "processes of a program end before an answer, none is started for a while"
                );
                budget.clear();
            }
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(delay) => {}
            }
            state = ProcessState::Starting;
        }
    }

    async fn start(&self) -> Result<Process, StartError> {
        let shared = &*self.shared;
        let begun = Instant::now();
        let process = Process::start(&shared.spec, self.index, &shared.groups, &shared.log).await?;
        let loaded_in = begun.elapsed();
        let announcement = Arc::clone(&process.announcement);
        let is_new = shared.announcement.send_if_modified(|newest| {
            let is_new = newest.as_ref() != Some(&announcement);
            *newest = Some(Arc::clone(&announcement));
            is_new
        });
        if is_new {
            let version = announcement.version.as_str();
            tracing::info!(
                program = shared.spec.name,
                version,
                "program announced itself"
            );
        }
        shared.start_error.send_replace(None);
        let (pid, memory) = (process.id(), Arc::clone(process.memory()));
        self.update(|slot| {
            slot.state = ProcessState::Standby;
            slot.pid = Some(pid);
            slot.memory = memory;
            slot.loaded_in_ms = Some(milliseconds(loaded_in));
        });
        metrics::counter!("weir_program_starts_total", "program" => shared.spec.name.clone())
            .increment(1);
        Ok(process)
    }

    async fn serve(&self, process: Process) -> Served {
        let shared = &*self.shared;
        let on_active = || self.update(|slot| slot.state = ProcessState::Serving);
        let context = ServeContext {
            spec: &shared.spec,
            active: Arc::clone(&shared.active),
            permits: &self.permits,
            stop: self.stop.clone(),
            answers: &shared.answers,
            on_active: &on_active,
        };
        let served = process.serve(context).await;
        self.update(|slot| slot.pid = None);
        served
    }

    fn note_failure(&self, reason: &'static str, why: &impl Display) {
        let program = self.shared.spec.name.as_str();
        let why = why.to_string();
        if reason == Exit::Recycled.label() {
            tracing::debug!(program, process = self.index, "process was recycled");
        } else {
            tracing::warn!(
                program,
                process = self.index,
                why,
                "process of a program ended"
            );
        }
        let labels = [
            ("program", program.to_owned()),
            ("reason", reason.to_owned()),
        ];
        metrics::counter!("weir_program_exits_total", &labels).increment(1);
        self.update(|slot| slot.last_failure = Some(why));
    }

    fn update(&self, change: impl FnOnce(&mut SlotState)) {
        self.shared.states.send_modify(|slots| {
            if let Some(slot) = slots.get_mut(self.index) {
                change(slot);
            }
        });
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
