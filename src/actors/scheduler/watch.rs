use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use super::clock::ClockWatch;
use super::{Schedule, SchedulerParts};
use crate::results::ResultsError;
use crate::results::schedules::{Fired, Schedule as State, ScheduleBoard};
use crate::settings::CatchUp;
use crate::telemetry::LogLimiter;
use weir_supervision::Incarnation;

/// The longest wait between two looks at the board, which others change as well.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How soon the board is looked at again after the store was away.
const STORE_RETRY: Duration = Duration::from_millis(250);
/// Time after which a schedule is fired again that found the queue full, or that could not be fired.
const FULL_RETRY: TimeDelta = TimeDelta::seconds(1);
/// A due time that is later than this was missed.
const MISSED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// The watch that one incarnation keeps over the board.
pub(super) struct Watch {
    parts: SchedulerParts,
    incarnation: Incarnation,
    /// The definition by which this watch has planned each schedule.
    mine: HashMap<String, String>,
    clock: ClockWatch,
    /// Schedules that cannot be seen to, while the others can.
    troubles: LogLimiter<String>,
    /// Whether the last job to enqueue found no room, which is told once.
    queue_is_full: bool,
}

impl Watch {
    pub(super) fn new(parts: SchedulerParts, incarnation: Incarnation) -> Self {
        Self {
            clock: ClockWatch::new(parts.health.clone()),
            parts,
            incarnation,
            mine: HashMap::new(),
            troubles: LogLimiter::new(),
            queue_is_full: false,
        }
    }

    /// Keeps watch until Weir stops.
    pub(super) async fn keep(mut self) {
        let mut prepared = self.parts.prepared.clone();
        let mut stopping = self.parts.stopping.clone();
        let look = async {
            // An error means that it never will be.
            if prepared.wait_for(|&prepared| prepared).await.is_ok() {
                self.look_again_and_again().await;
            }
        };
        tokio::select! {
            // An error means that the process ends.
            _ = stopping.wait_for(|&stopping| stopping) => {}
            () = look => {}
        }
    }

    async fn look_again_and_again(&mut self) {
        let mut planned = self.parts.planned.clone();
        while self.incarnation.is_current() {
            let schedules = Arc::clone(&planned.borrow_and_update());
            let pause = match self.look(&schedules).await {
                Ok(pause) => pause,
                // The results have logged it.
                Err(_) => STORE_RETRY,
            };
            tokio::select! {
                () = sleep(pause) => {}
                Ok(()) = planned.changed() => {}
            }
        }
    }

    /// Plans what is new, fires what is due, removes what is gone, and answers when to look again.
    async fn look(&mut self, planned: &[Schedule]) -> Result<Duration, ResultsError> {
        let asked = Instant::now();
        let board = self.parts.schedules.board().await?;
        self.clock.observe(board.now, asked);
        self.remove_all_but(planned).await?;
        let mut next_due = None;
        for schedule in planned {
            let due = match self.see_to(schedule, &board).await {
                Err(error) if !error.is_unavailable() => {
                    if let Some(suppressed) = self.troubles.admit(schedule.name.clone()) {
                        tracing::error!(schedule = schedule.name, %error, suppressed, "schedule cannot be planned or fired");
                    }
                    Some(board.now + FULL_RETRY)
                }
                due => due?,
            };
            next_due = [next_due, due].into_iter().flatten().min();
        }
        let until_due = next_due.and_then(|due: DateTime<Utc>| (due - board.now).to_std().ok());
        Ok(until_due
            .map_or(LONGEST_PAUSE, |until| until.min(LONGEST_PAUSE))
            .max(Duration::from_millis(1)))
    }

    /// When the schedule is due next, as far as this Weir decides that.
    async fn see_to(
        &mut self,
        schedule: &Schedule,
        board: &ScheduleBoard,
    ) -> Result<Option<DateTime<Utc>>, ResultsError> {
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
                    return self.bring_back(schedule, state, board.now).await;
                }
                self.fire(schedule, state, board.now).await
            }
            // Another Weir on the same store has other settings, newer ones: two that plan in turns would never rest.
            Some(_) if is_planned => Ok(None),
            _ => {
                let Some(first) = schedule.timetable.first(board.now) else {
                    return Ok(None);
                };
                self.parts
                    .schedules
                    .plan(&schedule.name, &definition, first)
                    .await?;
                self.mine.insert(schedule.name.clone(), definition);
                Ok(Some(first))
            }
        }
    }

    /// Answers when the schedule is due next. A time beyond what its timetable can give was made before the clock was set back,
    /// and is replaced.
    async fn bring_back(
        &mut self,
        schedule: &Schedule,
        state: &State,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, ResultsError> {
        let (name, due) = (&schedule.name, state.next_due);
        let latest = schedule.timetable.latest(now, state.last_due);
        let Some(latest) = latest.filter(|latest| *latest < due) else {
            return Ok(Some(due));
        };
        self.clock.found_ahead(due - latest);
        if self.parts.schedules.pass(name, due, latest).await? {
            tracing::info!(schedule = name, %due, next = %latest, "schedule was due later than its timetable allows");
        }
        Ok(Some(latest))
    }

    async fn fire(
        &mut self,
        schedule: &Schedule,
        state: &State,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, ResultsError> {
        let (name, due) = (&schedule.name, state.next_due);
        let Some(next) = schedule.timetable.next(due, now) else {
            return Ok(None);
        };
        let counters = Arc::clone(&self.parts.counters);
        if schedule.catch_up == CatchUp::Skip && now - due > MISSED_AFTER {
            if self.parts.schedules.pass(name, due, next).await? {
                counters.skipped.fetch_add(1, Ordering::Relaxed);
                tracing::info!(schedule = name, %due, %next, "schedule missed its time and is passed over");
            }
            return Ok(Some(next));
        }
        let schedules = &self.parts.schedules;
        let fired = match schedules.fire(name, due, next, schedule.new_job()).await {
            Err(error @ ResultsError::QueueFull { .. }) => {
                if !mem::replace(&mut self.queue_is_full, true) {
                    tracing::warn!(schedule = name, %due, %error, "schedules wait for room in the queue");
                }
                return Ok(Some(now + FULL_RETRY));
            }
            fired => fired?,
        };
        match fired {
            Fired::Enqueued(job) => {
                self.queue_is_full = false;
                counters.fired.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(schedule = name, %due, %job, "schedule fired");
            }
            Fired::StillRunning => {
                counters.not_stacked.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(schedule = name, %due, "schedule's run before is still going");
            }
            // Another Weir was faster, or the clock is not there yet: the board will tell.
            Fired::Passed | Fired::Early => return Ok(Some(now)),
        }
        Ok(Some(next))
    }

    /// Removes what this watch has planned and is no longer to be. What it has not planned may be another Weir's.
    async fn remove_all_but(&mut self, planned: &[Schedule]) -> Result<(), ResultsError> {
        let is_planned = |name: &String| planned.iter().any(|schedule| schedule.name == *name);
        let gone: Vec<String> = self
            .mine
            .keys()
            .filter(|name| !is_planned(name))
            .cloned()
            .collect();
        for name in gone {
            self.parts.schedules.unplan(&name).await?;
            self.mine.remove(&name);
        }
        Ok(())
    }
}
