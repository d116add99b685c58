//! Kinds of scorers, one file each: configuration, validation, construction and behaviour.

mod engagement;
mod http;
mod kind;
mod lexicon;
mod lookup;
mod random;
mod recency;
mod sentiment;

pub use self::engagement::EngagementConfig;
pub use self::http::{HttpConfig, HttpOptions, HttpScorer};
pub(super) use self::kind::read;
pub use self::kind::{BuildContext, BuildError, KindConfig, ScorerKind, WatchedTable};
pub use self::lexicon::LexiconConfig;
pub use self::lookup::{LookupConfig, LookupTable, LookupTableError};
pub use self::random::RandomScorer;
pub use self::recency::RecencyConfig;
pub use self::sentiment::SentimentScorer;

use self::kind::Kind;

/// The kinds, in the order in which messages list them.
const KINDS: &[Kind] = &[
    Kind::of::<SentimentScorer>(),
    Kind::of::<RandomScorer>(),
    Kind::of::<EngagementConfig>(),
    Kind::of::<RecencyConfig>(),
    Kind::of::<LookupConfig>(),
    Kind::of::<LexiconConfig>(),
    Kind::of::<HttpConfig>(),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A feed of one post.
    pub(super) fn feed() -> weir_feed::RankRequest {
        use rand::SeedableRng;

        weir_lab::FakeFeed {
            posts: 1,
            comments: 0,
            platform: weir_feed::Platform::Twitter,
            now: chrono::Utc::now(),
        }
        .request(&mut rand_chacha::ChaCha8Rng::seed_from_u64(5))
    }

    #[test]
    fn the_manual_names_every_key_of_every_kind() {
        let root = env!("CARGO_MANIFEST_DIR");
        let manual = std::fs::read_to_string(format!("{root}/docs/configuration.md")).unwrap();
        for kind in KINDS {
            for (key, _) in (kind.default)().to_keys() {
                assert!(
                    manual.contains(&format!("`{key}`")),
                    "{key} of the kind {}",
                    kind.name
                );
            }
        }
    }
}
