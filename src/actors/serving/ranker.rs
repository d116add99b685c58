use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix::{Actor, Context, Handler, Supervised};
use chrono::Utc;
use serde::Serialize;
use tracing::Instrument;

use crate::actors::messages::{Explained, Rank, Ranked};
use crate::ranking::{Column, Ranking, TopEntitySet, rank};
use crate::serving::ServedPolicy;
use crate::serving::stages::entities::{EntityMatches, without_entities};
use crate::serving::stages::insertion::{Insertion, slots_of};
use crate::serving::stages::scoring::Gathering;
use crate::snapshot::{Snapshot, SnapshotError};
use weir_feed::{ContentItem, RankRequest};

/// Texts of more bytes than this are matched on a blocking thread, so that one long feed does not hold up the others:
/// it takes the matcher about 0.2 ms.
const MATCH_INLINE_BYTES: usize = 64 * 1024;

/// Ranks feeds, many at a time: each in a task of its own, so that one that panics takes no other along.
pub struct Ranker {
    shared: Arc<Shared>,
}

struct Shared {
    entities: Snapshot<TopEntitySet>,
    counters: Arc<RankerCounters>,
}

/// What a ranker has done so far, in feeds.
#[derive(Debug, Default, Serialize)]
pub struct RankerCounters {
    /// Taken.
    pub requests: AtomicU64,
    /// Answered.
    pub ranked: AtomicU64,
    /// Answered with something missing.
    pub degraded: AtomicU64,
    /// Ranked after the asker had gone.
    pub abandoned: AtomicU64,
}

impl Ranker {
    /// A ranker that reads top entities off `entities`.
    pub fn new(entities: Snapshot<TopEntitySet>, counters: Arc<RankerCounters>) -> Self {
        Self {
            shared: Arc::new(Shared { entities, counters }),
        }
    }
}

impl Actor for Ranker {
    type Context = Context<Self>;
}

impl Supervised for Ranker {}

impl Handler<Rank> for Ranker {
    type Result = ();

    fn handle(&mut self, message: Rank, _: &mut Self::Context) {
        self.shared
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&self.shared);
        let span = message.span.clone();
        actix_rt::spawn(async move { shared.serve(message).await }.instrument(span));
    }
}

impl Shared {
    async fn serve(
        &self,
        Rank {
            feed,
            policy,
            deadline,
            explain,
            mut reply,
            span: _,
        }: Rank,
    ) {
        let ranked = tokio::select! {
            biased;
            () = reply.closed() => None,
            ranked = self.rank_and_insert(&feed, &policy, deadline, explain) => Some(ranked),
        };
        let Some(ranked) = ranked else {
            self.counters.abandoned.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let degraded = !ranked.degraded.is_empty();
        match reply.send(ranked) {
            Ok(()) => self.counters.ranked.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.counters.abandoned.fetch_add(1, Ordering::Relaxed),
        };
        if degraded {
            self.counters.degraded.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Posts are claimed while the feed is ranked.
    async fn rank_and_insert(
        &self,
        feed: &Arc<RankRequest>,
        policy: &Arc<ServedPolicy>,
        deadline: Instant,
        explain: bool,
    ) -> Ranked {
        let (mut ranked, insertion) = tokio::join!(
            self.rank(feed, policy, deadline, explain),
            Insertion::choose(policy, feed, deadline)
        );
        insertion.put_into(&mut ranked, policy);
        ranked
    }

    async fn rank(
        &self,
        feed: &Arc<RankRequest>,
        policy: &Arc<ServedPolicy>,
        deadline: Instant,
        explain: bool,
    ) -> Ranked {
        let mut gathering = Gathering::begin(feed, policy, deadline);
        // Matching runs while the scorers do.
        let (naming, without) = match self.naming(feed, policy, deadline).await {
            Ok(naming) => (naming, None),
            Err(why) => (None, Some(without_entities(feed.items.len(), why))),
        };
        gathering.complete(policy).await;
        let (columns, mut degraded) = gathering.into_columns(policy);
        degraded.extend(without);

        let flags = naming.as_ref().map(EntityMatches::flags);
        let ranking = rank(&policy.policy, &feed.items, flags.as_ref(), &columns);
        let explanation =
            explain.then(|| explanations(policy, &ranking, naming.as_ref(), &columns));
        Ranked {
            slots: slots_of(&ranking.order),
            new_items: Vec::new(),
            ranking,
            degraded,
            explanation,
        }
    }

    /// Which items name top entities; `None` if the policy does not ask.
    async fn naming(
        &self,
        feed: &Arc<RankRequest>,
        policy: &ServedPolicy,
        deadline: Instant,
    ) -> Result<Option<EntityMatches>, &'static str> {
        if !policy.policy.uses_entities() {
            return Ok(None);
        }
        let posted = self
            .entities
            .fresh(policy.max_entity_age, Utc::now())
            .map_err(|error| match error {
                SnapshotError::Missing => "no top entities yet",
                SnapshotError::Stale => "top entities too old",
            })?;
        let matching = policy.policy.matching;
        if text_bytes(feed) <= MATCH_INLINE_BYTES {
            return Ok(Some(EntityMatches::of(feed, matching, posted)));
        }
        let feed = Arc::clone(feed);
        let matched =
            actix_rt::task::spawn_blocking(move || EntityMatches::of(&feed, matching, posted));
        match tokio::time::timeout_at(deadline.into(), matched).await {
            Ok(Ok(naming)) => Ok(Some(naming)),
            Ok(Err(_)) => Err("matching failed"),
            Err(_) => Err("timeout"),
        }
    }
}

fn text_bytes(feed: &RankRequest) -> usize {
    feed.items.iter().map(ContentItem::text_bytes).sum()
}

fn explanations(
    policy: &ServedPolicy,
    ranking: &Ranking,
    naming: Option<&EntityMatches>,
    columns: &[Column],
) -> Vec<Explained> {
    let scorers = || policy.policy.terms.iter().map(|term| term.scorer.clone());
    let explain = |place: usize| Explained {
        entity: naming
            .and_then(|naming| naming.name(place))
            .map(str::to_owned),
        scores: scorers()
            .zip(columns.iter().map(|column| column[place]))
            .collect::<BTreeMap<_, _>>(),
        value: ranking.values[place].value(),
    };
    (0..ranking.values.len()).map(explain).collect()
}
