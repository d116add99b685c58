use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Payload};
use arc_swap::ArcSwap;
use metrics::Histogram;
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http::body::read_json;
use crate::http::middleware::{Authorized, RankScope};
use crate::http::{ApiError, BodyReader};
use crate::scoring::pool::{PoolHandle, Timing};
use crate::scoring::{ItemScore, OutputValue};
use crate::serving::ServingConfig;
use crate::serving::score_matrix::{ScoreMatrix, ScoreTiming};
use crate::serving::stages::scoring::{ScoreCollector, Wait};
use crate::settings::ServerSettings;
use weir_feed::{ScoringMode, ScoringRequest, SentId};

/// State of `POST /score`.
pub struct ScoreState {
    limiter: Semaphore,
    /// Most items of a request.
    max_items: usize,
    /// Longest deadline that a request may ask for.
    max_deadline: Duration,
    seconds: Histogram,
}

impl ScoreState {
    /// Creates the state.
    pub fn new(settings: &ServerSettings) -> Self {
        Self {
            limiter: Semaphore::new(settings.max_in_flight),
            max_items: settings.max_items,
            max_deadline: settings.max_score_deadline,
            seconds: metrics::histogram!("weir_score_seconds"),
        }
    }

    /// Admits a request, or sheds it.
    pub(super) fn admit(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        Ok(self.limiter.try_acquire()?)
    }

    /// Records the duration of a request.
    pub(super) fn record(&self, took: Duration) {
        self.seconds.record(took);
    }
}

/// `POST /score`: what chosen scorers make of some texts, with the way of each score.
pub(super) async fn score(
    _: Authorized<RankScope>,
    request: HttpRequest,
    payload: Payload,
    bodies: Data<BodyReader>,
    serving: Data<ArcSwap<ServingConfig>>,
    state: Data<ScoreState>,
) -> Result<Json<ScoreAnswer>, ApiError> {
    let arrived = Instant::now();
    let serving = serving.load_full();
    let body = bodies.read(&request, payload).await?;
    let _permit = state.admit()?;

    let read = |body: &[u8]| Ok(ScoringRequest::from_json(body)?);
    let (wanted, repaired) = read_json(&body, read)?;
    let sent_ids = repaired.map(|repaired| repaired.ids).unwrap_or_default();
    if wanted.data.len() > state.max_items {
        let items = wanted.data.len();
        let message = format!("{items} items, expected at most {}", state.max_items);
        return Err(ApiError::too_large(message));
    }
    let pools = chosen(&serving, wanted.scorers.as_deref())?;
    let deadline = arrived + deadline(&wanted, &serving, state.max_deadline)?;
    let mode = wanted.mode;
    let feed = Arc::new(wanted.into_feed());
    let wait = match mode {
        ScoringMode::AllOrNothing => Wait::TimedAllOrNothing,
        ScoringMode::Partial => Wait::Timed,
    };
    let matrix = ScoreCollector::start(&feed, &pools, deadline, wait)
        .finish()
        .await;

    state.record(arrived.elapsed());
    if mode == ScoringMode::AllOrNothing
        && let Some((scorer, item, error)) = matrix.first_missing()
    {
        let message = format!("{} has no score: {}", pools[scorer].scorer(), error.code());
        return Err(ApiError::incomplete(format!("data[{item}]"), message));
    }
    let ids = feed.items.iter().map(|item| sent_ids.sent(item.id.clone()));
    let answer = |(item, item_id)| ItemScores::new(item_id, item, &pools, &matrix, arrived);
    Ok(Json(ScoreAnswer {
        data: ids.enumerate().map(answer).collect(),
    }))
}

/// The scorers asked for, each once, or all of them.
fn chosen(serving: &ServingConfig, wanted: Option<&[String]>) -> Result<Vec<PoolHandle>, ApiError> {
    let Some(wanted) = wanted else {
        return Ok(serving.scorers.values().cloned().collect());
    };
    let find = |(index, name): (usize, &String)| match serving.scorers.get(name) {
        _ if wanted[..index].contains(name) => Err(format!("scorer {name:?} is listed twice")),
        Some(pool) => Ok(pool.clone()),
        None => {
            let known: Vec<&str> = serving.scorers.keys().map(String::as_str).collect();
            Err(format!(
                "scorer {name:?} not found, expected one of: {}",
                known.join(", ")
            ))
        }
    };
    let at = |index, message| ApiError::invalid(format!("scorers[{index}]"), message);
    let found = wanted.iter().enumerate();
    found
        .map(|(index, name)| find((index, name)).map_err(|message| at(index, message)))
        .collect()
}

fn deadline(
    wanted: &ScoringRequest,
    serving: &ServingConfig,
    longest: Duration,
) -> Result<Duration, ApiError> {
    let Some(asked) = wanted.deadline_ms.map(Duration::from_millis) else {
        return Ok(serving.deadline.min(longest));
    };
    if asked > longest {
        let message = format!("expected at most {}", longest.as_millis());
        return Err(ApiError::invalid("deadline_ms", message));
    }
    Ok(asked)
}

/// The answer of `/score`.
#[derive(Serialize)]
pub(super) struct ScoreAnswer {
    data: Vec<ItemScores>,
}

#[derive(Serialize)]
struct ItemScores {
    item_id: SentId<'static>,
    /// By the scorer, or each of its outputs if it has several.
    scores: BTreeMap<String, Option<OutputValue>>,
    errors: BTreeMap<String, &'static str>,
    timings: BTreeMap<String, Timings>,
}

/// When a score was where, in milliseconds since the request came; null for where it never was.
#[derive(Serialize)]
struct Timings {
    sent: f64,
    enqueued: Option<f64>,
    started: Option<f64>,
    completed: Option<f64>,
    received: Option<f64>,
}

impl ItemScores {
    fn new(
        item_id: SentId<'static>,
        item: usize,
        pools: &[PoolHandle],
        matrix: &ScoreMatrix,
        arrived: Instant,
    ) -> Self {
        let scorers = || pools.iter().zip(&matrix.scorers);
        let rows = || scorers().map(|(pool, scorer)| (pool, &scorer.rows[item]));
        let name = |pool: &PoolHandle| pool.scorer().to_owned();
        Self {
            item_id,
            scores: rows()
                .flat_map(|(pool, row)| output_values(pool, row))
                .collect(),
            errors: rows()
                .filter_map(|(pool, row)| Some((name(pool), row.as_ref().err()?.code())))
                .collect(),
            timings: scorers()
                .map(|(pool, scorer)| (name(pool), Timings::new(&scorer.timings[item], arrived)))
                .collect(),
        }
    }
}

fn output_values(
    pool: &PoolHandle,
    row: &ItemScore,
) -> impl Iterator<Item = (String, Option<OutputValue>)> {
    let value = move |output| {
        let name = pool.outputs().full_name(pool.scorer(), output);
        (name, row.as_ref().ok().and_then(|row| row.value(output)))
    };
    (0..pool.outputs().len()).map(value)
}

impl Timings {
    fn new(timing: &ScoreTiming, arrived: Instant) -> Self {
        let since = |time: Instant| (time - arrived).as_micros() as f64 / 1_000.0;
        let in_pool =
            |time: fn(&Timing) -> Option<Instant>| timing.pool.as_ref().and_then(time).map(since);
        Self {
            sent: since(timing.sent),
            enqueued: in_pool(|timing| Some(timing.enqueued)),
            started: in_pool(|timing| timing.started),
            completed: in_pool(|timing| Some(timing.completed)),
            received: timing.received.map(since),
        }
    }
}
