use std::io;
use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};

use super::{
    ApiError, Front, actors, cors, health, ingest, jobs, metrics, panics, rank, results, schedules,
    score, scrapers,
};
use crate::settings::ServerSettings;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The server on `listener`, which runs when awaited. It leaves signals to its caller.
pub fn serve(
    listener: TcpListener,
    front: Data<Front>,
    settings: &ServerSettings,
    grace: Duration,
) -> io::Result<Server> {
    let origins = settings.cors_origins.clone();
    let app = move || {
        App::new()
            .app_data(Data::clone(&front))
            .wrap(from_fn(panics::answered))
            .wrap(Compress::default())
            .service(
                web::resource("/rank")
                    .wrap(Condition::new(
                        !origins.is_empty(),
                        cors::for_origins(&origins),
                    ))
                    .route(web::post().to(rank::rank))
                    .default_service(web::to(wrong_method)),
            )
            .configure(routes)
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

fn routes(config: &mut ServiceConfig) {
    let at = |path: &str, route: actix_web::Route| {
        web::resource(path)
            .route(route)
            .default_service(web::to(wrong_method))
    };
    config
        .service(at("/health/live", web::get().to(health::live)))
        .service(at("/health/ready", web::get().to(health::ready)))
        .service(at("/metrics", web::get().to(metrics::render)))
        .service(at("/score", web::post().to(score::score)))
        .service(at("/actors", web::get().to(actors::list)))
        .service(at("/jobs", web::get().to(jobs::list)).route(web::post().to(jobs::submit)))
        .service(at("/jobs/{id}", web::get().to(jobs::show)).route(web::delete().to(jobs::cancel)))
        .service(at("/jobs/{id}/result", web::get().to(jobs::result)))
        .service(at("/jobs/{id}/retry", web::post().to(jobs::retry)))
        .service(at("/schedules", web::get().to(schedules::list)))
        .service(at("/schedules/{name}/run", web::post().to(schedules::run)))
        .service(at("/results/{key:.*}", web::get().to(results::show)))
        .service(at("/data/scraper", web::post().to(ingest::ingest)))
        .service(at("/scrapers", web::get().to(scrapers::list)))
        .service(at("/scrapers/{name}/run", web::post().to(scrapers::run)));
}

async fn wrong_method() -> Result<String, ApiError> {
    Err(ApiError::method_not_allowed())
}

async fn unknown_path() -> Result<String, ApiError> {
    Err(ApiError::not_found("there is nothing at this path"))
}
