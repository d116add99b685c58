use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{TimeDelta, Utc};

use super::StartupError;
use super::arms::arms;
use super::pools::Pools;
use crate::actors::serving::{
    Ranker, RankerCounters, SnapshotCounters, SnapshotFollower, SnapshotFollowerDeps,
    SnapshotSource,
};
use crate::health::HealthIssues;
use crate::jobs::CANDIDATES_KEY;
use crate::ranking::{
    AuthorDecay, Candidates, Exclude, Insert, Matching, Places, Policy, Scale, Term, TopEntitySet,
    Unscored,
};
use crate::results::Results;
use crate::serving::stages::insertion::ServedInsert;
use crate::serving::{ArmCounts, CandidatesByPlatform, Rankers, ServedArms, ServedPolicy, Serving};
use crate::settings::{
    ArmsSettings, AuthorDecaySettings, EntityMatch, InsertSettings, Metadata, PolicySettings,
    ScaleSettings, ScorerSettings, Settings, UNTREATED, UnscoredItem,
};
use crate::snapshot::{Snapshot, SnapshotValue};
use weir_feed::Platform;
use weir_supervision::{ActorRef, ActorSystem};

/// Everything that `/rank` serves by, brought in line with the settings whenever these change.
pub(super) struct Roster {
    system: ActorSystem,
    entities: Snapshot<TopEntitySet>,
    results: Results,
    candidates: Option<CandidatesByPlatform>,
    pools: Pools,
    rankers: Vec<ActorRef<Ranker>>,
    arms: ArmsSettings,
    arm_counts: Arc<ArmCounts>,
}

impl Roster {
    /// Starts the follower of the top entities, which follows one key for as long as Weir runs.
    pub(super) fn start(
        settings: &Settings,
        results: &Results,
        health: &HealthIssues,
        system: &ActorSystem,
    ) -> Self {
        let entities = Snapshot::default();
        follow_entities(&settings.ranking.entities_key, results, &entities, system);
        Self {
            system: system.clone(),
            entities,
            results: results.clone(),
            candidates: None,
            pools: Pools::new(system, results, health),
            rankers: Vec::new(),
            arms: settings.arms.clone(),
            arm_counts: Arc::default(),
        }
    }

    /// What to serve by under `settings`. What was served by before goes on for the requests that began with it; what
    /// nobody uses any more ends by itself.
    ///
    /// Checked settings cannot fail: the policy in force exists.
    pub(super) fn serve(&mut self, settings: &Settings) -> Result<Serving, StartupError> {
        self.pools.align(&settings.scorers)?;
        self.align_candidates(settings);
        self.align_rankers(settings.pools.ranker.instances);
        let serve = |(name, policy): (&String, &PolicySettings)| {
            (
                name.clone(),
                Arc::new(self.served_policy(name, policy, settings)),
            )
        };
        let policies: BTreeMap<String, Arc<ServedPolicy>> =
            settings.policies.iter().map(serve).collect();
        let in_force = &settings.ranking.policy;
        let policy = policies
            .get(in_force)
            .ok_or_else(|| StartupError::Policy(in_force.clone()))?;
        let arms = self.served_arms(settings, &policies);
        Ok(Serving {
            policy: Arc::clone(policy),
            policies,
            scorers: self.pools.all_served(settings.ranking.deadline()),
            arms,
            deadline: settings.ranking.deadline(),
            minimal_metadata: settings.ranking.metadata == Metadata::Minimal,
            config_version: settings.config_version().into(),
            rankers: Rankers::new(self.rankers.clone()),
        })
    }

    /// Requests are counted from zero once the arms have changed.
    fn served_arms(
        &mut self,
        settings: &Settings,
        policies: &BTreeMap<String, Arc<ServedPolicy>>,
    ) -> ServedArms {
        if self.arms != settings.arms {
            self.arms = settings.arms.clone();
            self.arm_counts = Arc::default();
        }
        let named = Some(&settings.arms.otherwise)
            .filter(|name| *name != UNTREATED)
            .and_then(|name| policies.get(name));
        ServedArms {
            arms: arms(&settings.arms),
            otherwise: named
                .cloned()
                .unwrap_or_else(|| Arc::new(ServedPolicy::incoming_order(UNTREATED))),
            counts: Arc::clone(&self.arm_counts),
        }
    }

    /// Candidates are followed from the first policy on that inserts any.
    fn align_candidates(&mut self, settings: &Settings) {
        let wanted = settings.policies.values().any(|it| it.insert.max > 0);
        if wanted && self.candidates.is_none() {
            self.candidates = Some(follow_candidates(&self.results, &self.system));
        }
    }

    fn served_insert(&self, settings: &InsertSettings) -> Option<ServedInsert> {
        let candidates = self.candidates.clone().filter(|_| settings.max > 0)?;
        let places = match settings.every {
            0 => Places::At(settings.positions.clone()),
            every => Places::Every(every),
        };
        Some(ServedInsert {
            insert: Insert {
                max: settings.max,
                places,
            },
            once_per: settings.once_per,
            max_age: TimeDelta::from_std(settings.max_age).unwrap_or(TimeDelta::MAX),
            candidates,
            results: self.results.clone(),
        })
    }

    fn align_rankers(&mut self, instances: usize) {
        self.rankers.truncate(instances);
        for nth in self.rankers.len() + 1..=instances {
            let counters = Arc::<RankerCounters>::default();
            let (shown, entities) = (Arc::clone(&counters), self.entities.clone());
            self.rankers.push(self.system.supervise_while_used(
                &format!("ranker.{nth}"),
                shown,
                move |_, _| Ranker::new(entities.clone(), Arc::clone(&counters)),
            ));
        }
    }

    fn served_policy(
        &self,
        name: &str,
        policy: &PolicySettings,
        settings: &Settings,
    ) -> ServedPolicy {
        let named: BTreeSet<&String> = policy.weights.keys().chain(policy.exclude.keys()).collect();
        let used = named.into_iter().filter_map(|scorer| {
            let term = term(scorer, policy, settings.scorers.get(scorer)?);
            Some((
                self.pools.served(scorer, settings.ranking.deadline())?,
                term,
            ))
            .filter(|(_, term)| term.matters())
        });
        let insert = self.served_insert(&policy.insert);
        let (pools, terms) = used.unzip();
        let AuthorDecaySettings { factor, floor } = policy.author_decay;
        let policy = Policy {
            name: name.to_owned(),
            entity_weight: policy.entity_weight,
            matching: match policy.entity_match {
                EntityMatch::Word => Matching::Word,
                EntityMatch::Substring => Matching::Substring,
            },
            terms,
            author_decay: (factor < 1.0).then_some(AuthorDecay { factor, floor }),
            keep_threads: policy.keep_threads,
        };
        let max_entity_age =
            TimeDelta::from_std(settings.ranking.max_entity_age).unwrap_or(TimeDelta::MAX);
        ServedPolicy {
            policy,
            pools,
            insert,
            max_entity_age,
        }
    }
}

fn follow_candidates(results: &Results, system: &ActorSystem) -> CandidatesByPlatform {
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
    follow("snapshot.candidates", sources, results, system);
    Arc::new(snapshots)
}

fn follow_entities(
    key: &str,
    results: &Results,
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
    follow("snapshot.entities", [source].into(), results, system);
}

fn follow<T: SnapshotValue>(
    name: &str,
    sources: Arc<[SnapshotSource<T>]>,
    results: &Results,
    system: &ActorSystem,
) {
    let counters = Arc::<SnapshotCounters>::default();
    let deps = SnapshotFollowerDeps {
        results: results.clone(),
        sources,
        reports_to: None,
        counters: Arc::clone(&counters),
    };
    system.supervise(name, counters, move |_, incarnation| {
        SnapshotFollower::new(deps.clone(), incarnation)
    });
}

/// A scorer's part in a policy.
fn term(scorer: &str, policy: &PolicySettings, settings: &ScorerSettings) -> Term {
    let ScaleSettings {
        lowest,
        highest,
        factor,
    } = settings.scale;
    let bounds = policy.exclude.get(scorer).copied().unwrap_or_default();
    Term {
        scorer: scorer.to_owned(),
        weight: policy.weights.get(scorer).copied().unwrap_or_default(),
        scale: Scale {
            lowest,
            highest,
            factor,
        },
        unscored: match settings.unscored {
            UnscoredItem::Default => Unscored::Default(settings.default),
            UnscoredItem::KeepPosition => Unscored::KeepPosition,
        },
        exclude: Exclude {
            below: bounds.below,
            above: bounds.above,
        },
    }
}
