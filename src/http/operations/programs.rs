use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::json;
use weir_programs::{Announcement, ProcessStatus, Program, Role};

use crate::http::ApiError;
use crate::http::middleware::{AdminScope, Authorized};
use crate::programs::RunningPrograms;

/// A program and its processes.
#[derive(Serialize)]
struct ProgramStatus<'p> {
    name: &'p str,
    /// Task of its processes: `scorer` or `job`.
    role: Role,
    /// Version that it announced, if a process was ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    scorers: Vec<String>,
    jobs: Vec<String>,
    sources: Vec<String>,
    processes: Vec<ProcessStatus>,
    /// Reason why it takes no calls, or why its newest reload failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

impl<'p> ProgramStatus<'p> {
    fn new(name: &'p str, program: &Program) -> Self {
        let pool = program.pool();
        let announcement = pool.announcement();
        let announced = announcement.as_deref();
        let names = |names: fn(&Announcement) -> Vec<String>| announced.map(names);
        Self {
            name,
            role: pool.spec().role,
            version: announced.map(|it| it.version.clone()),
            scorers: names(|it| it.scorers.keys().cloned().collect()).unwrap_or_default(),
            jobs: names(|it| it.jobs.keys().cloned().collect()).unwrap_or_default(),
            sources: names(|it| it.sources.keys().cloned().collect()).unwrap_or_default(),
            processes: pool.status(),
            trouble: pool.trouble().or(program.reload_error()),
        }
    }
}

/// `GET /programs`: every program that runs and its processes.
pub(super) async fn list(
    _: Authorized<AdminScope>,
    programs: Data<RunningPrograms>,
) -> HttpResponse {
    let (scoring, jobs) = (programs.scoring.all(), programs.jobs.all());
    let all = scoring.iter().chain(jobs.iter());
    let status = all.map(|(name, program)| ProgramStatus::new(name, program));
    HttpResponse::Ok().json(json!({ "programs": status.collect::<Vec<_>>() }))
}

/// `POST /programs/{name}/reload`: starts new processes, which take over once one is ready; those that score before those that run
/// jobs.
pub(super) async fn reload(
    _: Authorized<AdminScope>,
    name: Path<String>,
    programs: Data<RunningPrograms>,
) -> Result<HttpResponse, ApiError> {
    let both = [programs.scoring.get(&name), programs.jobs.get(&name)];
    let found: Vec<Arc<Program>> = both.into_iter().flatten().collect();
    if found.is_empty() {
        let message = format!("program {:?} not found", *name);
        return Err(ApiError::not_found(message));
    }
    for program in &found {
        let reloaded = program.reload().await;
        reloaded.map_err(|error| ApiError::conflict(error.to_string()))?;
    }
    let status = found.iter().map(|it| ProgramStatus::new(&name, it));
    let status = json!({ "programs": status.collect::<Vec<_>>() });
    Ok(HttpResponse::Ok().json(status))
}
