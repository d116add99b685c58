use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{TimeDelta, Utc};

use super::StartupError;
use super::arms::arms;
use super::pools::ScorerPools;
use super::reload::{Change, Reconcile};
use super::runtime::Runtime;
use super::stores::Stores;
use crate::actors::serving::{
    Ranker, RankerCounters, Rankers, SnapshotCounters, SnapshotFollower, SnapshotFollowerDeps,
    SnapshotSource,
};
use crate::health::HealthIssues;
use crate::jobs::CANDIDATES_KEY;
use crate::ranking::{Candidates, EntityMatch, TopEntitySet};
use crate::scoring::ScorerConfig;
use crate::serving::policy::{Policy, ScorerTerm};
use crate::serving::stages::diversity::AuthorDecay;
use crate::serving::stages::insertion::{CandidatesByPlatform, InsertionPolicy, InsertionStage};
use crate::serving::stages::removal::RemovalRule;
use crate::serving::{
    ActiveArms, ActivePolicy, AssignmentCounts, Pipeline, ServingConfig, SideEffects,
};
use crate::settings::{
    self, ArmsSettings, AuthorDecaySettings, InsertSettings, Metadata, PolicySettings, Settings,
    UNTREATED,
};
use crate::snapshot::{Snapshot, SnapshotValue};
use crate::store::Store;
use weir_feed::Platform;
use weir_supervision::{ActorRef, ActorSystem};

/// Everything that `/rank` serves by, brought in line with the settings whenever these change.
pub(super) struct ServingReconciler {
    system: ActorSystem,
    pipeline: Arc<Pipeline>,
    store: Store,
    candidates: Option<CandidatesByPlatform>,
    pools: ScorerPools,
    rankers: Vec<ActorRef<Ranker>>,
    arms: ArmsSettings,
    arm_counts: Arc<AssignmentCounts>,
}

impl ServingReconciler {
    /// Starts the follower of the top entities, which follows one key for as long as Weir runs.
    pub(super) fn start(
        settings: &Settings,
        store: &Store,
        health: &HealthIssues,
        side_effects: SideEffects,
        system: &ActorSystem,
    ) -> Self {
        let entities = Snapshot::default();
        follow_entities(&settings.ranking.entities_key, store, &entities, system);
        Self {
            system: system.clone(),
            pipeline: Arc::new(Pipeline::new(
                entities,
                store.unavailable_since(),
                side_effects,
            )),
            store: store.clone(),
            candidates: None,
            pools: ScorerPools::new(system, store, health),
            rankers: Vec::new(),
            arms: settings.arms.clone(),
            arm_counts: Arc::default(),
        }
    }

    /// What to serve by under `settings`. What was served by before goes on for the requests that began with it; what
    /// nobody uses any more ends by itself.
    ///
    /// Checked settings cannot fail: the policy in force exists.
    pub(super) fn serve(&mut self, settings: &Settings) -> Result<ServingConfig, StartupError> {
        let changes = self.pools.plan(&settings.scorers)?;
        self.pools.apply(changes);
        self.align_candidates(settings);
        self.align_rankers(settings.pools.ranker.instances);
        let serve = |(name, policy): (&String, &PolicySettings)| {
            (
                name.clone(),
                Arc::new(self.active_policy(name, policy, settings)),
            )
        };
        let policies: BTreeMap<String, Arc<ActivePolicy>> =
            settings.policies.iter().map(serve).collect();
        let in_force = &settings.ranking.policy;
        let policy = policies
            .get(in_force)
            .ok_or_else(|| StartupError::Policy(in_force.clone()))?;
        let arms = self.active_arms(settings, &policies);
        Ok(ServingConfig {
            policy: Arc::clone(policy),
            policies,
            scorers: self.pools.handles(settings.ranking.deadline),
            arms,
            deadline: settings.ranking.deadline,
            minimal_metadata: settings.ranking.metadata == Metadata::Minimal,
            config_version: settings.config_version().into(),
            rankers: Rankers::new(self.rankers.clone(), Arc::clone(&self.pipeline)),
        })
    }

    /// Requests are counted from zero once the arms have changed.
    fn active_arms(
        &mut self,
        settings: &Settings,
        policies: &BTreeMap<String, Arc<ActivePolicy>>,
    ) -> ActiveArms {
        if self.arms != settings.arms {
            self.arms = settings.arms.clone();
            self.arm_counts = Arc::default();
        }
        let named = Some(&settings.arms.otherwise)
            .filter(|name| *name != UNTREATED)
            .and_then(|name| policies.get(name));
        ActiveArms {
            arms: arms(&settings.arms),
            otherwise: named
                .cloned()
                .unwrap_or_else(|| Arc::new(ActivePolicy::incoming_order(UNTREATED))),
            counts: Arc::clone(&self.arm_counts),
        }
    }

    /// Candidates are followed from the first policy on that inserts any.
    fn align_candidates(&mut self, settings: &Settings) {
        let wanted = settings.policies.values().any(|it| it.insert.max > 0);
        if wanted && self.candidates.is_none() {
            self.candidates = Some(follow_candidates(&self.store, &self.system));
        }
    }

    fn insertion_stage(&self, settings: &InsertSettings) -> Option<InsertionStage> {
        let candidates = self.candidates.clone().filter(|_| settings.max > 0)?;
        Some(InsertionStage {
            policy: InsertionPolicy {
                max: settings.max,
                every: settings.every,
                positions: settings.positions.clone(),
                once_per: settings.once_per,
                max_age: settings.max_age,
            },
            candidates,
            store: self.store.clone(),
        })
    }

    fn align_rankers(&mut self, instances: usize) {
        self.rankers.truncate(instances);
        for nth in self.rankers.len() + 1..=instances {
            let counters = Arc::<RankerCounters>::default();
            let (shown, pipeline) = (Arc::clone(&counters), Arc::clone(&self.pipeline));
            self.rankers.push(self.system.supervise_while_used(
                &format!("ranker.{nth}"),
                shown,
                move |_, _| Ranker::new(Arc::clone(&pipeline), Arc::clone(&counters)),
            ));
        }
    }

    fn active_policy(
        &self,
        name: &str,
        policy: &PolicySettings,
        settings: &Settings,
    ) -> ActivePolicy {
        let named: BTreeSet<&String> = policy.weights.keys().chain(policy.exclude.keys()).collect();
        let used = named.into_iter().filter_map(|scorer| {
            let term = term(scorer, policy, settings.scorers.get(scorer)?);
            Some((self.pools.handle(scorer, settings.ranking.deadline)?, term))
                .filter(|(_, term)| term.matters())
        });
        let insertion = self.insertion_stage(&policy.insert);
        let (pools, terms) = used.unzip();
        let AuthorDecaySettings { factor, floor } = policy.author_decay;
        let policy = Policy {
            name: name.to_owned(),
            entity_weight: policy.entity_weight,
            entity_match: match policy.entity_match {
                settings::EntityMatch::Word => EntityMatch::Word,
                settings::EntityMatch::Substring => EntityMatch::Substring,
            },
            terms,
            author_decay: AuthorDecay { factor, floor },
            keep_threads: policy.keep_threads,
        };
        let max_entity_age =
            TimeDelta::from_std(settings.ranking.max_entity_age).unwrap_or(TimeDelta::MAX);
        ActivePolicy {
            insertion,
            ..ActivePolicy::new(policy, pools, max_entity_age)
        }
    }
}

fn follow_candidates(store: &Store, system: &ActorSystem) -> CandidatesByPlatform {
    let snapshots: BTreeMap<Platform, Snapshot<Candidates>> = Platform::ALL
        .iter()
        .map(|&platform| (platform, Snapshot::default()))
        .collect();
    let source = |(platform, snapshot): (&Platform, &Snapshot<Candidates>)| SnapshotSource {
        key: format!("{CANDIDATES_KEY}{}", platform.as_str()),
        snapshot: snapshot.clone(),
        parse: Box::new(|stored| Ok(stored.json::<Candidates>()?)),
    };
    let sources = snapshots.iter().map(source).collect();
    follow("snapshot.candidates", sources, store, system);
    Arc::new(snapshots)
}

fn follow_entities(
    key: &str,
    store: &Store,
    entities: &Snapshot<TopEntitySet>,
    system: &ActorSystem,
) {
    let source = SnapshotSource {
        key: key.to_owned(),
        snapshot: entities.clone(),
        parse: Box::new(|stored| {
            let written_at = stored.written_at().unwrap_or_else(Utc::now);
            Ok(TopEntitySet::from_json(stored.bytes(), written_at)?)
        }),
    };
    follow("snapshot.entities", [source].into(), store, system);
}

fn follow<T: SnapshotValue>(
    name: &str,
    sources: Arc<[SnapshotSource<T>]>,
    store: &Store,
    system: &ActorSystem,
) {
    let counters = Arc::<SnapshotCounters>::default();
    let deps = SnapshotFollowerDeps {
        store: store.clone(),
        sources,
        reports_to: None,
        counters: Arc::clone(&counters),
    };
    system.supervise(name, counters, move |_, incarnation| {
        SnapshotFollower::new(deps.clone(), incarnation)
    });
}

/// Returns a scorer's part in a policy.
fn term(scorer: &str, policy: &PolicySettings, config: &ScorerConfig) -> ScorerTerm {
    let bounds = policy.exclude.get(scorer).copied().unwrap_or_default();
    ScorerTerm {
        scorer: scorer.to_owned(),
        weight: policy.weights.get(scorer).copied().unwrap_or_default(),
        scale: config.scores.scale,
        missing: config.scores.unscored,
        default: config.scores.default,
        removal: RemovalRule {
            below: bounds.below,
            above: bounds.above,
        },
    }
}

/// Starts the serving path, and returns the configuration that requests read.
pub(super) fn start(
    settings: &Settings,
    stores: &Stores,
    side_effects: &SideEffects,
    runtime: &Runtime,
) -> Result<(ServingPart, Arc<ArcSwap<ServingConfig>>), StartupError> {
    let mut reconciler = ServingReconciler::start(
        settings,
        &stores.store,
        &stores.health,
        side_effects.clone(),
        &runtime.system,
    );
    let config = Arc::new(ArcSwap::from_pointee(reconciler.serve(settings)?));
    let part = ServingPart {
        reconciler,
        config: Arc::clone(&config),
    };
    Ok((part, config))
}

/// The serving path as a part that follows the settings.
pub(super) struct ServingPart {
    reconciler: ServingReconciler,
    config: Arc<ArcSwap<ServingConfig>>,
}

impl Reconcile for ServingPart {
    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError> {
        let config = self.reconciler.serve(settings)?;
        Ok(Box::new(|| self.config.store(Arc::new(config))))
    }
}
