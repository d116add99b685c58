use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::watch::Receiver;
use tokio::time::sleep;

use super::Schedule;
use super::clock_watch::ClockWatch;
use crate::health::HealthIssues;
use crate::jobs::{KnownJobs, STORE_RETRY};
use crate::queue::{Fired, QueueError, ScheduleState, ScheduleStates, Schedules};
use crate::settings::CatchUp;
use crate::store::StoreError;
use crate::telemetry::LogLimiter;
use weir_supervision::{Incarnation, counters};

/// Longest time between two polls of the states, which other instances change as well.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Time after which a schedule is fired again that found the queue full, or that could not be fired.
const FULL_RETRY: TimeDelta = TimeDelta::seconds(1);
/// A schedule that is this late has missed its due time.
const MISSED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Dependencies of the scheduler.
#[derive(Clone)]
pub struct SchedulerDeps {
    /// Configured schedules; a change takes effect at once.
    pub planned: Receiver<Arc<Vec<Schedule>>>,
    /// States of the schedules in the store.
    pub schedules: Schedules,
    /// Runtime that the work is done on, which is no actor's thread.
    pub runtime: Handle,
    /// True once jobs can run.
    pub prepared: Receiver<bool>,
    /// True once no further job is to start.
    pub stopping: Receiver<bool>,
    /// Jobs that can be run; a schedule of another does not fire.
    pub known: KnownJobs,
    /// Reports a clock that was set back or forward, and schedules that do not fire.
    pub health: HealthIssues,
}

counters! {
    /// Number of due times by what became of them.
    #[derive(Debug, Default, Serialize)]
    pub struct SchedulerCounters {
        /// Due times whose job was enqueued.
        pub fired: Counter "weir_scheduler_runs_fired_total",
        /// Due times left out because the run before had not finished.
        pub not_stacked: Counter "weir_scheduler_runs_not_stacked_total",
        /// Due times left out because they were too late, with `catch_up = "skip"`.
        pub skipped: Counter "weir_scheduler_runs_skipped_total",
    }
}

/// Brings the states of schedules in the store in line with the configured schedules, for one incarnation of the scheduler.
pub(crate) struct ScheduleReconciler {
    deps: SchedulerDeps,
    counters: Arc<SchedulerCounters>,
    incarnation: Incarnation,
    /// Definition by which this reconciler has planned each schedule.
    mine: HashMap<String, String>,
    clock: ClockWatch,
    /// Log lines of schedules that fail, while others do not.
    failures: LogLimiter<String>,
    /// Whether the last job to enqueue found no room, which is logged once.
    queue_is_full: bool,
}

impl ScheduleReconciler {
    pub(crate) fn new(
        deps: SchedulerDeps,
        counters: Arc<SchedulerCounters>,
        incarnation: Incarnation,
    ) -> Self {
        Self {
            clock: ClockWatch::new(deps.health.clone()),
            deps,
            counters,
            incarnation,
            mine: HashMap::new(),
            failures: LogLimiter::new(),
            queue_is_full: false,
        }
    }

    /// Runs until the instance stops.
    pub(crate) async fn run(mut self) {
        let mut prepared = self.deps.prepared.clone();
        let mut stopping = self.deps.stopping.clone();
        let polling = async {
            // An error means that it never will be.
            if prepared.wait_for(|&prepared| prepared).await.is_ok() {
                self.poll_loop().await;
            }
        };
        tokio::select! {
            // An error means that the process ends.
            _ = stopping.wait_for(|&stopping| stopping) => {}
            () = polling => {}
        }
    }

    async fn poll_loop(&mut self) {
        let mut planned = self.deps.planned.clone();
        while self.incarnation.is_current() {
            let names_changed = self.deps.known.changed();
            let schedules = Arc::clone(&planned.borrow_and_update());
            let pause = match self.poll(&schedules).await {
                Ok(pause) => pause,
                // The store has logged it.
                Err(_) => STORE_RETRY,
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = names_changed => {}
                Ok(()) = planned.changed() => {}
            }
        }
    }

    /// Plans what is new, fires what is due, removes what is gone, and returns the time until the next poll.
    async fn poll(&mut self, planned: &[Schedule]) -> Result<Duration, StoreError> {
        let asked = Instant::now();
        let board = self.deps.schedules.states().await?;
        self.clock.observe(board.now, asked);
        self.remove_all_but(planned).await?;
        let mut next_due = None;
        for schedule in planned {
            let due = match self.reconcile(schedule, &board).await {
                Err(error) if !error.is_unavailable() => {
                    if let Some(suppressed) = self.failures.admit(schedule.name.clone()) {
                        tracing::error!(schedule = schedule.name, %error, suppressed, "failed to plan or fire a schedule");
                    }
                    Some(board.now + FULL_RETRY)
                }
                due => due?,
            };
            self.report_unknown(schedule);
            next_due = [next_due, due].into_iter().flatten().min();
        }
        let until_due = next_due.and_then(|due: DateTime<Utc>| (due - board.now).to_std().ok());
        Ok(until_due
            .map_or(LONGEST_PAUSE, |until| until.min(LONGEST_PAUSE))
            .max(Duration::from_millis(1)))
    }

    /// Returns when the schedule is due next, as far as this instance decides that.
    async fn reconcile(
        &mut self,
        schedule: &Schedule,
        board: &ScheduleStates,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let definition = schedule.definition();
        let state = board
            .schedules
            .iter()
            .find(|state| state.name == schedule.name);
        let is_planned = self.mine.get(&schedule.name) == Some(&definition);
        match state {
            Some(state) if state.definition == definition => {
                self.mine.insert(schedule.name.clone(), definition);
                if state.next_due > board.now {
                    return self.limit_due_time(schedule, state, board.now).await;
                }
                self.fire(schedule, state, board.now).await
            }
            // Another instance on the same store has other, newer settings: two that plan in turns would never end.
            Some(_) if is_planned => Ok(None),
            _ => {
                let Some(first) = schedule.timetable.first(board.now) else {
                    return Ok(None);
                };
                self.deps
                    .schedules
                    .plan(&schedule.name, &definition, first)
                    .await?;
                self.mine.insert(schedule.name.clone(), definition);
                Ok(Some(first))
            }
        }
    }

    /// Returns when the schedule is due next. A time beyond what its timetable can give was stored before the clock was set
    /// back, and is replaced.
    async fn limit_due_time(
        &mut self,
        schedule: &Schedule,
        state: &ScheduleState,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (name, due) = (&schedule.name, state.next_due);
        let latest = schedule.timetable.latest(now, state.last_due);
        let Some(latest) = latest.filter(|latest| *latest < due) else {
            return Ok(Some(due));
        };
        self.clock.found_ahead(due - latest);
        if self.deps.schedules.pass(name, due, latest).await? {
            tracing::info!(schedule = name, %due, next = %latest, "schedule was due later than its timetable allows");
        }
        Ok(Some(latest))
    }

    async fn fire(
        &mut self,
        schedule: &Schedule,
        state: &ScheduleState,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (name, due) = (&schedule.name, state.next_due);
        let Some(next) = schedule.timetable.next(due, now) else {
            return Ok(None);
        };
        // Its time stays due until a running instance announces the job.
        if self.deps.known.is_known(&schedule.job) != Some(true) {
            return Ok(None);
        }
        let counters = Arc::clone(&self.counters);
        if schedule.catch_up == CatchUp::Skip && now - due > MISSED_AFTER {
            if self.deps.schedules.pass(name, due, next).await? {
                counters.skipped.fetch_add(1, Ordering::Relaxed);
                tracing::info!(schedule = name, %due, %next, "schedule missed its time, which is skipped");
            }
            return Ok(Some(next));
        }
        let schedules = &self.deps.schedules;
        let fired = match schedules.fire(name, due, next, schedule.new_job()).await {
            Err(error @ QueueError::Full { .. }) => {
                if !mem::replace(&mut self.queue_is_full, true) {
                    tracing::warn!(schedule = name, %due, %error, "schedules wait for room in the queue");
                }
                return Ok(Some(now + FULL_RETRY));
            }
            Err(QueueError::Store(error)) => return Err(error),
            Ok(fired) => fired,
        };
        match fired {
            Fired::Enqueued(job) => {
                self.queue_is_full = false;
                counters.fired.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(schedule = name, %due, %job, "schedule fired");
            }
            Fired::StillRunning => {
                counters.not_stacked.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(schedule = name, %due, "previous run of the schedule is still in progress");
            }
            // Another instance was faster, or the clock is not there yet: the next poll reads the state again.
            Fired::Passed | Fired::Early => return Ok(Some(now)),
        }
        Ok(Some(next))
    }

    /// Reports a schedule for as long as no running instance can run its job.
    fn report_unknown(&self, schedule: &Schedule) {
        let Schedule { name, job, .. } = schedule;
        let is_known = self.deps.known.is_known(job);
        if is_known == Some(false) {
            let why = format!("no running instance can run its job {job}; it fires once one can");
            if self.deps.health.report(&part(name), why) {
                tracing::warn!(
                    schedule = name,
                    job,
                    "schedule waits for an instance that can run its job"
                );
            }
        } else if is_known == Some(true) && self.deps.health.clear(&part(name)) {
            tracing::info!(schedule = name, job, "the job of the schedule can be run");
        }
    }

    /// Removes schedules that this reconciler has planned and that are gone. Others may belong to another instance.
    async fn remove_all_but(&mut self, planned: &[Schedule]) -> Result<(), StoreError> {
        let is_planned = |name: &String| planned.iter().any(|schedule| schedule.name == *name);
        let gone: Vec<String> = self
            .mine
            .keys()
            .filter(|name| !is_planned(name))
            .cloned()
            .collect();
        for name in gone {
            self.deps.schedules.unplan(&name).await?;
            self.deps.health.clear(&part(&name));
            self.mine.remove(&name);
        }
        Ok(())
    }
}

/// Returns the part under which health names a schedule.
fn part(schedule: &str) -> String {
    format!("schedule {schedule}")
}
