use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use tokio::sync::oneshot;

use super::options::RankOptions;
use super::{ApiError, Front, Scope, body};
use crate::actors::messages::{Explained, Rank, Ranked};
use crate::actors::{ServedPolicy, Serving};
use crate::feed::{Degraded, Metadata, RankRequest, RankResponse};

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
    let _permit = front.admission.admit()?;
    front.access.check(Scope::Rank, &request)?;
    let serving = front.serving.load_full();
    let options = RankOptions::of(&request, &front.access, &serving)?;

    let body = body::read(
        &request,
        payload,
        front.limits.max_body_bytes,
        front.limits.body_timeout,
    )
    .await?;
    let feed = Arc::new(parse(&body, front.limits.max_items)?);
    let ranked = ranked(&serving, &feed, &options, arrived + options.deadline).await;
    let response = answer(&front, &serving, &feed, &options.policy, ranked);

    front.record(&feed, body);
    metrics::histogram!("weir_rank_seconds").record(arrived.elapsed());
    Ok(response)
}

fn parse(body: &Bytes, max_items: usize) -> Result<RankRequest, ApiError> {
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
    options: &RankOptions,
    deadline: Instant,
) -> Option<Ranked> {
    let (reply, answer) = oneshot::channel();
    serving.rankers.rank(Rank {
        feed: Arc::clone(feed),
        policy: Arc::clone(&options.policy),
        deadline,
        explain: options.explain,
        reply,
    });
    tokio::time::timeout_at((deadline + GRACE).into(), answer)
        .await
        .ok()?
        .ok()
}

fn answer(
    front: &Front,
    serving: &Serving,
    feed: &RankRequest,
    policy: &ServedPolicy,
    ranked: Option<Ranked>,
) -> HttpResponse {
    let Some(Ranked {
        ranking,
        degraded,
        explanation,
    }) = ranked
    else {
        metrics::counter!("weir_rank_total", "outcome" => "incoming_order").increment(1);
        let silent = Degraded {
            part: "ranker".into(),
            missed: feed.items.len(),
            why: "no answer in time".into(),
        };
        return respond(&in_order(
            feed,
            0..feed.items.len(),
            metadata(front, serving, policy, false, vec![silent]),
        ));
    };
    let outcome = if degraded.is_empty() {
        "whole"
    } else {
        "degraded"
    };
    metrics::counter!("weir_rank_total", "outcome" => outcome).increment(1);
    let metadata = metadata(front, serving, policy, ranking.intervened, degraded);
    let response = in_order(feed, ranking.order.iter().copied(), metadata);
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

/// An answer with, for each ranked id, how it came to its place.
#[derive(Serialize)]
struct ExplainedResponse<'f> {
    #[serde(flatten)]
    response: RankResponse<'f>,
    explanation: Vec<&'f Explained>,
}

fn metadata(
    front: &Front,
    serving: &Serving,
    policy: &ServedPolicy,
    intervened: bool,
    mut degraded: Vec<Degraded>,
) -> Metadata {
    degraded.extend(front.health.results_away());
    let metadata = Metadata {
        intervention_on: intervened,
        policy: Some(policy.policy.name.clone().into()),
        degraded,
    };
    if serving.minimal_metadata {
        metadata.minimal()
    } else {
        metadata
    }
}

fn in_order(
    feed: &RankRequest,
    order: impl Iterator<Item = usize>,
    metadata: Metadata,
) -> RankResponse<'_> {
    let ranked_ids = order
        .map(|place| Cow::Borrowed(feed.items[place].id.as_str()))
        .collect();
    RankResponse {
        ranked_ids,
        new_items: Vec::new(),
        metadata,
    }
}

fn respond(response: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(response)
}
