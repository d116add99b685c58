use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use serde_json::value::RawValue;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout_at;

use super::batch::{ItemError, ScoreBatch};
use super::slot::{PoolShared, Slot};
use super::status::{ProcessState, ProcessStatus, SlotState};
use crate::host::ProgramHost;
use crate::log::ProgramLog;
use crate::process::{Call, CallError, CallOptions, CallPermit, StartError};
use crate::protocol::{Announcement, Cell};
use crate::spec::ProgramSpec;

/// The processes of one program. When it is dropped they finish what is in flight and end.
pub struct ProgramPool {
    shared: Arc<PoolShared>,
    /// Permits to send a call, one for each that a process can take.
    permits: Mutex<mpsc::UnboundedReceiver<CallPermit>>,
    _stop: watch::Sender<()>,
    host: ProgramHost,
}

/// A row or an error for each item of a batch.
pub type Rows = Vec<Result<Vec<Cell>, ItemError>>;

impl ProgramPool {
    /// Starts the processes; [`warm`](Self::warm) waits for one.
    pub fn start(host: &ProgramHost, spec: ProgramSpec, log: ProgramLog) -> Self {
        let processes = spec.workers + spec.standby;
        let (stop, stopped) = watch::channel(());
        let (sender, permits) = mpsc::unbounded_channel();
        let shared = Arc::new(PoolShared {
            active: Arc::new(Semaphore::new(spec.workers)),
            spec,
            groups: host.groups(),
            log,
            states: watch::Sender::new(vec![SlotState::new(); processes]),
            announcement: watch::Sender::new(None),
            start_error: watch::Sender::new(None),
            answers: AtomicU64::new(0),
        });
        for index in 0..processes {
            let slot = Slot {
                index,
                shared: Arc::clone(&shared),
                permits: sender.clone(),
                stop: stopped.clone(),
            };
            host.handle().spawn(slot.run());
        }
        Self {
            shared,
            permits: Mutex::new(permits),
            _stop: stop,
            host: host.clone(),
        }
    }

    /// Waits until a process is ready, or until the first one could not be started.
    pub async fn warm(&self) -> Result<Arc<Announcement>, StartError> {
        let mut announcement = self.shared.announcement.subscribe();
        let mut error = self.shared.start_error.subscribe();
        loop {
            if let Some(ready) = announcement.borrow_and_update().clone() {
                return Ok(ready);
            }
            if let Some(error) = error.borrow_and_update().clone() {
                return Err(error);
            }
            tokio::select! {
                _ = announcement.changed() => {}
                _ = error.changed() => {}
            }
        }
    }

    /// Returns what the program has, once a process was ready.
    pub fn announcement(&self) -> Option<Arc<Announcement>> {
        self.shared.announcement.borrow().clone()
    }

    /// Returns what the processes are started with.
    pub fn spec(&self) -> &ProgramSpec {
        &self.shared.spec
    }

    /// Returns the state of each process.
    pub fn status(&self) -> Vec<ProcessStatus> {
        let slots = self.shared.states.borrow();
        let status = |(index, slot): (usize, &SlotState)| slot.status(self.spec().device(index));
        slots.iter().enumerate().map(status).collect()
    }

    /// Returns why no process takes calls, if none does. Holds no text of a post.
    pub fn trouble(&self) -> Option<String> {
        let slots = self.shared.states.borrow();
        if slots.iter().any(SlotState::works) {
            return None;
        }
        let failure = slots.iter().find_map(|slot| slot.last_failure.clone());
        let gave_up = slots.iter().all(|slot| slot.state == ProcessState::GaveUp);
        Some(match failure {
            Some(failure) if gave_up => format!("gave up for a while: {failure}"),
            Some(failure) => failure,
            None => "starting".to_owned(),
        })
    }

    /// Scores a batch; returns a row or an error for each item, in their order.
    ///
    /// Until `deadline` it waits for a process. The result of a call that has begun is waited for as long as the process lives. If the
    /// process ends, its items are sent once more before the deadline, each alone.
    pub async fn score(&self, batch: &ScoreBatch, deadline: Instant) -> Rows {
        let whole = 0..batch.items.len();
        match self.score_range(batch, whole.clone(), deadline).await {
            Ok(rows) => rows,
            Err(CallError::Ended { exit, alone }) => {
                let once = u32::from(alone && whole.len() == 1);
                let first = CallError::Ended { exit, alone };
                let mut rows = Vec::with_capacity(whole.len());
                for index in whole {
                    rows.push(self.score_alone(batch, index, deadline, once, &first).await);
                }
                rows
            }
            Err(error) => all(&error, whole.len()),
        }
    }

    /// [`score`](Self::score) for a thread of no runtime.
    pub fn score_blocking(&self, batch: &ScoreBatch, deadline: Instant) -> Rows {
        self.host.handle().block_on(self.score(batch, deadline))
    }

    /// Scores an item once more after its process ended.
    async fn score_alone(
        &self,
        batch: &ScoreBatch,
        index: usize,
        deadline: Instant,
        ended_alone: u32,
        first: &CallError,
    ) -> Result<Vec<Cell>, ItemError> {
        let ended = |alone, source: &CallError| {
            Err(ItemError::EndsProcess {
                alone,
                source: source.clone(),
            })
        };
        if Instant::now() >= deadline {
            return ended(ended_alone, first);
        }
        let rows = self.score_range(batch, index..index + 1, deadline).await;
        match rows {
            Ok(rows) => rows
                .into_iter()
                .next()
                .unwrap_or(Err(CallError::BadResult.into())),
            Err(error @ CallError::Ended { alone, .. }) => {
                ended(ended_alone + u32::from(alone), &error)
            }
            Err(CallError::NotInTime | CallError::Unavailable) => ended(ended_alone, first),
            Err(error) => Err(error.into()),
        }
    }

    /// Scores a range in one call, or in halves if the call would be too long.
    async fn score_range(
        &self,
        batch: &ScoreBatch,
        range: Range<usize>,
        deadline: Instant,
    ) -> Result<Rows, CallError> {
        let params = batch.params(range.clone(), deadline);
        match self
            .call("score", params, CallOptions::default(), Some(deadline))
            .await
        {
            Err(CallError::TooLong) if range.len() > 1 => {
                let middle = range.start + range.len() / 2;
                let mut rows = Vec::with_capacity(range.len());
                for half in [range.start..middle, middle..range.end] {
                    let items = half.len();
                    let scored = Box::pin(self.score_range(batch, half, deadline)).await;
                    rows.extend(scored.unwrap_or_else(|error| all(&error, items)));
                }
                Ok(rows)
            }
            Err(error) => Err(error),
            Ok(result) => batch.rows(&result, range.len()),
        }
    }

    /// Sends a request to the next process that is free and returns its result. `params` is JSON. Dropping the future cancels the
    /// request.
    pub async fn call(
        &self,
        method: &'static str,
        params: String,
        options: CallOptions,
        deadline: Option<Instant>,
    ) -> Result<Box<RawValue>, CallError> {
        let params: Arc<str> = params.into();
        loop {
            let permit = self.acquire_permit(deadline).await?;
            let (reply, answer) = oneshot::channel();
            let call = Call {
                method,
                params: Arc::clone(&params),
                options: options.clone(),
                reply,
            };
            // A call that is dropped was not sent: the process ended before it took it.
            if permit.send(call)
                && let Ok(result) = answer.await
            {
                return result;
            }
        }
    }

    /// Returns whether it is worth waiting for a process: one was ready before, and some are not given up.
    fn may_become_ready(&self) -> bool {
        let gave_up = |slot: &SlotState| slot.state == ProcessState::GaveUp;
        self.shared.announcement.borrow().is_some()
            && !self.shared.states.borrow().iter().all(gave_up)
    }

    async fn acquire_permit(&self, deadline: Option<Instant>) -> Result<CallPermit, CallError> {
        if !self.may_become_ready() {
            return Err(CallError::Unavailable);
        }
        let take = async { self.permits.lock().await.recv().await };
        let permit = match deadline {
            Some(deadline) => timeout_at(deadline.into(), take)
                .await
                .map_err(|_| CallError::NotInTime)?,
            None => take.await,
        };
        permit.ok_or(CallError::Unavailable)
    }
}

fn all(error: &CallError, items: usize) -> Rows {
    (0..items).map(|_| Err(error.clone().into())).collect()
}

impl fmt::Debug for ProgramPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramPool")
            .field("program", &self.spec().name)
            .finish_non_exhaustive()
    }
}
