use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::check::Check;
use super::text;

/// `[schedules.NAME]`: a job that runs again and again.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// The job's name.
    pub job: String,
    /// Time from one run to the next.
    #[serde(deserialize_with = "text::duration")]
    pub every: Duration,
    /// The job's arguments, as the job reads them.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// `false` removes the schedule.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

fn enabled() -> bool {
    true
}

impl ScheduleSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.not_empty("job", &self.job);
        check.lasting("every", self.every);
    }

    pub(super) fn shipped() -> BTreeMap<String, Self> {
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
            every: Duration::from_mins(1),
            args: args.into_iter().collect(),
            enabled: true,
        };
        [("top_named_entities".to_owned(), top_named_entities)].into()
    }
}
