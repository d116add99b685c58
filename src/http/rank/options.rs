use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Query;
use serde::Deserialize;

use crate::http::{Access, ApiError, Scope};
use crate::serving::{RankOptions, ServingConfig};

/// The header that lowers the deadline of one request.
const DEADLINE_HEADER: &str = "X-Deadline-Ms";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RankQuery {
    policy: Option<String>,
    #[serde(default)]
    explain: bool,
}

/// Reads the header and the query; the query is the admin's.
pub(super) fn rank_options(
    request: &HttpRequest,
    access: &Access,
    serving: &ServingConfig,
) -> Result<RankOptions, ApiError> {
    let deadline = match lowered_deadline(request)? {
        Some(lowered) => lowered.min(serving.deadline),
        None => serving.deadline,
    };
    let query = RankQuery::from_request(request)?;
    if query.policy.is_some() || query.explain {
        access.check(Scope::Admin, request)?;
    }
    let named = |name: String| match serving.policies.get(&name) {
        Some(policy) => Ok(Arc::clone(policy)),
        None => Err(ApiError::invalid(
            "policy",
            format!("policy {name:?} not found"),
        )),
    };
    Ok(RankOptions {
        policy: query.policy.map(named).transpose()?,
        deadline,
        explain: query.explain,
    })
}

impl RankQuery {
    fn from_request(request: &HttpRequest) -> Result<Self, ApiError> {
        if request.query_string().is_empty() {
            return Ok(Self::default());
        }
        let query = Query::from_query(request.query_string());
        query
            .map(Query::into_inner)
            .map_err(|error| ApiError::invalid("query", error.to_string()))
    }
}

fn lowered_deadline(request: &HttpRequest) -> Result<Option<Duration>, ApiError> {
    let Some(value) = request.headers().get(DEADLINE_HEADER) else {
        return Ok(None);
    };
    let millis = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let millis =
        millis.ok_or_else(|| ApiError::invalid(DEADLINE_HEADER, "expected whole milliseconds"))?;
    Ok(Some(Duration::from_millis(millis)))
}
