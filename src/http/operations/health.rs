use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::watch;

use crate::actors::{ConfigStatus, RunningScrapers};
use crate::db::Database;
use crate::health::{HealthIssue, HealthIssues};
use crate::serving::{ActiveArms, ServingConfig};
use weir_supervision::{ActorSystem, State};

/// How long the database may take to answer a health check.
const PING_LIMIT: Duration = Duration::from_millis(250);

/// Actors that `/rank` cannot do without, by the prefix of their names.
const REQUIRED: [&str; 2] = ["ranker", "snapshot.entities"];

/// Conditions that `/health/ready` reports, beside those of actors and scrapers.
#[derive(Clone)]
pub struct Health {
    issues: HealthIssues,
    database: Database,
    config: Arc<ConfigStatus>,
    stopping: watch::Receiver<bool>,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<HealthIssue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unassigned: Option<UnassignedUsers>,
}

/// Requests of users who were in no arm since the arms were last changed. Information, not a condition: an experiment on
/// some of the users has such requests for as long as it runs.
#[derive(Serialize)]
struct UnassignedUsers {
    requests: u64,
    share: f64,
    policy: String,
}

impl UnassignedUsers {
    /// Returns `None` if there were no such requests.
    fn seen(serving: &ServingConfig) -> Option<Self> {
        let ActiveArms {
            otherwise, counts, ..
        } = &serving.arms;
        let (requests, share) = counts.unassigned()?;
        Some(Self {
            requests,
            share,
            policy: otherwise.policy.name.clone(),
        })
    }
}

impl Health {
    /// Creates the report of what parts report, the answers of the database, the settings file and whether the server is
    /// `stopping`.
    pub fn new(
        issues: HealthIssues,
        database: Database,
        config: Arc<ConfigStatus>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            issues,
            database,
            config,
            stopping,
        }
    }

    /// Asks the database for an answer unless it is known to be unavailable. What an error says is among the issues then.
    async fn database_issue(&self) -> Option<HealthIssue> {
        let part = "database";
        if self.issues.current().iter().any(|issue| issue.part == part) {
            return None;
        }
        match tokio::time::timeout(PING_LIMIT, self.database.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => {
                self.database.observe(&error);
                None
            }
            Err(_) => Some(HealthIssue {
                part: part.to_owned(),
                why: "no answer in time".to_owned(),
            }),
        }
    }

    async fn issues(&self, system: &ActorSystem, scrapers: &RunningScrapers) -> Vec<HealthIssue> {
        let issue = |part: &str, why: &str| HealthIssue {
            part: part.to_owned(),
            why: why.to_owned(),
        };
        let states = system.states().into_iter();
        let down = states.filter(|(_, state)| !matches!(state, State::Starting | State::Running));
        let mut issues: Vec<HealthIssue> = down
            .map(|(actor, _)| issue(&format!("actor {actor}"), "not running"))
            .collect();
        issues.extend(scrapers.all().iter().filter_map(|scraper| {
            let part = format!("scraper {}", scraper.log.name());
            Some(issue(&part, &scraper.log.health_issue()?))
        }));
        issues.extend(self.database_issue().await);
        issues.extend(self.issues.current());
        issues.extend(self.config.error().map(|error| issue("config", &error)));
        if self.config.is_pending() {
            let why = "an edit takes effect once its programs are ready";
            issues.push(issue("config_pending", why));
        }
        issues.extend(self.config.needs_restart().iter().map(|key| {
            issue(
                "config",
                &format!("{key} was edited and takes effect at the next start"),
            )
        }));
        issues
    }
}

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Readiness {
        status: "live",
        degraded: Vec::new(),
        unassigned: None,
    })
}

/// `GET /health/ready`: 200 while `/rank` can serve, with the health issues; else 503.
pub(super) async fn ready(
    health: Data<Health>,
    system: Data<ActorSystem>,
    scrapers: Data<RunningScrapers>,
    serving: Data<ArcSwap<ServingConfig>>,
) -> HttpResponse {
    let degraded = health.issues(&system, &scrapers).await;
    let (mut response, status) = if *health.stopping.borrow() {
        (HttpResponse::ServiceUnavailable(), "stopping")
    } else if REQUIRED.iter().all(|actor| system.any_running(actor)) {
        (HttpResponse::Ok(), "ready")
    } else {
        (HttpResponse::ServiceUnavailable(), "not ready")
    };
    response.json(Readiness {
        status,
        degraded,
        unassigned: UnassignedUsers::seen(&serving.load()),
    })
}
