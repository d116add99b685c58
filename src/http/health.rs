use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use tokio::sync::watch;

use super::{Front, KnownScrapers};
use crate::actors::ConfigStatus;
use crate::db::Database;
use crate::health::{HealthIssue, HealthIssues};
use crate::serving::{ActiveArms, ServingConfig};
use weir_supervision::{ActorSystem, State};

/// How long the database may take to answer a health check.
const PING_LIMIT: Duration = Duration::from_millis(250);

/// The actors that `/rank` cannot do without, by the beginning of their names.
const VITAL: [&str; 2] = ["ranker", "snapshot.entities"];

/// What is not as it should be, though Weir may serve all the same.
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
    /// Health by what the parts report, the database's answers, the settings file and whether Weir is
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

    async fn ailments(&self, system: &ActorSystem, scrapers: &KnownScrapers) -> Vec<HealthIssue> {
        let ailing = |part: &str, why: &str| HealthIssue {
            part: part.to_owned(),
            why: why.to_owned(),
        };
        let down = system
            .statuses()
            .into_iter()
            .filter(|signs| !matches!(signs.state, State::Starting | State::Running));
        let mut ailments: Vec<HealthIssue> = down
            .map(|signs| ailing(&format!("actor {}", signs.name), "not running"))
            .collect();
        ailments.extend(scrapers.all().iter().filter_map(|scraper| {
            let part = format!("scraper {}", scraper.log.name());
            Some(ailing(&part, &scraper.log.ailment()?))
        }));
        ailments.extend(self.database_issue().await);
        ailments.extend(self.issues.current());
        ailments.extend(self.config.error().map(|error| ailing("config", &error)));
        ailments.extend(self.config.needs_restart().iter().map(|key| {
            ailing(
                "config",
                &format!("{key} was edited and takes effect at the next start"),
            )
        }));
        ailments
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

/// `GET /health/ready`: 200 while `/rank` can serve, with what ails; else 503.
pub(super) async fn ready(front: web::Data<Front>) -> HttpResponse {
    let degraded = front.health.ailments(&front.system, &front.scrapers).await;
    let (mut response, status) = if *front.health.stopping.borrow() {
        (HttpResponse::ServiceUnavailable(), "stopping")
    } else if VITAL.iter().all(|vital| front.system.any_running(vital)) {
        (HttpResponse::Ok(), "ready")
    } else {
        (HttpResponse::ServiceUnavailable(), "not ready")
    };
    response.json(Readiness {
        status,
        degraded,
        unassigned: UnassignedUsers::seen(&front.serving.load()),
    })
}
