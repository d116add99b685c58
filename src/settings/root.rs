use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{
    AuthSettings, Check, CompatSettings, DatabaseSettings, JobsSettings, LogSettings,
    OutboxSettings, PoolsSettings, PreprocessSettings, ProgramMode, ProgramSettings,
    RankingSettings, RankingsSettings, RecorderSettings, ScheduleConfig, ScraperSettings,
    ServerSettings, ShutdownSettings, StoreConfig, SupervisionSettings, did_you_mean,
};
use crate::ranking::{ArmsConfig, PolicyConfig, ScorerOutputs, Vocabulary};
use crate::scoring::{ProgramUse, ScorerConfig};

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
    pub store: StoreConfig,
    /// The keys that open each scope.
    pub auth: AuthSettings,
    /// How `/rank` answers.
    pub ranking: RankingSettings,
    /// Columns by name: expressions that other expressions may use by name.
    pub columns: BTreeMap<String, String>,
    /// Policies by name.
    pub policies: BTreeMap<String, PolicyConfig>,
    /// Which users get which policy, where that is not the policy in force.
    pub arms: ArmsConfig,
    /// Scorers by name.
    pub scorers: BTreeMap<String, ScorerConfig>,
    /// Routes in the wire formats of other services.
    pub compat: CompatSettings,
    /// How many of each actor.
    pub pools: PoolsSettings,
    /// How background work is run and kept.
    pub jobs: JobsSettings,
    /// Programs that jobs may run, by name.
    pub programs: BTreeMap<String, ProgramSettings>,
    /// Schedules by name.
    pub schedules: BTreeMap<String, ScheduleConfig>,
    /// Scrapers by name.
    pub scrapers: BTreeMap<String, ScraperSettings>,
    /// What scrapers have fetched and is not stored yet.
    pub outbox: OutboxSettings,
    /// What `weir preprocess` goes by.
    pub preprocess: PreprocessSettings,
    /// Writes served feeds into the posts.
    pub recorder: RecorderSettings,
    /// Keeps what `/rank` decided.
    pub rankings: RankingsSettings,
    /// How actors are restarted.
    pub supervision: SupervisionSettings,
    /// How Weir ends.
    pub shutdown: ShutdownSettings,
    /// What is logged, and how.
    pub log: LogSettings,
}

impl Settings {
    /// The keys in which `edited` differs from these settings and which take effect at a start only.
    pub fn needing_restart(&self, edited: &Self) -> Vec<&'static str> {
        let differs = [
            ("data_dir", self.data_dir != edited.data_dir),
            ("server", self.server != edited.server),
            ("database", self.database != edited.database),
            ("store", self.store != edited.store),
            ("auth", self.auth != edited.auth),
            (
                "ranking.entities_key",
                self.ranking.entities_key != edited.ranking.entities_key,
            ),
            ("jobs", self.jobs != edited.jobs),
            ("outbox", self.outbox != edited.outbox),
            ("recorder", self.recorder != edited.recorder),
            ("rankings", self.rankings != edited.rankings),
            ("supervision", self.supervision != edited.supervision),
            ("shutdown", self.shutdown != edited.shutdown),
            ("log", self.log != edited.log),
        ];
        differs
            .into_iter()
            .filter(|&(_, differs)| differs)
            .map(|(key, _)| key)
            .collect()
    }

    /// Returns the names that expressions may use.
    pub(crate) fn vocabulary(&self) -> Vocabulary {
        Vocabulary::new(&self.scorer_outputs(), &self.columns)
    }

    fn scorer_outputs(&self) -> ScorerOutputs<'_> {
        let scorers = self.scorers.iter();
        scorers
            .map(|(name, scorer)| (name.as_str(), scorer.kind.outputs()))
            .collect()
    }

    pub(super) fn check(&self, check: &mut Check) {
        check.require("data_dir", !self.data_dir.as_os_str().is_empty(), || {
            "must not be empty".to_owned()
        });
        check.under("server", |check| self.server.check(check));
        check.under("database", |check| self.database.check(check));
        check.under("store", |check| self.store.check(check));
        check.under("auth", |check| self.auth.check(check));
        check.under("ranking", |check| {
            self.ranking.check(check);
            let policies = names(&self.policies);
            let policy = self.ranking.policy.as_str();
            check.require("policy", policies.contains(&policy), || {
                format!(
                    "there is no policy {policy}{}",
                    did_you_mean(policy, &policies)
                )
            });
        });
        let policies = names(&self.policies);
        check.each("arms", &self.arms.arms, |check, arm| {
            arm.check(check, &policies);
        });
        self.arms.check(check, &policies);
        let scorers = self.scorer_outputs();
        let vocabulary = self.vocabulary();
        check.under("columns", |check| {
            for error in vocabulary.column_errors() {
                check.report(&error.name, None, None, error.source.to_string());
            }
        });
        check.each("policies", &self.policies, |check, policy| {
            policy.check(check, &scorers, &vocabulary);
        });
        check.under("compat", |check| self.compat.check(check, &scorers));
        check.each("scorers", &self.scorers, |check, scorer| {
            scorer.check(check);
            self.check_program(check, scorer);
        });
        check.under("pools", |check| self.pools.check(check));
        check.under("jobs", |check| self.jobs.check(check));
        check.each("programs", &self.programs, |check, program| {
            program.check(check);
        });
        check.each("schedules", &self.schedules, |check, schedule| {
            schedule.check(check);
        });
        check.each("scrapers", &self.scrapers, |check, scraper| {
            scraper.check(check);
        });
        check.under("outbox", |check| self.outbox.check(check));
        check.under("recorder", |check| self.recorder.check(check));
        check.under("rankings", |check| self.rankings.check(check));
        check.under("supervision", |check| self.supervision.check(check));
        check.under("shutdown", |check| self.shutdown.check(check));
        check.under("log", |check| self.log.check(check));
    }
}

impl Settings {
    /// Checks that the program of a scorer is there and keeps its processes.
    fn check_program(&self, check: &mut Check, scorer: &ScorerConfig) {
        let Some(ProgramUse { program, .. }) = scorer.kind.program_use("") else {
            return;
        };
        let programs = names(&self.programs);
        let found = self.programs.get(&program);
        check.require("program", found.is_some() || program.is_empty(), || {
            let hint = did_you_mean(&program, &programs);
            format!("there is no program {program}{hint}")
        });
        let is_once = found.is_some_and(|found| found.mode == ProgramMode::Once);
        check.require("program", !is_once, || {
            format!("the program {program} has mode = \"once\", which does not score")
        });
    }
}

fn names<T>(tables: &BTreeMap<String, T>) -> Vec<&str> {
    tables.keys().map(String::as_str).collect()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            server: ServerSettings::default(),
            database: DatabaseSettings::default(),
            store: StoreConfig::default(),
            auth: AuthSettings::default(),
            ranking: RankingSettings::default(),
            columns: BTreeMap::new(),
            policies: PolicyConfig::shipped(),
            arms: ArmsConfig::default(),
            scorers: ScorerConfig::shipped(),
            compat: CompatSettings::default(),
            pools: PoolsSettings::default(),
            jobs: JobsSettings::default(),
            programs: BTreeMap::new(),
            schedules: ScheduleConfig::shipped(),
            scrapers: BTreeMap::new(),
            outbox: OutboxSettings::default(),
            preprocess: PreprocessSettings::default(),
            recorder: RecorderSettings::default(),
            rankings: RankingsSettings::default(),
            supervision: SupervisionSettings::default(),
            shutdown: ShutdownSettings::default(),
            log: LogSettings::default(),
        }
    }
}
