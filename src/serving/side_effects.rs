use std::sync::Arc;

use chrono::{SubsecRound, Utc};
use metrics::Counter;

use super::answer::{RankAnswer, RankOutcome};
use super::context::RankContext;
use crate::actors::{DecisionLogHandle, RecorderHandle};
use crate::db::RankingRecord;
use weir_feed::RankRequest;

/// What happens after an answer is decided: it is counted, and kept where that is configured.
#[derive(Clone)]
pub struct SideEffects {
    /// Records impressions.
    pub impressions: Option<RecorderHandle>,
    /// Keeps ranking records.
    pub decisions: Option<DecisionLogHandle>,
    outcomes: OutcomeCounters,
}

/// Answers by their outcome.
#[derive(Clone)]
struct OutcomeCounters {
    complete: Counter,
    degraded: Counter,
    incoming_order: Counter,
}

impl OutcomeCounters {
    fn new() -> Self {
        let counter = |outcome: RankOutcome| metrics::counter!("weir_rank_total", "outcome" => outcome.label());
        Self {
            complete: counter(RankOutcome::Complete),
            degraded: counter(RankOutcome::Degraded),
            incoming_order: counter(RankOutcome::IncomingOrder),
        }
    }

    fn get(&self, outcome: RankOutcome) -> &Counter {
        match outcome {
            RankOutcome::Complete => &self.complete,
            RankOutcome::Degraded => &self.degraded,
            RankOutcome::IncomingOrder => &self.incoming_order,
        }
    }
}

impl SideEffects {
    /// Creates the side effects of answers, which are counted with the recorder of metrics that is installed now.
    pub fn new(impressions: Option<RecorderHandle>, decisions: Option<DecisionLogHandle>) -> Self {
        Self {
            impressions,
            decisions,
            outcomes: OutcomeCounters::new(),
        }
    }

    /// Counts and keeps an answer with full metadata. Never waits.
    pub(super) fn record(
        &self,
        feed: &Arc<RankRequest>,
        answer: &RankAnswer,
        context: &RankContext,
    ) {
        self.outcomes.get(answer.outcome).increment(1);
        if let Some(arm) = context.assignment.label() {
            let outcome = answer.outcome.label();
            metrics::counter!("weir_arm_total", "arm" => arm, "outcome" => outcome).increment(1);
        }
        if let Some(decisions) = &self.decisions {
            decisions.offer(|| ranking_record(feed, answer, context));
        }
        if let (Some(impressions), Some(body)) = (&self.impressions, &context.body) {
            impressions.offer(feed, body.clone());
        }
    }
}

fn ranking_record(feed: &RankRequest, answer: &RankAnswer, context: &RankContext) -> RankingRecord {
    let (session, metadata) = (&feed.session, &answer.metadata);
    RankingRecord {
        at: Utc::now().trunc_subsecs(3),
        session_id: session.session_id.clone(),
        user_id: session.user_id.clone(),
        platform: session.platform.as_str().to_owned(),
        arm: metadata.arm.as_deref().map(str::to_owned),
        policy: metadata.policy.as_deref().unwrap_or_default().to_owned(),
        config_version: Arc::clone(&context.config_version),
        intervention_on: metadata.intervention_on,
        prefetch: session.is_prefetch(),
        degraded: metadata.degraded.clone(),
        ids_sent: feed.items.iter().map(|item| item.id.clone()).collect(),
        ids_returned: answer.ids(feed).map(str::to_owned).collect(),
        took_ms: context.arrived.elapsed().as_secs_f64() * 1_000.0,
    }
}
