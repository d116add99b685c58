use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::StartupError;
use crate::actors::supervision::{ActorRef, ActorSystem};
use crate::actors::{
    Board, EntityBoard, EntityBoardCounters, Ranker, RankerCounters, Rankers, ScorerPool,
    ServedPolicy, ServedPool, Serving,
};
use crate::ranking::{Matching, Policy, Term};
use crate::results::Results;
use crate::scoring::pool::{PoolConfig, WorkerPool};
use crate::scoring::{RandomScorer, Scorer, SentimentScorer};
use crate::settings::{
    EntityMatch, Metadata, PolicySettings, ScorerKind, ScorerSettings, Settings,
};

/// Starts everything that `/rank` serves by: the board, the scorer pools and the rankers.
///
/// `settings` are checked: the policy in force exists, and so does every scorer that a policy weighs.
pub(super) fn start(
    settings: &Settings,
    results: &Results,
    system: &ActorSystem,
) -> Result<Serving, StartupError> {
    let board = Board::default();
    start_entity_board(settings, results, &board, system);
    let pools = settings
        .scorers
        .iter()
        .map(|(name, scorer)| (name.as_str(), start_pool(name, scorer, system)));
    let pools: BTreeMap<&str, ActorRef<ScorerPool>> = pools.collect();
    let serve = |(name, policy): (&String, &PolicySettings)| {
        (
            name.clone(),
            Arc::new(served_policy(name, policy, &settings.scorers, &pools)),
        )
    };
    let policies: BTreeMap<String, Arc<ServedPolicy>> =
        settings.policies.iter().map(serve).collect();
    let in_force = &settings.ranking.policy;
    let policy = policies
        .get(in_force)
        .ok_or_else(|| StartupError::Policy(in_force.clone()))?;
    Ok(Serving {
        policy: Arc::clone(policy),
        policies,
        deadline: settings.ranking.deadline(),
        minimal_metadata: settings.ranking.metadata == Metadata::Minimal,
        rankers: start_rankers(settings, &board, system),
    })
}

fn start_entity_board(settings: &Settings, results: &Results, board: &Board, system: &ActorSystem) {
    let counters = Arc::<EntityBoardCounters>::default();
    let shown = Arc::clone(&counters);
    let (results, key, board) = (
        results.clone(),
        settings.ranking.entities_key.clone(),
        board.clone(),
    );
    system.supervise("entity_board", shown, move |_, incarnation| {
        EntityBoard::new(
            results.clone(),
            key.clone(),
            board.clone(),
            incarnation,
            Arc::clone(&counters),
        )
    });
}

fn start_pool(name: &str, settings: &ScorerSettings, system: &ActorSystem) -> ActorRef<ScorerPool> {
    let config = PoolConfig {
        workers: settings.workers,
        queue: settings.queue,
        max_batch: settings.max_batch,
        cache_entries: settings.cache_entries,
    };
    let workers = Arc::new(WorkerPool::start(name, scorer(settings), &config));
    system.supervise(
        &format!("scorer_pool.{name}"),
        workers.counters(),
        move |_, _| ScorerPool::new(Arc::clone(&workers)),
    )
}

fn scorer(settings: &ScorerSettings) -> Box<dyn Scorer> {
    match settings.kind {
        ScorerKind::Sentiment => Box::new(SentimentScorer),
        ScorerKind::Random => Box::new(RandomScorer {
            seed: settings.seed,
            sleep: std::time::Duration::from_millis(settings.sleep_ms),
            fail_rate: settings.fail_rate,
            panic_rate: settings.panic_rate,
        }),
    }
}

fn served_policy(
    name: &str,
    settings: &PolicySettings,
    scorers: &BTreeMap<String, ScorerSettings>,
    pools: &BTreeMap<&str, ActorRef<ScorerPool>>,
) -> ServedPolicy {
    let weighed = settings
        .weights
        .iter()
        .filter(|&(_, &weight)| weight != 0.0);
    let used = weighed.filter_map(|(scorer, &weight)| {
        let (pool, settings) = (pools.get(scorer.as_str())?, scorers.get(scorer)?);
        let term = Term {
            scorer: scorer.clone(),
            weight,
            default: settings.default,
        };
        Some((
            term,
            ServedPool {
                actor: pool.clone(),
                time_limit: settings.time_limit(),
            },
        ))
    });
    let (terms, pools) = used.unzip();
    let matching = match settings.entity_match {
        EntityMatch::Word => Matching::Word,
        EntityMatch::Substring => Matching::Substring,
    };
    let policy = Policy {
        name: name.to_owned(),
        entity_weight: settings.entity_weight,
        matching,
        terms,
    };
    ServedPolicy { policy, pools }
}

fn start_rankers(settings: &Settings, board: &Board, system: &ActorSystem) -> Rankers {
    let max_entity_age =
        TimeDelta::from_std(settings.ranking.max_entity_age).unwrap_or(TimeDelta::MAX);
    let start = |nth: usize| {
        let counters = Arc::<RankerCounters>::default();
        let (shown, board) = (Arc::clone(&counters), board.clone());
        system.supervise(&format!("ranker.{nth}"), shown, move |_, _| {
            Ranker::new(board.clone(), max_entity_age, Arc::clone(&counters))
        })
    };
    Rankers::new((1..=settings.pools.ranker.instances).map(start).collect())
}
