use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{BuildContext, BuildError, ScorerKind};
use crate::scoring::{CacheKey, ItemScore, Scorer, Subject, Worker};
use weir_feed::ContentItem;
use weir_sentiment::Sentiment;

/// How positive a text is: VADER's compound score, -1 to 1, of the title, a newline and the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SentimentScorer {}

impl ScorerKind for SentimentScorer {
    const NAME: &'static str = "sentiment";

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(*self))
    }
}

impl Scorer for SentimentScorer {
    fn worker(&self) -> Box<dyn Worker> {
        Sentiment::of("warms the lexicon up");
        Box::new(*self)
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        Some(xxh3_128(item.analysed_text().as_bytes()))
    }

    fn score_inline_cached(&self, Subject { item, .. }: Subject<'_>) -> Option<f64> {
        Some(compound(item))
    }
}

impl Worker for SentimentScorer {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        batch
            .iter()
            .map(|Subject { item, .. }| Ok(compound(item).into()))
            .collect()
    }
}

fn compound(item: &ContentItem) -> f64 {
    Sentiment::of(&item.analysed_text()).compound
}
