use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::loading::{Check, text};
use crate::timetable::{CronExpression, Timetable};

/// `[schedules.NAME]`: a job that runs again and again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The job's name.
    pub job: String,
    /// Time from one run to the next; this or `cron`.
    #[serde(default, deserialize_with = "text::some_duration")]
    pub every: Option<Duration>,
    /// When to run; this or `every`.
    #[serde(default, deserialize_with = "text::some_cron")]
    pub cron: Option<CronExpression>,
    /// The zone by whose clocks `cron` goes.
    #[serde(default = "utc", deserialize_with = "text::timezone")]
    pub timezone: Tz,
    /// Each run waits at random up to this long.
    #[serde(default, with = "text::duration")]
    pub jitter: Duration,
    /// What becomes of due times that passed while no Weir ran.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// The job's arguments, as the job reads them.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// `false` removes the schedule.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

/// What becomes of due times that passed while no Weir ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// They are passed over, once they are more than a minute late.
    Skip,
    /// One run makes up for all of them.
    #[default]
    Once,
}

fn enabled() -> bool {
    true
}

fn utc() -> Tz {
    Tz::UTC
}

impl ScheduleConfig {
    pub(crate) fn check(&self, check: &mut Check) {
        check.not_empty("job", &self.job);
        check.require("cron", self.every.is_some() || self.cron.is_some(), || {
            "missing, and so is every".to_owned()
        });
        check.require("cron", self.every.is_none() || self.cron.is_none(), || {
            "expected either every or cron".to_owned()
        });
        if let Some(every) = self.every {
            check.lasting("every", every);
        }
        check.at_most("jitter", self.jitter, Duration::from_hours(24));
        if self.cron.is_some() {
            let comes = self
                .timetable()
                .is_some_and(|timetable| timetable.first(Utc::now()).is_some());
            check.require("cron", comes, || "this time never comes".to_owned());
        } else {
            check.require("timezone", self.timezone == Tz::UTC, || {
                "only schedules with cron have this".to_owned()
            });
        }
    }

    /// When it is due; `None` where the settings say neither `every` nor `cron`, which checked ones do.
    pub fn timetable(&self) -> Option<Timetable> {
        let cron = self.cron.clone();
        cron.map(|cron| Timetable::Cron(cron, self.timezone))
            .or(self.every.map(Timetable::Every))
    }

    pub(crate) fn shipped() -> BTreeMap<String, Self> {
        let args = [
            ("k".to_owned(), json!(10)),
            ("window".to_owned(), json!("30d")),
            (
                "result_key".to_owned(),
                json!("my_worker:scheduled:top_named_entities"),
            ),
        ];
        let top_named_entities = Self {
            job: "count_top_named_entities".to_owned(),
            every: Some(Duration::from_mins(1)),
            cron: None,
            timezone: Tz::UTC,
            jitter: Duration::ZERO,
            catch_up: CatchUp::Once,
            args: args.into_iter().collect(),
            enabled: true,
        };
        [("top_named_entities".to_owned(), top_named_entities)].into()
    }
}
