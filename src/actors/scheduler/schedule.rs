use std::time::Duration;

use serde_json::Value;

use crate::results::jobs::{NewJob, Start};
use crate::settings::{CatchUp, Timetable};

/// A job and when it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The schedule's name.
    pub name: String,
    /// The job's name.
    pub job: String,
    /// The job's arguments, checked.
    pub args: Value,
    /// When it is due.
    pub timetable: Timetable,
    /// Each run waits at random up to this long.
    pub jitter: Duration,
    /// What becomes of due times that were missed.
    pub catch_up: CatchUp,
}

impl Schedule {
    /// What makes it another schedule, which begins anew: another job or other times.
    pub fn definition(&self) -> String {
        format!("{} {}", self.job, self.timetable)
    }

    /// The job of one run.
    pub fn new_job(&self) -> NewJob {
        let wait = self.jitter.mul_f64(rand::random());
        NewJob {
            start: Start::After(wait),
            ..NewJob::new(&*self.job, self.args.clone())
        }
    }
}
