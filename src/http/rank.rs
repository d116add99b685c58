use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use tokio::sync::oneshot;
use tracing::Span;

use super::body::read_json;
use super::kept_ranking::kept_ranking;
use super::options::RankOptions;
use super::{ApiError, Front, Scope};
use crate::actors::messages::{Explained, Rank, Ranked};
use crate::ranking::Slot;
use crate::serving::{Group, ServedPolicy, Serving};
use weir_feed::{
    Degraded, Metadata, NewItem, RankRequest, RankResponse, RepairedJson, SentId, SentIds,
};

/// How long past the deadline a ranker may still answer before the front answers by itself.
const GRACE: Duration = Duration::from_millis(5);

/// `POST /rank`: the order to show a feed in, by the deadline. A valid request is answered with 200 and every id
/// that its policy does not exclude, whatever fails behind it.
pub(super) async fn rank(
    request: HttpRequest,
    payload: Payload,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    let arrived = Instant::now();
    front.access.check(Scope::Rank, &request)?;
    let serving = front.serving.load_full();
    let options = RankOptions::of(&request, &front.access, &serving)?;

    let body = front.read_body(&request, payload).await?;
    let _permit = front.admission.admit()?;
    let (feed, repaired) = read_json(&body, |body| parse(body, front.limits.max_items))?;
    let feed = Arc::new(feed);
    let (body, sent_ids) = match repaired {
        None => (Bytes::clone(&body), SentIds::default()),
        Some(RepairedJson { body, ids }) => (body.into(), ids),
    };
    let terms = Terms::of(&feed, &serving, &options, arrived);
    let deadline = arrived + options.deadline;
    let ranked = ranked(&serving, &feed, &terms, deadline).await;
    let response = answer(&front, &feed, &sent_ids, &terms, ranked);

    front.record(&feed, body);
    if Instant::now() > deadline + GRACE {
        metrics::counter!("weir_rank_answered_late_total").increment(1);
    }
    metrics::histogram!("weir_rank_seconds").record(arrived.elapsed());
    Ok(response)
}

/// What one feed is ranked by.
struct Terms<'s> {
    group: Group<'s>,
    policy: &'s Arc<ServedPolicy>,
    explain: bool,
    minimal_metadata: bool,
    config_version: &'s Arc<str>,
    arrived: Instant,
}

impl<'s> Terms<'s> {
    /// A policy that the admin asks for stands in for the one that the user is due, and puts them in no arm.
    fn of(
        feed: &RankRequest,
        serving: &'s Serving,
        options: &'s RankOptions,
        arrived: Instant,
    ) -> Self {
        let (group, policy) = match &options.policy {
            Some(policy) => (Group::Everybody, policy),
            None => serving.of(&feed.session),
        };
        serving.arms.counts.count(group);
        Self {
            group,
            policy,
            explain: options.explain,
            minimal_metadata: serving.minimal_metadata,
            config_version: &serving.config_version,
            arrived,
        }
    }

    /// Counts an answer by how it came out.
    fn count(&self, outcome: &'static str) {
        metrics::counter!("weir_rank_total", "outcome" => outcome).increment(1);
        if let Some(arm) = self.group.label() {
            metrics::counter!("weir_arm_total", "arm" => arm.to_owned(), "outcome" => outcome)
                .increment(1);
        }
    }
}

fn parse(body: &[u8], max_items: usize) -> Result<RankRequest, ApiError> {
    let mut feed = RankRequest::from_json(body)?;
    if feed.items.len() > max_items {
        return Err(ApiError::too_large(format!(
            "items: {} are more than {max_items}",
            feed.items.len()
        )));
    }
    feed.keep_first_of_each_id();
    Ok(feed)
}

/// The ranking, or `None` if no ranker answered in time.
async fn ranked(
    serving: &Serving,
    feed: &Arc<RankRequest>,
    terms: &Terms<'_>,
    deadline: Instant,
) -> Option<Ranked> {
    let (reply, answer) = oneshot::channel();
    serving.rankers.rank(Rank {
        feed: Arc::clone(feed),
        policy: Arc::clone(terms.policy),
        deadline,
        explain: terms.explain,
        span: Span::current(),
        reply,
    });
    tokio::time::timeout_at((deadline + GRACE).into(), answer)
        .await
        .ok()?
        .ok()
}

fn answer(
    front: &Front,
    feed: &RankRequest,
    sent_ids: &SentIds,
    terms: &Terms<'_>,
    ranked: Option<Ranked>,
) -> HttpResponse {
    let Some(Ranked {
        ranking,
        slots,
        new_items,
        degraded,
        explanation,
    }) = ranked
    else {
        terms.count("incoming_order");
        let silent = Degraded {
            part: "ranker".into(),
            missed: feed.items.len(),
            why: "no answer in time".into(),
        };
        let response = in_order(
            feed,
            (0..feed.items.len()).map(Slot::Item),
            Vec::new(),
            metadata(front, terms, false, vec![silent]),
        );
        let response = decided(front, feed, terms, response);
        return respond(&SentResponse::of(&response, sent_ids));
    };
    let outcome = if degraded.is_empty() {
        "whole"
    } else {
        "degraded"
    };
    terms.count(outcome);
    let metadata = metadata(front, terms, ranking.intervened, degraded);
    let response = in_order(feed, slots.into_iter(), new_items, metadata);
    let response = decided(front, feed, terms, response);
    let response = SentResponse::of(&response, sent_ids);
    match explanation {
        None => respond(&response),
        Some(items) => {
            let explanation = ranking
                .order
                .iter()
                .filter_map(|&place| items.get(place))
                .collect();
            respond(&ExplainedResponse {
                response,
                explanation,
            })
        }
    }
}

/// An answer with, for each of the feed's items that are ranked, in their order, how it came to its place.
#[derive(Serialize)]
struct ExplainedResponse<'f> {
    #[serde(flatten)]
    response: SentResponse<'f>,
    explanation: Vec<&'f Explained>,
}

/// A response with the ids in the form in which the client sent them.
#[derive(Serialize)]
struct SentResponse<'r> {
    ranked_ids: Vec<SentId<'r>>,
    new_items: &'r [NewItem],
    metadata: &'r Metadata,
}

impl<'r> SentResponse<'r> {
    fn of(response: &'r RankResponse<'_>, sent_ids: &SentIds) -> Self {
        let ids = response.ranked_ids.iter();
        Self {
            ranked_ids: ids.map(|id| sent_ids.sent(&**id)).collect(),
            new_items: &response.new_items,
            metadata: &response.metadata,
        }
    }
}

fn metadata(
    front: &Front,
    terms: &Terms<'_>,
    intervened: bool,
    mut degraded: Vec<Degraded>,
) -> Metadata {
    degraded.extend(front.health.results_away());
    Metadata {
        intervention_on: intervened,
        policy: Some(terms.policy.policy.name.clone().into()),
        arm: terms.group.arm().map(|arm| arm.to_owned().into()),
        degraded,
    }
}

/// Keeps what was decided, if rankings are kept, and takes out of the answer what its reader is not to know.
fn decided<'f>(
    front: &Front,
    feed: &RankRequest,
    terms: &Terms<'_>,
    mut response: RankResponse<'f>,
) -> RankResponse<'f> {
    if let Some(rankings) = &front.rankings {
        let took = terms.arrived.elapsed();
        rankings.offer(kept_ranking(feed, &response, terms.config_version, took));
    }
    if terms.minimal_metadata {
        response.metadata = response.metadata.minimal();
    }
    response
}

fn in_order(
    feed: &RankRequest,
    slots: impl Iterator<Item = Slot>,
    new_items: Vec<NewItem>,
    metadata: Metadata,
) -> RankResponse<'_> {
    let id = |slot| match slot {
        Slot::Item(place) => Cow::Borrowed(feed.items[place].id.as_str()),
        Slot::Inserted(place) => Cow::Owned(new_items[place].id.clone()),
    };
    RankResponse {
        ranked_ids: slots.map(id).collect(),
        new_items,
        metadata,
    }
}

fn respond(response: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(response)
}
