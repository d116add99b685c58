use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::scorers::{NamedScorerError, scorer};
use crate::actors::ScorerPool;
use crate::actors::serving::{
    ScorerHealth, SnapshotCounters, SnapshotFollower, SnapshotFollowerDeps, SnapshotSource,
};
use crate::health::HealthIssues;
use crate::scoring::LookupTable;
use crate::scoring::pool::{BreakerConfig, PoolConfig, PoolCounters, WorkerPool};
use crate::serving::PoolHandle;
use crate::settings::{ScorerKind, ScorerSettings};
use crate::snapshot::Snapshot;
use crate::store::Store;
use weir_supervision::{ActorRef, ActorSystem};

/// The scorer pools by name, brought in line with the settings whenever these change.
pub(super) struct Pools {
    surroundings: Surroundings,
    pools: BTreeMap<String, Pool>,
}

/// What a pool is started in.
struct Surroundings {
    system: ActorSystem,
    store: Store,
    health: HealthIssues,
}

struct Pool {
    settings: ScorerSettings,
    counters: Arc<PoolCounters>,
    workers: Arc<ArcSwap<WorkerPool>>,
    actor: ActorRef<ScorerPool>,
    follower: Option<TableFollower>,
}

/// Keeps the table of a lookup up to date for as long as it is held.
type TableFollower = ActorRef<SnapshotFollower<LookupTable>>;

impl Pools {
    /// None yet.
    pub(super) fn new(system: &ActorSystem, store: &Store, health: &HealthIssues) -> Self {
        let surroundings = Surroundings {
            system: system.clone(),
            store: store.clone(),
            health: health.clone(),
        };
        Self {
            surroundings,
            pools: BTreeMap::new(),
        }
    }

    /// Starts pools that are new, changes those that changed and lets go of those that are gone. A pool that is let go, or
    /// replaced because more than its number of threads changed, finishes what it was given.
    pub(super) fn align(
        &mut self,
        scorers: &BTreeMap<String, ScorerSettings>,
    ) -> Result<(), NamedScorerError> {
        self.pools.retain(|name, _| scorers.contains_key(name));
        for (name, settings) in scorers {
            match self.pools.get_mut(name) {
                Some(pool) if pool.settings.works_as(settings) => pool.adjust(settings),
                Some(pool) => pool.replace(name, settings, &self.surroundings)?,
                None => {
                    let pool = Pool::start(name, settings, &self.surroundings)?;
                    self.pools.insert(name.clone(), pool);
                }
            }
        }
        Ok(())
    }

    /// The pool of a scorer as a policy uses it, for requests that have until `deadline`.
    pub(super) fn served(&self, scorer: &str, deadline: Duration) -> Option<PoolHandle> {
        self.pools.get(scorer).map(|pool| pool.served(deadline))
    }

    /// All of them, by name.
    pub(super) fn all_served(&self, deadline: Duration) -> BTreeMap<String, PoolHandle> {
        let served = |(name, pool): (&String, &Pool)| (name.clone(), pool.served(deadline));
        self.pools.iter().map(served).collect()
    }
}

impl Pool {
    fn start(
        name: &str,
        settings: &ScorerSettings,
        surroundings: &Surroundings,
    ) -> Result<Self, NamedScorerError> {
        let counters = Arc::<PoolCounters>::default();
        let (workers, follower) = surroundings.start_workers(name, settings, &counters)?;
        let workers = Arc::new(ArcSwap::from_pointee(workers));
        let served = Arc::clone(&workers);
        let (scorer, health) = (name.to_owned(), surroundings.health.clone());
        let actor = surroundings.system.supervise_while_used(
            &format!("scorer_pool.{name}"),
            Arc::clone(&counters) as _,
            move |_, _| ScorerPool::new(&scorer, Arc::clone(&served), health.clone()),
        );
        Ok(Self {
            settings: settings.clone(),
            counters,
            workers,
            actor,
            follower,
        })
    }

    fn served(&self, deadline: Duration) -> PoolHandle {
        PoolHandle {
            workers: Arc::clone(&self.workers),
            actor: self.actor.clone(),
            time_limit: self.settings.time_limit(),
            patience: deadline / 2,
        }
    }

    /// For settings under which the same threads can go on.
    fn adjust(&mut self, settings: &ScorerSettings) {
        let workers = self.workers.load();
        if self.settings.workers != settings.workers {
            workers.resize(settings.workers);
        }
        workers.set_time_limit(settings.time_limit());
        self.settings = settings.clone();
    }

    /// With other threads.
    fn replace(
        &mut self,
        name: &str,
        settings: &ScorerSettings,
        surroundings: &Surroundings,
    ) -> Result<(), NamedScorerError> {
        let (workers, follower) = surroundings.start_workers(name, settings, &self.counters)?;
        self.workers.store(Arc::new(workers));
        self.follower = follower;
        self.settings = settings.clone();
        Ok(())
    }
}

impl Surroundings {
    fn start_workers(
        &self,
        name: &str,
        settings: &ScorerSettings,
        counters: &Arc<PoolCounters>,
    ) -> Result<(WorkerPool, Option<TableFollower>), NamedScorerError> {
        let table = Snapshot::default();
        let scorer = scorer(settings, table.clone()).map_err(|source| NamedScorerError {
            name: name.to_owned(),
            source,
        })?;
        let follower =
            (settings.kind == ScorerKind::Lookup).then(|| self.follow_table(name, settings, table));
        let pool = WorkerPool::start(name, scorer, &config(settings), Arc::clone(counters));
        Ok((pool, follower))
    }

    fn follow_table(
        &self,
        name: &str,
        settings: &ScorerSettings,
        table: Snapshot<LookupTable>,
    ) -> TableFollower {
        let max_entries = settings.lookup.max_entries;
        let source = SnapshotSource {
            key: settings.lookup.key.clone(),
            snapshot: table,
            parse: Box::new(move |stored| Ok(LookupTable::from_json(stored.bytes(), max_entries)?)),
        };
        let counters = Arc::<SnapshotCounters>::default();
        let deps = SnapshotFollowerDeps {
            store: self.store.clone(),
            sources: [source].into(),
            reports_to: Some(ScorerHealth {
                scorer: name.to_owned(),
                health: self.health.clone(),
            }),
            counters: Arc::clone(&counters),
        };
        self.system.supervise_while_used(
            &format!("snapshot.lookup.{name}"),
            counters,
            move |_, incarnation| SnapshotFollower::new(deps.clone(), incarnation),
        )
    }
}

fn config(settings: &ScorerSettings) -> PoolConfig {
    PoolConfig {
        workers: settings.workers,
        queue: settings.queue,
        max_batch: settings.max_batch,
        max_delay: Duration::from_millis(settings.max_delay_ms),
        time_limit: settings.time_limit(),
        max_abandoned: settings.max_abandoned,
        cache_entries: settings.cache_entries,
        cache_ttl: settings.cache_ttl,
        breaker: BreakerConfig {
            failures: settings.breaker.failures,
            pause: settings.breaker.pause,
        },
    }
}
