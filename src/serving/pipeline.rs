use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::answer::RankAnswer;
use super::context::RankContext;
use super::side_effects::SideEffects;
use super::stages::scoring::{ScoreCollector, Wait};
use super::stages::{entities, insertion};
use crate::ranking::stages::replacement::Replacement;
use crate::ranking::stages::{
    diversity, evaluation, fixed_positions, ordering, removal, threading,
};
use crate::ranking::{Labels, Slate, TopEntitySet};
use crate::snapshot::Snapshot;
use weir_feed::{Degraded, RankRequest};

/// The stages that turn a request into an answer.
pub struct Pipeline {
    entities: Snapshot<TopEntitySet>,
    /// Start of the current outage of the store, if there is one.
    store_outage: watch::Receiver<Option<Instant>>,
    side_effects: SideEffects,
}

impl Pipeline {
    /// Creates a pipeline that reads these snapshots and has these side effects.
    pub fn new(
        entities: Snapshot<TopEntitySet>,
        store_outage: watch::Receiver<Option<Instant>>,
        side_effects: SideEffects,
    ) -> Self {
        Self {
            entities,
            store_outage,
            side_effects,
        }
    }

    /// Ranks `feed` by the deadline of `context`. Whatever is missing by then is named in the answer.
    pub(crate) async fn execute(
        &self,
        feed: &Arc<RankRequest>,
        context: &RankContext,
    ) -> RankAnswer {
        let (policy, pools) = (&context.policy.policy, &context.policy.pools);

        // Candidates that replace items can only be claimed once the order is known, for which scoring leaves time.
        let claims_last = policy.config.insert.depends_on_order();
        let reserve = if claims_last {
            insertion::CLAIM_LIMIT
        } else {
            Duration::ZERO
        };
        let scored_by = context
            .deadline
            .checked_sub(reserve)
            .unwrap_or(context.deadline);
        let room = if claims_last {
            0
        } else {
            policy.config.insert.room(feed.items.len())
        };

        // Side by side: the pools score while candidates are claimed and entities are matched.
        let scoring = ScoreCollector::start(feed, pools, scored_by, Wait::PerScorer);
        let (mut insertions, entities, scores) = tokio::join!(
            insertion::claim(feed, context, room),
            entities::matches(&self.entities, feed, context),
            scoring.finish(),
        );
        let mut degraded = scores.missing(pools);
        let entities = entities.unwrap_or_else(|missing| {
            degraded.push(missing);
            None
        });
        let sources = context.policy.columns.iter();
        let columns = sources.clone().map(|&source| scores.column(source));
        let labels: Vec<Labels> = match &policy.expressions {
            Some(expressions) if expressions.reads_labels() => {
                sources.map(|&source| scores.labels(source)).collect()
            }
            _ => Vec::new(),
        };
        let mut slate = Slate::new(&feed.items, columns.collect(), entities);
        evaluation::apply(&mut slate, policy, feed, &labels);
        removal::apply(&mut slate, policy);
        ordering::apply(&mut slate, policy);
        diversity::apply(&mut slate, policy);
        fixed_positions::apply(&mut slate, policy);
        threading::apply(&mut slate, policy);

        let replacement = Replacement::plan(&mut slate, policy, feed);
        if let Some(replacement) = &replacement {
            insertions = insertion::claim(feed, context, replacement.wanted()).await;
        }
        degraded.extend(insertions.degraded.take());
        let shown = insertion::apply(
            &mut slate,
            replacement.as_ref(),
            insertions.posts,
            feed,
            policy,
        );

        let mut answer = RankAnswer::new(&slate, shown, degraded, context);
        answer.metadata.degraded.extend(self.store_outage());
        if context.decide() {
            self.side_effects.record(feed, &answer, context);
        }
        answer.for_client(context)
    }

    /// Answers with the incoming order, since the ranker gave no answer for the reason `code`. It is recorded if `decided`.
    pub(crate) fn incoming_order(
        &self,
        feed: &Arc<RankRequest>,
        code: &'static str,
        context: &RankContext,
        decided: bool,
    ) -> RankAnswer {
        let mut answer = RankAnswer::incoming_order(feed, code, context);
        answer.metadata.degraded.extend(self.store_outage());
        if decided {
            self.side_effects.record(feed, &answer, context);
        }
        answer.for_client(context)
    }

    fn store_outage(&self) -> Option<Degraded> {
        self.store_outage.borrow().map(|_| Degraded {
            part: "store".into(),
            missed: 0,
            why: "unavailable".into(),
        })
    }
}
