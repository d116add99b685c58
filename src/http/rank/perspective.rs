use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use arc_swap::ArcSwap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::score::ScoreState;
use crate::http::body::read_json;
use crate::http::{Access, ApiError, BodyReader, Scope};
use crate::scoring::pool::PoolHandle;
use crate::serving::stages::scoring::{ScoreCollector, Wait};
use crate::serving::{PerspectiveAttributes, ServingConfig};
use weir_feed::{RankRequest, ScoringRequest};

/// Longest comment, in bytes, as Perspective documents it.
const MAX_COMMENT_BYTES: usize = 20_480;
/// Names the version of the settings, scorers included, that scored.
const CONFIG_VERSION: &str = "x-weir-config-version";
/// Names the versions of the models behind the attributes, as `SCORER=VERSION, ..`, where scorers know them.
const MODEL_VERSION: &str = "x-weir-model-version";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnalyzeRequest {
    comment: Comment,
    #[serde(default)]
    requested_attributes: BTreeMap<String, AttributeOptions>,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    client_token: Option<String>,
}

#[derive(Deserialize)]
struct Comment {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttributeOptions {
    /// Scores below are left out of the answer.
    #[serde(default)]
    score_threshold: Option<f64>,
}

/// Output that stands for a requested attribute.
struct AskedOutput<'r> {
    attribute: &'r String,
    threshold: Option<f64>,
    /// Index among the pools that are asked.
    pool: usize,
    output: usize,
}

#[derive(Default, Deserialize)]
struct KeyQuery {
    key: Option<String>,
}

/// A refusal in the form of Google's services.
struct Refusal {
    code: StatusCode,
    status: &'static str,
    message: String,
    details: Value,
}

/// `POST /v1alpha1/comments:analyze`: scores of one comment, in the wire format of Google's Perspective.
pub(in crate::http) async fn analyze(
    request: HttpRequest,
    payload: Payload,
    access: Data<Access>,
    bodies: Data<BodyReader>,
    serving: Data<ArcSwap<ServingConfig>>,
    state: Data<ScoreState>,
) -> HttpResponse {
    let serving = serving.load_full();
    match answer(&request, payload, &access, &bodies, &serving, &state).await {
        Ok(answer) => {
            let mut response = HttpResponse::Ok();
            response.insert_header((CONFIG_VERSION, &*serving.config_version));
            let versions = model_versions(&serving.perspective);
            if !versions.is_empty() {
                response.insert_header((MODEL_VERSION, versions));
            }
            response.json(answer)
        }
        Err(refusal) => refusal.response(),
    }
}

fn model_versions(route: &PerspectiveAttributes) -> String {
    let versions = route.attributes.values().filter_map(|(pool, _)| {
        let version = pool.version()?;
        Some(format!("{}={}", pool.scorer(), version.escape_default()))
    });
    let versions: BTreeSet<String> = versions.collect();
    versions.into_iter().collect::<Vec<_>>().join(", ")
}

async fn answer(
    request: &HttpRequest,
    payload: Payload,
    access: &Access,
    bodies: &BodyReader,
    serving: &ServingConfig,
    state: &ScoreState,
) -> Result<Value, Refusal> {
    let arrived = Instant::now();
    if serving.perspective.attributes.is_empty() {
        return Err(ApiError::not_found("path not found").into());
    }
    check_key(access, request)?;
    let body = bodies.read(request, payload).await?;
    let _permit = state.admit()?;
    let read = |body: &[u8]| serde_json::from_slice(body).map_err(|error| invalid(&error));
    let (comment, _) = read_json(&body, read)?;
    let answer = score(&serving.perspective, comment, arrived + serving.deadline).await;
    state.record(arrived.elapsed());
    answer
}

/// Checks the key of `?key=` or of the headers. It is not logged: logs have paths without their queries.
fn check_key(access: &Access, request: &HttpRequest) -> Result<(), Refusal> {
    let query = Query::<KeyQuery>::from_query(request.query_string());
    let query = query.map(Query::into_inner).unwrap_or_default();
    let header = request.headers().get("x-goog-api-key");
    let header = header.and_then(|key| key.to_str().ok());
    let key = query.key.as_deref().or(header);
    access.check_given(Scope::Rank, request, key.map(str::as_bytes))?;
    Ok(())
}

async fn score(
    route: &PerspectiveAttributes,
    comment: AnalyzeRequest,
    deadline: Instant,
) -> Result<Value, Refusal> {
    let AnalyzeRequest {
        comment: Comment { text },
        requested_attributes: requested,
        languages,
        client_token,
    } = comment;
    check_text(&text)?;
    if requested.is_empty() {
        return Err(Refusal::invalid(
            "requestedAttributes must not be empty",
            Value::Null,
        ));
    }
    let (pools, asked) = asked_outputs(route, &requested, &languages)?;
    let end = text.chars().count();
    let feed = Arc::new(feed(&text, languages.first())?);
    let matrix = ScoreCollector::start(&feed, &pools, deadline, Wait::TimedAllOrNothing)
        .finish()
        .await;
    if let Some((scorer, _, error)) = matrix.first_missing() {
        let message = format!("{} has no score: {}", pools[scorer].scorer(), error.code());
        return Err(ApiError::incomplete("comment", message).into());
    }
    let scores = asked.into_iter().filter_map(|asked| {
        let row = matrix.scorers.get(asked.pool)?.rows.first()?;
        let value = row.as_ref().ok()?.number(asked.output)?;
        if asked.threshold.is_some_and(|threshold| value < threshold) {
            return None;
        }
        let score = json!({"value": value, "type": "PROBABILITY"});
        let spans = json!([{"begin": 0, "end": end, "score": score}]);
        Some((
            asked.attribute,
            json!({"spanScores": spans, "summaryScore": score}),
        ))
    });
    let scores: BTreeMap<&String, Value> = scores.collect();
    let languages = if languages.is_empty() {
        route.languages.iter().take(1).cloned().collect()
    } else {
        languages
    };
    let mut answer = json!({"attributeScores": scores, "languages": languages});
    if let Some(token) = client_token {
        answer["clientToken"] = token.into();
    }
    Ok(answer)
}

/// Finds the outputs that stand for the attributes, and the pools of their scorers, each once.
fn asked_outputs<'r>(
    route: &PerspectiveAttributes,
    requested: &'r BTreeMap<String, AttributeOptions>,
    languages: &[String],
) -> Result<(Vec<PoolHandle>, Vec<AskedOutput<'r>>), Refusal> {
    let (mut pools, mut asked) = (Vec::<PoolHandle>::new(), Vec::new());
    for (attribute, options) in requested {
        let Some((pool, output)) = route.attributes.get(attribute) else {
            let known: Vec<&str> = route.attributes.keys().map(String::as_str).collect();
            let message = format!(
                "unknown attribute {attribute}, expected one of {}",
                known.join(", ")
            );
            return Err(Refusal::invalid(&message, Value::Null));
        };
        check_languages(route, attribute, languages)?;
        let index = pools
            .iter()
            .position(|known| known.scorer() == pool.scorer());
        let index = index.unwrap_or_else(|| {
            pools.push(pool.clone());
            pools.len() - 1
        });
        asked.push(AskedOutput {
            attribute,
            threshold: options.score_threshold,
            pool: index,
            output: *output,
        });
    }
    Ok((pools, asked))
}

fn check_text(text: &str) -> Result<(), Refusal> {
    let details = |kind: &str| json!({"errorType": kind});
    if text.trim().is_empty() {
        return Err(Refusal::invalid(
            "Comment must be non-empty.",
            details("COMMENT_EMPTY"),
        ));
    }
    if text.len() > MAX_COMMENT_BYTES {
        let mut details = details("COMMENT_TOO_LONG");
        details["commentTooLong"] = json!({"maxNumBytes": MAX_COMMENT_BYTES});
        return Err(Refusal::invalid(
            "Comment text was too many bytes.",
            details,
        ));
    }
    Ok(())
}

fn check_languages(
    route: &PerspectiveAttributes,
    attribute: &str,
    languages: &[String],
) -> Result<(), Refusal> {
    let is_known = |language: &String| route.languages.iter().any(|known| known == language);
    if route.languages.is_empty() || languages.iter().all(is_known) {
        return Ok(());
    }
    let details = json!({
        "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        "languageNotSupportedByAttributeError": {
            "detectedLanguages": languages,
            "attribute": attribute,
        },
    });
    let message = format!(
        "Attribute {attribute} does not support request languages: {}",
        languages.join(", ")
    );
    Err(Refusal::invalid(&message, details))
}

/// A feed of one comment, for nobody in particular.
fn feed(text: &str, language: Option<&String>) -> Result<RankRequest, ApiError> {
    let request = json!({"data": [{"item_id": "comment", "text": text, "language": language, "type": "comment"}]});
    Ok(ScoringRequest::from_json(request.to_string().as_bytes())?.into_feed())
}

fn invalid(error: &serde_json::Error) -> ApiError {
    let place = format!("line {} column {}", error.line(), error.column());
    ApiError::invalid(
        "body",
        format!("expected an AnalyzeCommentRequest, found something else at {place}"),
    )
}

impl Refusal {
    fn invalid(message: &str, details: Value) -> Self {
        Self {
            code: StatusCode::BAD_REQUEST,
            status: "INVALID_ARGUMENT",
            message: message.to_owned(),
            details,
        }
    }

    fn response(self) -> HttpResponse {
        let mut error = json!({
            "code": self.code.as_u16(),
            "message": self.message,
            "status": self.status,
        });
        if let Value::Object(mut details) = self.details {
            let kind = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error";
            details.insert("@type".to_owned(), kind.into());
            error["details"] = json!([details]);
        }
        HttpResponse::build(self.code).json(json!({"error": error}))
    }
}

impl From<ApiError> for Refusal {
    /// Gives an error the status that Google's services have for it (`google.rpc.Code`).
    fn from(error: ApiError) -> Self {
        let code = error.status_code();
        let status = match code {
            StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
            StatusCode::FORBIDDEN => "PERMISSION_DENIED",
            StatusCode::NOT_FOUND => "NOT_FOUND",
            StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
            StatusCode::REQUEST_TIMEOUT => "DEADLINE_EXCEEDED",
            code if code.is_server_error() => "INTERNAL",
            _ => "INVALID_ARGUMENT",
        };
        Self {
            code,
            status,
            message: error.to_string(),
            details: Value::Null,
        }
    }
}
