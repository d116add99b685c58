use super::Settings;

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
}
