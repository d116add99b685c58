//! Jobs, schedules and stored results.

mod handlers;
mod query;
mod results;
mod schedules;
mod submission;

pub use handlers::JobsState;
pub use schedules::SchedulesState;

use actix_web::web::ServiceConfig;

use super::method_route::{at, delete, get, post};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(at("/jobs", [get(handlers::list), post(handlers::submit)]))
        .service(at(
            "/jobs/{id}",
            [get(handlers::show), delete(handlers::cancel)],
        ))
        .service(at("/jobs/{id}/result", [get(handlers::result)]))
        .service(at("/jobs/{id}/retry", [post(handlers::retry)]))
        .service(at("/schedules", [get(schedules::list)]))
        .service(at("/schedules/{name}/run", [post(schedules::run)]))
        .service(at("/results/{key:.*}", [get(results::show)]));
}
