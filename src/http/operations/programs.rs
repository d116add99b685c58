use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::json;
use weir_programs::{Announcement, ProcessStatus, Program};

use crate::http::ApiError;
use crate::http::middleware::{AdminScope, Authorized};
use crate::programs::ProgramDirectory;

/// A program and its processes.
#[derive(Serialize)]
struct ProgramStatus<'p> {
    name: &'p str,
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
    programs: Data<ProgramDirectory>,
) -> HttpResponse {
    let all = programs.all();
    let status = all
        .iter()
        .map(|(name, program)| ProgramStatus::new(name, program));
    HttpResponse::Ok().json(json!({ "programs": status.collect::<Vec<_>>() }))
}

/// `POST /programs/{name}/reload`: starts new processes, which take over once one is ready.
pub(super) async fn reload(
    _: Authorized<AdminScope>,
    name: Path<String>,
    programs: Data<ProgramDirectory>,
) -> Result<HttpResponse, ApiError> {
    let not_found = || ApiError::not_found(format!("program {:?} not found", *name));
    let program = programs.get(&name).ok_or_else(not_found)?;
    match program.reload().await {
        Ok(()) => Ok(HttpResponse::Ok().json(ProgramStatus::new(&name, &program))),
        Err(error) => Err(ApiError::conflict(error.to_string())),
    }
}
