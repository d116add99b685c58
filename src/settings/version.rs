use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Settings;
use crate::scoring::ProgramUse;

/// Keys that do not change how feeds are ranked: how much an answer tells, the version of the assignment of users, and when and
/// on how many threads a scorer runs. `*` stands for any name.
const NOT_RANKING: [&str; 12] = [
    "ranking.metadata",
    "arms.version",
    "policies.*.enabled",
    "scorers.*.enabled",
    "scorers.*.workers",
    "scorers.*.queue",
    "scorers.*.max_batch",
    "scorers.*.max_delay",
    "scorers.*.max_abandoned",
    "scorers.*.breaker",
    "scorers.*.cache_entries",
    "scorers.*.cache_ttl",
];

impl Settings {
    /// Returns the name of the settings that rank: SHA-256, in hexadecimal, over the JSON of `[ranking]`, `[columns]`, `[policies]`,
    /// `[arms]` and `[scorers]` with defaults filled in, and of what the programs run that score, keys sorted and without those of
    /// `NOT_RANKING`. The code of a program is no setting: its version is in its announcement.
    pub fn config_version(&self) -> String {
        let mut ranking = json!({
            "ranking": self.ranking,
            "policies": self.policies,
            "arms": self.arms,
            "scorers": self.scorers,
        });
        if !self.columns.is_empty() {
            ranking["columns"] = json!(self.columns);
        }
        let programs = self.scoring_programs();
        if !programs.is_empty() {
            ranking["programs"] = json!(programs);
        }
        for key in NOT_RANKING {
            remove(&mut ranking, key);
        }
        ranking.sort_all_objects();
        format!("{:x}", Sha256::digest(ranking.to_string()))
    }

    /// Returns what each program runs that a scorer uses.
    fn scoring_programs(&self) -> BTreeMap<String, Value> {
        let used = self.scorers.iter();
        let used = used.filter_map(|(name, scorer)| scorer.kind.program_use(name));
        let command = |used: ProgramUse| {
            let program = self.programs.get(&used.program)?;
            let command = json!({
                "python": program.python,
                "module": program.module,
                "argv": program.argv,
                "venv": program.venv,
                "working_dir": program.working_dir,
            });
            Some((used.program, command))
        };
        used.filter_map(command).collect()
    }
}

fn remove(tree: &mut Value, key: &str) {
    let Some(table) = tree.as_object_mut() else {
        return;
    };
    match key.split_once('.') {
        None => drop(table.remove(key)),
        Some(("*", below)) => table.values_mut().for_each(|inner| remove(inner, below)),
        Some((name, below)) => table
            .get_mut(name)
            .into_iter()
            .for_each(|inner| remove(inner, below)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::loading::tests::load;

    /// The version of the defaults. It changes when a default or the name of a key that ranks does, never with the name of a Rust
    /// type; then rankings before and after bear different versions although nobody edited a file, which the change log says.
    const OF_DEFAULTS: &str = "9917f5c8e155cbeec42c9618c650965f80833a2a19db3142cffd0d510e6d258b";

    fn version(toml: &str) -> String {
        load(toml, &[]).unwrap().config_version()
    }

    #[test]
    fn the_defaults_have_the_version_that_they_had() {
        assert_eq!(Settings::default().config_version(), OF_DEFAULTS);
        assert_eq!(version(""), OF_DEFAULTS);
    }

    #[test]
    fn a_key_that_ranks_gives_another_version() {
        for toml in [
            "ranking.policy = \"calm\"",
            "ranking.deadline = \"301ms\"",
            "ranking.max_entity_age = \"2h\"",
            "policies.calm.entity_weight = 2.0",
            "policies.calm.weights.sentiment = 0.6",
            "policies.calm.author_decay.factor = 0.9",
            "policies.calm.keep_threads = true",
            "policies.calm.remove = 'sentiment < 0'",
            "policies.calm.rerank_only = 'sentiment < 0'",
            "policies.calm.order = ['sentiment desc']",
            "columns.mood = 'sentiment + 1'",
            "policies.calm.insert = { max = 1, every = 5 }",
            "policies.mine.entity_weight = 1.0",
            "policies.calm.enabled = false",
            "arms.salt = \"autumn\"",
            "arms.a = { share = 0.1, policy = \"off\" }",
            "scorers.sentiment.default = 0.1",
            "scorers.sentiment.scale.factor = 2.0",
            "scorers.sentiment.unscored = \"keep_position\"",
            "scorers.sentiment.time_limit = \"100ms\"",
            "scorers.fresh = { kind = \"recency\", recency = { half_life = \"1h\" } }",
        ] {
            assert_ne!(version(toml), OF_DEFAULTS, "{toml}");
        }
    }

    #[test]
    fn what_a_program_that_scores_runs_gives_another_version() {
        let version = |program: &str| {
            version(&format!(
                "scorers.mine = {{ kind = \"program\", program = \"mine\" }}\nprograms.mine = {{ {program} }}"
            ))
        };
        let one = version("python = 'a.py'");
        assert_ne!(version("python = 'b.py'"), one);
        assert_ne!(version("argv = ['a.py']"), one);
        assert_eq!(version("python = 'a.py', workers = 7"), one);
    }

    #[test]
    fn a_key_that_does_not_rank_leaves_the_version() {
        for toml in [
            "log.filter = \"debug\"",
            "server.max_items = 7",
            "ranking.metadata = \"minimal\"",
            "arms.version = 2",
            "scorers.sentiment.workers = 9",
            "scorers.sentiment.queue = 9",
            "scorers.sentiment.cache_ttl = \"1m\"",
            "scorers.sentiment.breaker.failures = 3",
            "ranking.deadline_ms = 300",
        ] {
            assert_eq!(version(toml), OF_DEFAULTS, "{toml}");
        }
    }
}
