use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{
    AuthSettings, DatabaseSettings, LogSettings, PolicySettings, PoolsSettings, RankingSettings,
    RecorderSettings, ResultsSettings, ScheduleSettings, ScorerSettings, ServerSettings,
    ShutdownSettings, SupervisionSettings,
};

/// Everything a Weir can be told. `Settings::default()` is what `config/default.toml` says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder for what Weir keeps; one Weir per folder.
    pub data_dir: PathBuf,
    /// The HTTP front.
    pub server: ServerSettings,
    /// Where the posts are.
    pub database: DatabaseSettings,
    /// The store of what outlives a message.
    pub results: ResultsSettings,
    /// The keys that open each scope.
    pub auth: AuthSettings,
    /// How `/rank` answers.
    pub ranking: RankingSettings,
    /// Policies by name.
    pub policies: BTreeMap<String, PolicySettings>,
    /// Scorers by name.
    pub scorers: BTreeMap<String, ScorerSettings>,
    /// How many of each actor.
    pub pools: PoolsSettings,
    /// Schedules by name.
    pub schedules: BTreeMap<String, ScheduleSettings>,
    /// Writes served feeds into the posts.
    pub recorder: RecorderSettings,
    /// How actors are restarted.
    pub supervision: SupervisionSettings,
    /// How Weir ends.
    pub shutdown: ShutdownSettings,
    /// What is logged, and how.
    pub log: LogSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            server: ServerSettings::default(),
            database: DatabaseSettings::default(),
            results: ResultsSettings::default(),
            auth: AuthSettings::default(),
            ranking: RankingSettings::default(),
            policies: PolicySettings::shipped(),
            scorers: ScorerSettings::shipped(),
            pools: PoolsSettings::default(),
            schedules: ScheduleSettings::shipped(),
            recorder: RecorderSettings::default(),
            supervision: SupervisionSettings::default(),
            shutdown: ShutdownSettings::default(),
            log: LogSettings::default(),
        }
    }
}
