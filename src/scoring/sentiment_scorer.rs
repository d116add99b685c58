use xxhash_rust::xxh3::Xxh3;

use super::{CacheKey, Scorer, Sentiment, Subject, Unscored, Worker};
use crate::feed::ContentItem;

/// How positive a text is: VADER's compound score, -1 to 1, of the title, a newline and the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct SentimentScorer;

impl Scorer for SentimentScorer {
    fn worker(&self) -> Box<dyn Worker> {
        Sentiment::of("warms the lexicon up");
        Box::new(Self)
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        let mut hash = Xxh3::new();
        if let Some(title) = &item.title {
            hash.update(title.as_bytes());
            hash.update(b"\n");
        }
        hash.update(item.text.as_bytes());
        Some(hash.digest128())
    }

    fn on_the_spot(&self, Subject { item, .. }: Subject<'_>) -> Option<f64> {
        Some(compound(item))
    }
}

impl Worker for SentimentScorer {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<Result<f64, Unscored>> {
        batch
            .iter()
            .map(|Subject { item, .. }| Ok(compound(item)))
            .collect()
    }
}

fn compound(item: &ContentItem) -> f64 {
    Sentiment::of(&item.analysed_text()).compound
}
