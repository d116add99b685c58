use std::sync::Arc;
use std::time::Instant;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use arc_swap::ArcSwap;
use metrics::{Counter, Histogram};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::options::rank_options;
use crate::actors::serving::GRACE;
use crate::http::body::read_json;
use crate::http::middleware::{Authorized, RankScope};
use crate::http::{Access, ApiError, BodyReader};
use crate::serving::{ItemExplanation, RankAnswer, RankContext, ServingConfig};
use crate::settings::{RecorderSettings, ServerSettings};
use weir_feed::{Metadata, NewItem, RankRequest, RepairedJson, SentId, SentIds};

/// State of `POST /rank`.
pub struct RankState {
    limiter: Semaphore,
    /// Most items of a feed.
    max_items: usize,
    /// Whether the recorder reads the body again.
    keeps_body: bool,
    seconds: Histogram,
    answered_late: Counter,
}

impl RankState {
    /// Creates the state.
    pub fn new(server: &ServerSettings, recorder: &RecorderSettings) -> Self {
        Self {
            limiter: Semaphore::new(server.max_in_flight),
            max_items: server.max_items,
            keeps_body: recorder.enabled,
            seconds: metrics::histogram!("weir_rank_seconds"),
            answered_late: metrics::counter!("weir_rank_answered_late_total"),
        }
    }
}

/// `POST /rank`: the order to show a feed in, by the deadline. A valid request is answered with 200 and every id
/// that its policy does not remove, whatever fails behind it.
pub(super) async fn rank(
    _: Authorized<RankScope>,
    request: HttpRequest,
    payload: Payload,
    access: Data<Access>,
    bodies: Data<BodyReader>,
    serving: Data<ArcSwap<ServingConfig>>,
    state: Data<RankState>,
) -> Result<HttpResponse, ApiError> {
    let arrived = Instant::now();
    let serving = serving.load_full();
    let options = rank_options(&request, &access, &serving)?;

    let mut body = bodies.read(&request, payload).await?;
    let _permit = state.limiter.try_acquire()?;
    let (feed, repaired) = read_json(&body, |body| parse(body, state.max_items))?;
    let feed = Arc::new(feed);
    let received = body.take_bytes();
    let (received, sent_ids) = match repaired {
        None => (received, SentIds::default()),
        Some(RepairedJson { body, ids }) => (body.into(), ids),
    };
    let recorded = state.keeps_body.then_some(received);
    let context = RankContext::new(&serving, options, &feed.session, arrived, recorded);
    let context = Arc::new(context);
    let answer = serving.rankers.rank(&feed, &context).await;
    let response = HttpResponse::Ok().json(SentAnswer::new(&answer, &feed, &sent_ids));

    if Instant::now() > context.deadline + GRACE {
        state.answered_late.increment(1);
    }
    state.seconds.record(arrived.elapsed());
    Ok(response)
}

fn parse(body: &[u8], max_items: usize) -> Result<RankRequest, ApiError> {
    let mut feed = RankRequest::from_json(body)?;
    if feed.items.len() > max_items {
        return Err(ApiError::too_large(format!(
            "{} items, expected at most {max_items}",
            feed.items.len()
        )));
    }
    feed.keep_first_of_each_id();
    Ok(feed)
}

/// An answer with the ids in the form in which the client sent them.
#[derive(Serialize)]
struct SentAnswer<'a> {
    ranked_ids: Vec<SentId<'a>>,
    new_items: &'a [NewItem],
    metadata: &'a Metadata,
    /// For each of the feed's items that are ranked, in their order, why it has its position.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a [ItemExplanation]>,
}

impl<'a> SentAnswer<'a> {
    fn new(answer: &'a RankAnswer, feed: &'a RankRequest, sent_ids: &SentIds) -> Self {
        Self {
            ranked_ids: answer.ids(feed).map(|id| sent_ids.sent(id)).collect(),
            new_items: &answer.new_items,
            metadata: &answer.metadata,
            explanation: answer.explanation.as_deref(),
        }
    }
}
