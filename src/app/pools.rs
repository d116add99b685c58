use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::actors::serving::{
    ScorerHealth, SnapshotFollower, SnapshotFollowerDeps, SnapshotSource,
};
use crate::actors::{ScorerPool, ScorerPoolDeps};
use crate::health::HealthIssues;
use crate::programs::ProgramDirectory;
use crate::scoring::pool::{PoolCounters, PoolHandle, WorkerPool};
use crate::scoring::{LookupTable, Scorer, ScorerBuildError, ScorerConfig, WatchedTable};
use crate::snapshot::Snapshot;
use crate::store::Store;
use weir_supervision::{ActorRef, ActorSystem};

/// The scorer pools by name.
pub(super) struct ScorerPools {
    deps: PoolDeps,
    pools: BTreeMap<String, Pool>,
}

/// Dependencies of every pool.
struct PoolDeps {
    system: ActorSystem,
    store: Store,
    health: HealthIssues,
    programs: ProgramDirectory,
}

struct Pool {
    config: ScorerConfig,
    counters: Arc<PoolCounters>,
    workers: Arc<ArcSwap<WorkerPool>>,
    /// Keeps the actor that watches the threads.
    _watcher: ActorRef<ScorerPool>,
    follower: Option<TableFollower>,
}

/// Keeps the table that a scorer reads up to date for as long as it is held.
type TableFollower = ActorRef<SnapshotFollower<LookupTable>>;

/// Changes that bring the pools in line with new settings: each scorer, built again unless its threads can stay. Applying them
/// cannot fail.
pub(super) struct PoolChanges(Vec<(String, ScorerConfig, Option<BuiltScorer>)>);

struct BuiltScorer {
    scorer: Box<dyn Scorer>,
    table: Snapshot<LookupTable>,
}

impl ScorerPools {
    /// Creates a set without pools.
    pub(super) fn new(
        system: &ActorSystem,
        store: &Store,
        health: &HealthIssues,
        programs: &ProgramDirectory,
    ) -> Self {
        let deps = PoolDeps {
            system: system.clone(),
            store: store.clone(),
            health: health.clone(),
            programs: programs.clone(),
        };
        Self {
            deps,
            pools: BTreeMap::new(),
        }
    }

    /// Builds the scorers that are new or changed.
    pub(super) fn plan(
        &self,
        scorers: &BTreeMap<String, ScorerConfig>,
    ) -> Result<PoolChanges, ScorerBuildError> {
        let plan = |(name, config): (&String, &ScorerConfig)| {
            let pool = self.pools.get(name);
            let built = if pool.is_some_and(|pool| pool.config.can_reuse_workers(config)) {
                None
            } else {
                let table = Snapshot::default();
                let scorer = config.build(name, table.clone(), &self.deps.programs)?;
                Some(BuiltScorer { scorer, table })
            };
            Ok((name.clone(), config.clone(), built))
        };
        let changes: Result<_, _> = scorers.iter().map(plan).collect();
        Ok(PoolChanges(changes?))
    }

    /// Starts pools that are new, changes those that changed and drops those that are gone. A pool that is dropped or replaced
    /// finishes its queued work.
    pub(super) fn apply(&mut self, PoolChanges(changes): PoolChanges) {
        self.pools
            .retain(|name, _| changes.iter().any(|(kept, ..)| kept == name));
        for (name, config, built) in changes {
            match (self.pools.get_mut(&name), built) {
                (Some(pool), None) => pool.rescale(config),
                (Some(pool), Some(built)) if pool.config.has_outputs_of(&config) => {
                    pool.replace(&name, config, built, &self.deps);
                }
                // A request that began with other outputs finishes with the pool that has them.
                (_, Some(built)) => {
                    let pool = Pool::start(&name, config, built, &self.deps);
                    self.pools.insert(name, pool);
                }
                (None, None) => {}
            }
        }
    }

    /// Returns a handle of a scorer's pool for requests with this deadline.
    pub(super) fn handle(&self, scorer: &str, deadline: Duration) -> Option<PoolHandle> {
        self.pools.get(scorer).map(|pool| pool.handle(deadline))
    }

    /// Returns handles of all pools, by name.
    pub(super) fn handles(&self, deadline: Duration) -> BTreeMap<String, PoolHandle> {
        let handle = |(name, pool): (&String, &Pool)| (name.clone(), pool.handle(deadline));
        self.pools.iter().map(handle).collect()
    }
}

impl Pool {
    fn start(name: &str, config: ScorerConfig, built: BuiltScorer, deps: &PoolDeps) -> Self {
        let counters = Arc::<PoolCounters>::default();
        let follower = deps.follow_table(name, &config, &built);
        let workers = WorkerPool::start(name, built.scorer, &config.pool, Arc::clone(&counters));
        let workers = Arc::new(ArcSwap::from_pointee(workers));
        let actor_deps = ScorerPoolDeps {
            scorer: name.to_owned(),
            workers: Arc::clone(&workers),
            health: deps.health.clone(),
        };
        let actor_name = format!("scorer_pool.{name}");
        let watcher = deps
            .system
            .spawn_while_used(&actor_name, Arc::clone(&counters), actor_deps);
        Self {
            config,
            counters,
            workers,
            _watcher: watcher,
            follower,
        }
    }

    fn handle(&self, deadline: Duration) -> PoolHandle {
        PoolHandle::new(Arc::clone(&self.workers), deadline / 2)
    }

    /// Takes over a configuration under which the threads can stay.
    fn rescale(&mut self, config: ScorerConfig) {
        let workers = self.workers.load();
        workers.resize(config.pool.workers);
        workers.set_time_limit(config.pool.time_limit);
        self.config = config;
    }

    /// Takes over a configuration that needs other threads.
    fn replace(&mut self, name: &str, config: ScorerConfig, built: BuiltScorer, deps: &PoolDeps) {
        self.follower = deps.follow_table(name, &config, &built);
        let counters = Arc::clone(&self.counters);
        let workers = WorkerPool::start(name, built.scorer, &config.pool, counters);
        self.workers.store(Arc::new(workers));
        self.config = config;
    }
}

impl PoolDeps {
    fn follow_table(
        &self,
        name: &str,
        config: &ScorerConfig,
        built: &BuiltScorer,
    ) -> Option<TableFollower> {
        let WatchedTable { key, max_entries } = config.kind.watched_table()?;
        let source = SnapshotSource {
            key,
            snapshot: built.table.clone(),
            parse: Box::new(move |stored| Ok(LookupTable::from_json(stored.bytes(), max_entries)?)),
        };
        let deps = SnapshotFollowerDeps {
            store: self.store.clone(),
            sources: [source].into(),
            reports_to: Some(ScorerHealth {
                scorer: name.to_owned(),
                health: self.health.clone(),
            }),
        };
        Some(
            self.system
                .spawn_while_used(&format!("snapshot.lookup.{name}"), Arc::default(), deps),
        )
    }
}
