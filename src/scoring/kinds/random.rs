use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::{BuildContext, BuildError, ScorerKind};
use crate::scoring::pool::PoolConfig;
use crate::scoring::{CacheKey, ItemScore, ScoreError, Scorer, Subject, Worker};
use crate::settings::{Check, text};

/// Score in -1..1 drawn from the seed and the item's id, with faults on demand: a control arm, and a drill.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomScorer {
    /// Gives other scores to the same ids.
    pub seed: u64,
    /// Duration of each batch.
    #[serde(with = "text::duration")]
    pub sleep: Duration,
    /// Share of items that fail, 0 to 1.
    pub fail_rate: f64,
    /// Share of batches that panic, 0 to 1.
    pub panic_rate: f64,
}

impl ScorerKind for RandomScorer {
    const NAME: &'static str = "random";

    fn validate(&self, check: &mut Check, _: &PoolConfig) {
        check.within("fail_rate", self.fail_rate, 0.0..=1.0);
        check.within("panic_rate", self.panic_rate, 0.0..=1.0);
    }

    fn build(&self, _: &BuildContext) -> Result<Box<dyn Scorer>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl Scorer for RandomScorer {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(RandomWorker {
            scorer: self.clone(),
            faults: SmallRng::seed_from_u64(self.seed),
        })
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        // A score from memory would neither sleep nor fail.
        let drill = !self.sleep.is_zero() || self.fail_rate > 0.0 || self.panic_rate > 0.0;
        (!drill).then(|| xxh3_128_with_seed(item.id.as_bytes(), self.seed))
    }
}

struct RandomWorker {
    scorer: RandomScorer,
    faults: SmallRng,
}

impl Worker for RandomWorker {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        std::thread::sleep(self.scorer.sleep);
        assert!(
            !self.hit(self.scorer.panic_rate),
            "the random scorer panics as configured"
        );
        batch
            .iter()
            .map(|subject| self.draw(&subject.item.id))
            .collect()
    }
}

impl RandomWorker {
    fn hit(&mut self, rate: f64) -> bool {
        rate > 0.0 && self.faults.random::<f64>() < rate
    }

    fn draw(&mut self, id: &str) -> ItemScore {
        if self.hit(self.scorer.fail_rate) {
            return Err(ScoreError::Error);
        }
        let mut rng = SmallRng::seed_from_u64(xxh3_64_with_seed(id.as_bytes(), self.scorer.seed));
        Ok(rng.random_range(-1.0..1.0).into())
    }
}
