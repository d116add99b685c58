use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{TimeDelta, Utc};

use super::StartupError;
use super::pools::{PoolChanges, ScorerPools};
use super::reload::{Change, Reconcile};
use super::runtime::Runtime;
use super::stores::Stores;
use crate::actors::serving::{
    Ranker, Rankers, SnapshotFollower, SnapshotFollowerDeps, SnapshotSource,
};
use crate::jobs::candidates_key;
use crate::programs::ProgramDirectory;
use crate::ranking::{
    Arms, ArmsConfig, Candidates, INCOMING_ORDER, Policy, PolicyConfig, PolicyExpressions,
    ScorerOutput, ScorerTerm, TopEntitySet, split,
};
use crate::scoring::ScorerConfig;
use crate::scoring::pool::PoolHandle;
use crate::serving::stages::insertion::{CandidatesByPlatform, InsertionStage};
use crate::serving::{
    ActiveArms, ActivePolicy, AssignmentCounts, AssignmentHistory, ColumnSource,
    PerspectiveAttributes, Pipeline, ServingConfig, SideEffects,
};
use crate::settings::{Metadata, Settings};
use crate::snapshot::{Snapshot, SnapshotValue};
use crate::store::Store;
use weir_feed::Platform;
use weir_supervision::{ActorRef, ActorSystem};

/// Starts the serving path, and returns the configuration that requests read.
pub(super) fn start(
    settings: &Settings,
    stores: &Stores,
    side_effects: &SideEffects,
    programs: &ProgramDirectory,
    runtime: &Runtime,
) -> Result<(ServingReconciler, Arc<ArcSwap<ServingConfig>>), StartupError> {
    let (store, system) = (&stores.store, &runtime.system);
    let entities = Snapshot::default();
    follow_entities(&settings.ranking.entities_key, store, &entities, system);
    let outage = store.unavailable_since();
    let mut parts = ServingParts {
        system: system.clone(),
        store: store.clone(),
        pipeline: Arc::new(Pipeline::new(entities, outage, side_effects.clone())),
        candidates: BTreeMap::new(),
        pools: ScorerPools::new(system, store, &stores.health, programs),
        rankers: Vec::new(),
        arms: settings.arms.clone(),
        assignment_counts: Arc::default(),
    };
    let plan = parts.plan(settings)?;
    let config = Arc::new(ArcSwap::from_pointee(parts.apply(settings, plan)));
    let reconciler = ServingReconciler {
        parts,
        config: Arc::clone(&config),
    };
    Ok((reconciler, config))
}

/// Brings everything that `/rank` and `/score` serve by in line with the settings.
pub(super) struct ServingReconciler {
    parts: ServingParts,
    config: Arc<ArcSwap<ServingConfig>>,
}

impl Reconcile for ServingReconciler {
    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError> {
        let plan = self.parts.plan(settings)?;
        let settings = settings.clone();
        Ok(Box::new(move || {
            let config = self.parts.apply(&settings, plan);
            self.config.store(Arc::new(config));
        }))
    }
}

impl Reconcile for AssignmentHistory {
    /// Records the assignment while it is planned, since the file may not be writable. It must be the last part to be planned.
    fn plan<'a>(&'a mut self, settings: &Settings) -> Result<Change<'a>, StartupError> {
        self.record(&settings.arms)?;
        Ok(Box::new(|| {}))
    }
}

/// Parts that are made before anything that runs is changed.
struct ServingPlan {
    pools: PoolChanges,
    /// Expressions of the policies that have any.
    expressions: BTreeMap<String, PolicyExpressions<ScorerOutput>>,
}

/// Running parts of the serving path, and what they are started with.
struct ServingParts {
    system: ActorSystem,
    store: Store,
    pipeline: Arc<Pipeline>,
    /// Lists of candidates by their names.
    candidates: BTreeMap<Option<String>, CandidatesByPlatform>,
    pools: ScorerPools,
    rankers: Vec<ActorRef<Ranker>>,
    arms: ArmsConfig,
    assignment_counts: Arc<AssignmentCounts>,
}

impl ServingParts {
    /// Compiles expressions and builds the scorers that are new under `settings`. Nothing that runs is changed.
    fn plan(&self, settings: &Settings) -> Result<ServingPlan, StartupError> {
        let policy = &settings.ranking.policy;
        if !settings.policies.contains_key(policy) {
            return Err(StartupError::Policy(policy.clone()));
        }
        Ok(ServingPlan {
            pools: self.pools.plan(&settings.scorers)?,
            expressions: compile_expressions(settings)?,
        })
    }

    /// Starts and stops actors and returns what to serve by. The configuration before goes on for the requests that began with
    /// it; what nobody uses any more ends by itself.
    fn apply(&mut self, settings: &Settings, mut plan: ServingPlan) -> ServingConfig {
        self.pools.apply(plan.pools);
        self.reconcile_candidates(settings);
        self.reconcile_rankers(settings.pools.ranker.instances);
        if self.arms != settings.arms {
            self.arms = settings.arms.clone();
            self.assignment_counts = Arc::default();
        }
        let policies: BTreeMap<String, Arc<ActivePolicy>> = settings
            .policies
            .iter()
            .map(|(name, config)| {
                let expressions = plan.expressions.remove(name);
                (
                    name.clone(),
                    self.active_policy(name, config, expressions, settings),
                )
            })
            .collect();
        let find = |name: &str| {
            let policy = policies.get(name).cloned();
            policy.unwrap_or_else(|| Arc::new(ActivePolicy::incoming_order(name)))
        };
        let otherwise = match settings.arms.otherwise.as_str() {
            INCOMING_ORDER => Arc::new(ActivePolicy::incoming_order(INCOMING_ORDER)),
            name => find(name),
        };
        ServingConfig {
            policy: find(&settings.ranking.policy),
            arms: ActiveArms {
                arms: Arms::new(&settings.arms),
                otherwise,
                counts: Arc::clone(&self.assignment_counts),
            },
            policies,
            scorers: self.pools.handles(settings.ranking.deadline),
            perspective: self.perspective_attributes(settings),
            deadline: settings.ranking.deadline,
            minimal_metadata: settings.ranking.metadata == Metadata::Minimal,
            config_version: settings.config_version().into(),
            rankers: Rankers::new(self.rankers.clone(), Arc::clone(&self.pipeline)),
        }
    }

    /// A list of candidates is followed from the first policy on that inserts any of it.
    fn reconcile_candidates(&mut self, settings: &Settings) {
        let inserting = settings
            .policies
            .values()
            .filter(|policy| policy.insert.inserts());
        for policy in inserting {
            let list = &policy.insert.candidates;
            if !self.candidates.contains_key(list) {
                let candidates = follow_candidates(list.as_deref(), &self.store, &self.system);
                self.candidates.insert(list.clone(), candidates);
            }
        }
    }

    fn reconcile_rankers(&mut self, instances: usize) {
        self.rankers.truncate(instances);
        for number in self.rankers.len() + 1..=instances {
            let (name, pipeline) = (format!("ranker.{number}"), Arc::clone(&self.pipeline));
            let ranker = self
                .system
                .spawn_while_used(&name, Arc::default(), pipeline);
            self.rankers.push(ranker);
        }
    }

    /// Joins the attributes of Perspective with the scorers that they stand for.
    fn perspective_attributes(&self, settings: &Settings) -> PerspectiveAttributes {
        let configured = &settings.compat.perspective;
        let attribute = |(attribute, name): (&String, &String)| {
            let (scorer, output) = split(name);
            let pool = self.pools.handle(scorer, settings.ranking.deadline)?;
            let output = pool.outputs().resolve(scorer, output).ok()?;
            Some((attribute.clone(), (pool, output)))
        };
        PerspectiveAttributes {
            attributes: configured.attributes.iter().filter_map(attribute).collect(),
            languages: configured.languages.clone(),
        }
    }

    /// Joins a policy with the scorers that it names.
    fn active_policy(
        &self,
        name: &str,
        config: &PolicyConfig,
        expressions: Option<PolicyExpressions<ScorerOutput>>,
        settings: &Settings,
    ) -> Arc<ActivePolicy> {
        let (mut pools, mut columns, mut terms, mut outputs) =
            (Vec::<PoolHandle>::new(), Vec::new(), Vec::new(), Vec::new());
        for ((scorer, output), term) in
            scorer_terms(config, expressions.as_ref(), &settings.scorers)
        {
            let known = pools.iter().position(|pool| pool.scorer() == scorer);
            let pool = match (known, self.pools.handle(scorer, settings.ranking.deadline)) {
                (Some(known), _) => known,
                (None, Some(handle)) => {
                    pools.push(handle);
                    pools.len() - 1
                }
                (None, None) => continue,
            };
            columns.push(ColumnSource { pool, output });
            terms.push(term);
            outputs.push(ScorerOutput {
                scorer: scorer.to_owned(),
                output,
            });
        }
        let column_of = |wanted: &ScorerOutput| {
            let column = outputs.iter().position(|output| output == wanted);
            // A column that is not there has no scores.
            column.unwrap_or(usize::MAX)
        };
        let expressions = expressions.map(|expressions| expressions.with_columns(column_of));
        let candidates = self.candidates.get(&config.insert.candidates);
        let candidates = candidates.filter(|_| config.insert.inserts()).cloned();
        let max_entity_age = settings.ranking.max_entity_age;
        Arc::new(ActivePolicy {
            policy: Policy {
                name: name.to_owned(),
                config: config.clone(),
                terms,
                expressions,
            },
            pools,
            columns,
            insertion: candidates.map(|candidates| InsertionStage {
                candidates,
                store: self.store.clone(),
            }),
            max_entity_age: TimeDelta::from_std(max_entity_age).unwrap_or(TimeDelta::MAX),
        })
    }
}

/// Returns the terms of a policy that can change an order or that its expressions read, by their scorers and the indices of their outputs.
fn scorer_terms<'c>(
    config: &'c PolicyConfig,
    expressions: Option<&'c PolicyExpressions<ScorerOutput>>,
    scorers: &BTreeMap<String, ScorerConfig>,
) -> BTreeMap<(&'c str, usize), ScorerTerm> {
    let mut terms = BTreeMap::new();
    let term_at = |scorer: &str, index| {
        let config = scorers.get(scorer)?;
        let outputs = config.kind.outputs();
        let output = &outputs.iter().nth(index)?.name;
        let mut term = ScorerTerm::new(&outputs.full_name(scorer, index), 0.0);
        term.scores = config.scores.of_output(output);
        Some(term)
    };
    let term_of = |scorer: &str, output| {
        let outputs = scorers.get(scorer)?.kind.outputs();
        let index = outputs.resolve(scorer, output).ok()?;
        Some((index, term_at(scorer, index)?))
    };
    for named in config.weights.iter() {
        if let Some((output, term)) = term_of(named.scorer, named.output) {
            terms.entry((named.scorer, output)).or_insert(term).weight = *named.setting;
        }
    }
    for named in config.exclude.iter() {
        if let Some((output, term)) = term_of(named.scorer, named.output) {
            terms.entry((named.scorer, output)).or_insert(term).removal = *named.setting;
        }
    }
    terms.retain(|_, term| term.matters());
    for ScorerOutput { scorer, output } in
        expressions.into_iter().flat_map(PolicyExpressions::scores)
    {
        if let Some(term) = term_at(scorer, *output) {
            terms.entry((scorer.as_str(), *output)).or_insert(term);
        }
    }
    terms
}

/// Compiles the expressions of each policy. The settings were checked, so that an error is that of settings made in code.
fn compile_expressions(
    settings: &Settings,
) -> Result<BTreeMap<String, PolicyExpressions<ScorerOutput>>, StartupError> {
    let vocabulary = settings.vocabulary();
    let mut compiled = BTreeMap::new();
    for (name, policy) in &settings.policies {
        let expressions = PolicyExpressions::compile(policy, &vocabulary);
        let expressions = expressions.map_err(|issues| StartupError::Expressions {
            policy: name.clone(),
            issues,
        })?;
        compiled.extend(expressions.map(|expressions| (name.clone(), expressions)));
    }
    Ok(compiled)
}

/// Follows a list of candidates, for all platforms.
fn follow_candidates(
    list: Option<&str>,
    store: &Store,
    system: &ActorSystem,
) -> CandidatesByPlatform {
    let snapshots: BTreeMap<Platform, Snapshot<Candidates>> = Platform::ALL
        .iter()
        .map(|&platform| (platform, Snapshot::default()))
        .collect();
    let source = |(platform, snapshot): (&Platform, &Snapshot<Candidates>)| SnapshotSource {
        key: candidates_key(list, *platform),
        snapshot: snapshot.clone(),
        parse: Box::new(|stored| Ok(stored.json::<Candidates>()?)),
    };
    let sources = snapshots.iter().map(source).collect();
    let name = list.map_or_else(String::new, |list| format!(".{list}"));
    follow(
        &format!("snapshot.candidates{name}"),
        sources,
        store,
        system,
    );
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
    let deps = SnapshotFollowerDeps {
        store: store.clone(),
        sources,
        reports_to: None,
    };
    system.spawn::<SnapshotFollower<T>>(name, Arc::default(), deps);
}
