use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;

use super::config::{ActivePolicy, Assignment, ServingConfig};
use weir_feed::Session;

/// Everything that one ranking request needs beside its feed, as it was when the request arrived.
pub struct RankContext {
    /// Policy that orders the feed.
    pub(crate) policy: Arc<ActivePolicy>,
    /// Arm of the session's user.
    pub(crate) assignment: Assignment,
    /// When the request arrived.
    pub(crate) arrived: Instant,
    /// When the answer is due, whatever is known by then.
    pub(crate) deadline: Instant,
    /// Whether the answer is to say for each item why it has its position.
    pub(crate) explain: bool,
    /// Whether the answer shows `intervention_on` alone.
    pub(crate) minimal_metadata: bool,
    /// Version of the configuration that ranks.
    pub(crate) config_version: Arc<str>,
    /// The request as received, if it is to be recorded.
    pub(crate) body: Option<Bytes>,
    decided: AtomicBool,
}

/// What a request asks for beside the ranking of its feed.
#[derive(Debug)]
pub(crate) struct RankOptions {
    /// Policy in place of the one that the user is due.
    pub(crate) policy: Option<Arc<ActivePolicy>>,
    /// Longest time to the answer.
    pub(crate) deadline: Duration,
    /// Whether the answer is to say for each item why it has its position.
    pub(crate) explain: bool,
}

impl RankContext {
    /// Chooses the policy for `session` and counts its assignment. A policy that is asked for by name leaves the user in no arm.
    pub(crate) fn new(
        serving: &ServingConfig,
        options: RankOptions,
        session: &Session,
        arrived: Instant,
        body: Option<Bytes>,
    ) -> Self {
        let (assignment, policy) = match options.policy {
            Some(policy) => (Assignment::Everybody, policy),
            None => serving.assign(session),
        };
        serving.arms.counts.count(&assignment);
        Self {
            policy,
            assignment,
            arrived,
            deadline: arrived + options.deadline,
            explain: options.explain,
            minimal_metadata: serving.minimal_metadata,
            config_version: Arc::clone(&serving.config_version),
            body,
            decided: AtomicBool::new(false),
        }
    }

    /// Claims the right to decide the answer; `false` if it is taken. A ranker may finish at the very moment in which the
    /// HTTP server stops waiting for it, and only one of the two answers is to be recorded.
    pub(crate) fn decide(&self) -> bool {
        !self.decided.swap(true, Ordering::AcqRel)
    }
}
