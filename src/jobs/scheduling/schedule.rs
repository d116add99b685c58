use std::time::Duration;

use serde_json::Value;

use crate::jobs::kinds::Programs;
use crate::queue::{NewJob, Start};
use crate::settings::{CatchUp, ScheduleConfig};
use crate::timetable::Timetable;

/// A job with its timetable: a [`ScheduleConfig`] that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Name of the schedule.
    pub name: String,
    /// Name of the job.
    pub job: String,
    /// Arguments of the job.
    pub args: Value,
    /// Due times.
    pub timetable: Timetable,
    /// Longest random delay of each run.
    pub jitter: Duration,
    /// What becomes of due times that were missed.
    pub catch_up: CatchUp,
}

impl Schedule {
    /// Returns the schedule `name`; `None` where `config` has no timetable. The job and its arguments are not checked yet.
    pub(crate) fn from_config(name: &str, config: &ScheduleConfig) -> Option<Self> {
        Some(Self {
            name: name.to_owned(),
            job: config.job.clone(),
            args: Value::Object(config.args.clone()),
            timetable: config.timetable()?,
            jitter: config.jitter,
            catch_up: config.catch_up,
        })
    }

    /// Returns what identifies the schedule: with another job or timetable its state starts again. The job `program` keeps
    /// the name that it had in the version before, so that an upgrade fires nothing a second time.
    pub fn definition(&self) -> String {
        let job = match self.job.as_str() {
            Programs::NAME => Programs::OLD_NAME,
            job => job,
        };
        format!("{job} {}", self.timetable)
    }

    /// Returns the job of one run.
    pub fn new_job(&self) -> NewJob {
        let wait = self.jitter.mul_f64(rand::random());
        NewJob {
            start: Start::After(wait),
            ..NewJob::new(&*self.job, self.args.clone())
        }
    }
}
