use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use serde::Serialize;
use tokio::sync::watch;

use super::{Front, KnownScrapers};
use crate::actors::ConfigStatus;
use crate::actors::supervision::{ActorSystem, State};
use crate::db::Database;
use crate::feed::Degraded;
use crate::health::{HealthIssue, HealthIssues};

/// How long the database may take to answer a health check.
const PING_LIMIT: Duration = Duration::from_millis(250);

/// The actors that `/rank` cannot do without, by the beginning of their names.
const VITAL: [&str; 2] = ["ranker", "entity_board"];

/// What is not as it should be, though Weir may serve all the same.
#[derive(Clone)]
pub struct Health {
    issues: HealthIssues,
    results_away: watch::Receiver<Option<Instant>>,
    database: Database,
    config: Arc<ConfigStatus>,
    stopping: watch::Receiver<bool>,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<HealthIssue>,
}

impl Health {
    /// Health by what the parts report, the results' outages, the database's answers, the settings file and whether Weir is
    /// `stopping`.
    pub fn new(
        issues: HealthIssues,
        results_away: watch::Receiver<Option<Instant>>,
        database: Database,
        config: Arc<ConfigStatus>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            issues,
            results_away,
            database,
            config,
            stopping,
        }
    }

    /// What an answer of `/rank` says while the results are away: it goes by what was known before.
    pub(super) fn results_away(&self) -> Option<Degraded> {
        let away = self.results_away.borrow().is_some();
        away.then(|| Degraded {
            part: "results".into(),
            missed: 0,
            why: "away".into(),
        })
    }

    async fn ailments(&self, system: &ActorSystem, scrapers: &KnownScrapers) -> Vec<HealthIssue> {
        let ailing = |part: &str, why: &str| HealthIssue {
            part: part.to_owned(),
            why: why.to_owned(),
        };
        let down = system
            .signs()
            .into_iter()
            .filter(|signs| !matches!(signs.state, State::Starting | State::Running));
        let mut ailments: Vec<HealthIssue> = down
            .map(|signs| ailing(&format!("actor {}", signs.name), "not running"))
            .collect();
        ailments.extend(
            self.results_away()
                .map(|away| ailing(&away.part, &away.why)),
        );
        ailments.extend(scrapers.all().iter().filter_map(|scraper| {
            let part = format!("scraper {}", scraper.log.name());
            Some(ailing(&part, &scraper.log.ailment()?))
        }));
        ailments.extend(self.issues.current());
        ailments.extend(self.config.error().map(|error| ailing("config", &error)));
        ailments.extend(self.config.needs_restart().iter().map(|key| {
            ailing(
                "config",
                &format!("{key} was edited and takes effect at the next start"),
            )
        }));
        match tokio::time::timeout(PING_LIMIT, self.database.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => ailments.push(ailing("database", "away")),
            Err(_) => ailments.push(ailing("database", "no answer in time")),
        }
        ailments
    }
}

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Readiness {
        status: "live",
        degraded: Vec::new(),
    })
}

/// `GET /health/ready`: 200 while `/rank` can serve, with what ails; else 503.
pub(super) async fn ready(front: web::Data<Front>) -> HttpResponse {
    let degraded = front.health.ailments(&front.system, &front.scrapers).await;
    if *front.health.stopping.borrow() {
        return HttpResponse::ServiceUnavailable().json(Readiness {
            status: "stopping",
            degraded,
        });
    }
    if VITAL.iter().all(|vital| front.system.any_running(vital)) {
        HttpResponse::Ok().json(Readiness {
            status: "ready",
            degraded,
        })
    } else {
        HttpResponse::ServiceUnavailable().json(Readiness {
            status: "not ready",
            degraded,
        })
    }
}
