use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::actors::supervision::{ActorRef, ActorSystem};
use crate::actors::{ScorerPool, ServedPool};
use crate::scoring::pool::{PoolConfig, PoolCounters, WorkerPool};
use crate::scoring::{RandomScorer, Scorer, SentimentScorer};
use crate::settings::{ScorerKind, ScorerSettings};

/// The scorer pools by name, brought in line with the settings whenever these change.
#[derive(Default)]
pub(super) struct Pools {
    pools: BTreeMap<String, Pool>,
}

struct Pool {
    settings: ScorerSettings,
    counters: Arc<PoolCounters>,
    workers: Arc<ArcSwap<WorkerPool>>,
    actor: ActorRef<ScorerPool>,
}

impl Pools {
    /// Starts pools that are new, changes those that changed and lets go of those that are gone. A pool that is let go, or
    /// replaced because more than its number of threads changed, finishes what it was given.
    pub(super) fn align(
        &mut self,
        scorers: &BTreeMap<String, ScorerSettings>,
        system: &ActorSystem,
    ) {
        self.pools.retain(|name, _| scorers.contains_key(name));
        for (name, settings) in scorers {
            match self.pools.get_mut(name) {
                Some(pool) => pool.align(name, settings),
                None => drop(
                    self.pools
                        .insert(name.clone(), Pool::start(name, settings, system)),
                ),
            }
        }
    }

    /// The pool of a scorer as a policy uses it.
    pub(super) fn served(&self, scorer: &str) -> Option<ServedPool> {
        let Pool {
            settings,
            workers,
            actor,
            ..
        } = self.pools.get(scorer)?;
        Some(ServedPool {
            workers: Arc::clone(workers),
            actor: actor.clone(),
            time_limit: settings.time_limit(),
        })
    }
}

impl Pool {
    fn start(name: &str, settings: &ScorerSettings, system: &ActorSystem) -> Self {
        let counters = Arc::<PoolCounters>::default();
        let workers = Arc::new(ArcSwap::from_pointee(start_workers(
            name, settings, &counters,
        )));
        let served = Arc::clone(&workers);
        let actor = system.supervise_while_used(
            &format!("scorer_pool.{name}"),
            Arc::clone(&counters) as _,
            move |_, _| ScorerPool::new(Arc::clone(&served)),
        );
        Self {
            settings: settings.clone(),
            counters,
            workers,
            actor,
        }
    }

    fn align(&mut self, name: &str, settings: &ScorerSettings) {
        if !self.settings.works_as(settings) {
            self.workers
                .store(Arc::new(start_workers(name, settings, &self.counters)));
        } else if self.settings.workers != settings.workers {
            self.workers.load().resize(settings.workers);
        }
        self.settings = settings.clone();
    }
}

fn start_workers(
    name: &str,
    settings: &ScorerSettings,
    counters: &Arc<PoolCounters>,
) -> WorkerPool {
    let config = PoolConfig {
        workers: settings.workers,
        queue: settings.queue,
        max_batch: settings.max_batch,
        cache_entries: settings.cache_entries,
    };
    WorkerPool::start(name, scorer(settings), &config, Arc::clone(counters))
}

fn scorer(settings: &ScorerSettings) -> Box<dyn Scorer> {
    match settings.kind {
        ScorerKind::Sentiment => Box::new(SentimentScorer),
        ScorerKind::Random => Box::new(RandomScorer {
            seed: settings.seed,
            sleep: Duration::from_millis(settings.sleep_ms),
            fail_rate: settings.fail_rate,
            panic_rate: settings.panic_rate,
        }),
    }
}
