use std::sync::Arc;
use std::time::Instant;

use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::body::read_json;
use super::options::rank_options;
use super::{ApiError, Front, Scope};
use crate::actors::serving::GRACE;
use crate::serving::{ItemExplanation, RankAnswer, RankContext};
use weir_feed::{Metadata, NewItem, RankRequest, RepairedJson, SentId, SentIds};

/// `POST /rank`: the order to show a feed in, by the deadline. A valid request is answered with 200 and every id
/// that its policy does not remove, whatever fails behind it.
pub(super) async fn rank(
    request: HttpRequest,
    payload: Payload,
    front: Data<Front>,
) -> Result<HttpResponse, ApiError> {
    let arrived = Instant::now();
    front.access.check(Scope::Rank, &request)?;
    let serving = front.serving.load_full();
    let options = rank_options(&request, &front.access, &serving)?;

    let body = front.read_body(&request, payload).await?;
    let _permit = front.admission.admit()?;
    let (feed, repaired) = read_json(&body, |body| parse(body, front.limits.max_items))?;
    let feed = Arc::new(feed);
    let (body, sent_ids) = match repaired {
        None => (Bytes::clone(&body), SentIds::default()),
        Some(RepairedJson { body, ids }) => (body.into(), ids),
    };
    let context = RankContext::new(&serving, options, &feed.session, arrived, body);
    let context = Arc::new(context);
    let answer = serving.rankers.rank(&feed, &context).await;
    let response = HttpResponse::Ok().json(SentAnswer::new(&answer, &feed, &sent_ids));

    if Instant::now() > context.deadline + GRACE {
        metrics::counter!("weir_rank_answered_late_total").increment(1);
    }
    metrics::histogram!("weir_rank_seconds").record(arrived.elapsed());
    Ok(response)
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
