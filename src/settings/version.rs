use xxhash_rust::xxh3::xxh3_64;

use super::Settings;

impl Settings {
    /// Names everything in the settings that decides how feeds are ranked: 16 hexadecimal digits, the same for the same
    /// `[ranking]`, `[policies]`, `[arms]` and `[scorers]` in one release of Weir.
    pub fn config_version(&self) -> String {
        let decisive = (&self.ranking, &self.policies, &self.arms, &self.scorers);
        format!("{:016x}", xxh3_64(format!("{decisive:?}").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ranks_gives_another_version() {
        let settings = Settings::default();
        let mut other = settings.clone();
        other.log.filter = "debug".to_owned();
        other.server.max_items += 1;
        assert_eq!(settings.config_version(), other.config_version());
        other.ranking.deadline *= 2;
        assert_ne!(settings.config_version(), other.config_version());
        assert_eq!(other.config_version().len(), 16);
    }
}
