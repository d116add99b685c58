use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;

use super::StartupError;
use super::arms::arms;
use super::pools::Pools;
use crate::actors::{
    ArmCounts, Board, CandidateBoard, CandidateBoardCounters, CandidateShelf, EntityBoard,
    EntityBoardCounters, Ranker, RankerCounters, Rankers, ServedArms, ServedInsert, ServedPolicy,
    Serving,
};
use crate::health::HealthIssues;
use crate::ranking::{
    AuthorDecay, Exclude, Insert, Matching, Places, Policy, Scale, Term, Unscored,
};
use crate::results::Results;
use crate::settings::{
    ArmsSettings, AuthorDecaySettings, EntityMatch, InsertSettings, Metadata, PolicySettings,
    ScaleSettings, ScorerSettings, Settings, UNTREATED, UnscoredItem,
};
use weir_supervision::{ActorRef, ActorSystem};

/// Everything that `/rank` serves by, brought in line with the settings whenever these change.
pub(super) struct Roster {
    system: ActorSystem,
    board: Board,
    results: Results,
    candidates: Option<CandidateShelf>,
    pools: Pools,
    rankers: Vec<ActorRef<Ranker>>,
    arms: ArmsSettings,
    arm_counts: Arc<ArmCounts>,
}

impl Roster {
    /// Starts the board, which follows one key for as long as Weir runs.
    pub(super) fn start(
        settings: &Settings,
        results: &Results,
        health: &HealthIssues,
        system: &ActorSystem,
    ) -> Self {
        let board = Board::default();
        start_entity_board(settings, results, &board, system);
        Self {
            system: system.clone(),
            board,
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
            let newest = CandidateShelf::default();
            start_candidate_board(&self.results, &newest, &self.system);
            self.candidates = Some(newest);
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
            let (shown, board) = (Arc::clone(&counters), self.board.clone());
            self.rankers.push(self.system.supervise_while_used(
                &format!("ranker.{nth}"),
                shown,
                move |_, _| Ranker::new(board.clone(), Arc::clone(&counters)),
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

fn start_candidate_board(results: &Results, shelf: &CandidateShelf, system: &ActorSystem) {
    let counters = Arc::<CandidateBoardCounters>::default();
    let shown = Arc::clone(&counters);
    let (results, shelf) = (results.clone(), shelf.clone());
    system.supervise("candidate_board", shown, move |_, incarnation| {
        CandidateBoard::new(
            results.clone(),
            shelf.clone(),
            incarnation,
            Arc::clone(&counters),
        )
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
