use std::io;
use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};

use super::middleware::{failures, observation, unread_body};
use super::{ApiError, AppState, ingest, jobs, operations, rank};
use crate::settings::ServerSettings;

/// Prefix of every route; a route answers without it as well.
pub(super) const VERSION: &str = "/v1";
/// Time that a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time that an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Returns the server on `listener`, which runs when awaited. It leaves signals to its caller.
pub fn serve(
    listener: TcpListener,
    state: AppState,
    settings: &ServerSettings,
    grace: Duration,
) -> io::Result<Server> {
    let origins = settings.cors_origins.clone();
    let app = move || {
        let (state, origins) = (state.clone(), &origins);
        App::new()
            .wrap(from_fn(unread_body::closed))
            .wrap(Compress::default())
            .wrap(from_fn(failures::answered))
            .wrap(from_fn(observation::observed))
            .configure(|config| state.configure(config))
            .service(web::scope(VERSION).configure(|config| routes(config, origins)))
            .configure(|config| routes(config, origins))
            .configure(rank::foreign_routes)
            .default_service(web::to(unknown_path))
    };
    let workers = match settings.workers {
        0 => available_parallelism()?.get(),
        workers => workers,
    };
    let server = HttpServer::new(app)
        .workers(workers)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        // A caller that hangs up ends its request.
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .shutdown_timeout(grace.as_secs().max(1))
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

fn routes(config: &mut ServiceConfig, cors_origins: &[String]) {
    rank::routes(config, cors_origins);
    jobs::routes(config);
    ingest::routes(config);
    operations::routes(config);
}

async fn unknown_path() -> Result<String, ApiError> {
    Err(ApiError::not_found("path not found"))
}
