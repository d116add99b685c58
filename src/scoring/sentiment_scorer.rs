use xxhash_rust::xxh3::xxh3_128;

use weir_sentiment::Sentiment;

use super::{CacheKey, ScoreError, Scorer, Subject, Worker};
use weir_feed::ContentItem;

/// How positive a text is: VADER's compound score, -1 to 1, of the title, a newline and the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct SentimentScorer;

impl Scorer for SentimentScorer {
    fn worker(&self) -> Box<dyn Worker> {
        Sentiment::of("warms the lexicon up");
        Box::new(Self)
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        Some(xxh3_128(item.analysed_text().as_bytes()))
    }

    fn on_the_spot(&self, Subject { item, .. }: Subject<'_>) -> Option<f64> {
        Some(compound(item))
    }
}

impl Worker for SentimentScorer {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<Result<f64, ScoreError>> {
        batch
            .iter()
            .map(|Subject { item, .. }| Ok(compound(item)))
            .collect()
    }
}

fn compound(item: &ContentItem) -> f64 {
    Sentiment::of(&item.analysed_text()).compound
}
