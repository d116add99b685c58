use std::io;
use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{
    App, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Resource, Responder,
    ResponseError, Route, guard,
};

use super::{
    ApiError, Front, actors, cors, health, ingest, jobs, metrics, observation, panics, rank,
    results, schedules, score, scrapers, unread_body,
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
            .wrap(from_fn(unread_body::closed))
            .wrap(from_fn(panics::answered))
            .wrap(Compress::default())
            .wrap(from_fn(observation::observed))
            .service(at("/rank", [post(rank::rank)]).wrap(Condition::new(
                !origins.is_empty(),
                cors::for_origins(&origins),
            )))
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
    config
        .service(at("/health/live", [get(health::live)]))
        .service(at("/health/ready", [get(health::ready)]))
        .service(at("/metrics", [get(metrics::render)]))
        .service(at("/score", [post(score::score)]))
        .service(at("/actors", [get(actors::list)]))
        .service(at("/jobs", [get(jobs::list), post(jobs::submit)]))
        .service(at("/jobs/{id}", [get(jobs::show), delete(jobs::cancel)]))
        .service(at("/jobs/{id}/result", [get(jobs::result)]))
        .service(at("/jobs/{id}/retry", [post(jobs::retry)]))
        .service(at("/schedules", [get(schedules::list)]))
        .service(at("/schedules/{name}/run", [post(schedules::run)]))
        .service(at("/results/{key:.*}", [get(results::show)]))
        .service(at("/data/scraper", [post(ingest::ingest)]))
        .service(at("/scrapers", [get(scrapers::list)]))
        .service(at("/scrapers/{name}/run", [post(scrapers::run)]));
}

/// A route, and its methods as `Allow` names them.
type MethodRoute = (&'static str, Route);

/// `HEAD` runs the handler of `GET`; the body of its response is not sent.
fn get<F, A>(handler: F) -> MethodRoute
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let either = guard::Any(guard::Get()).or(guard::Head());
    ("GET, HEAD", web::route().guard(either).to(handler))
}

fn post<F, A>(handler: F) -> MethodRoute
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    ("POST", web::post().to(handler))
}

fn delete<F, A>(handler: F) -> MethodRoute
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    ("DELETE", web::delete().to(handler))
}

/// A resource of these routes. `OPTIONS` is answered with 204, every other method with 405, both with `Allow`.
fn at(path: &str, routes: impl IntoIterator<Item = MethodRoute>) -> Resource {
    let mut resource = web::resource(path);
    let mut allow = "OPTIONS".to_owned();
    for (methods, route) in routes {
        resource = resource.route(route);
        allow = format!("{methods}, {allow}");
    }
    resource.default_service(web::to(move |request: HttpRequest| {
        let response = other_method(&request, &allow);
        async move { response }
    }))
}

fn other_method(request: &HttpRequest, allow: &str) -> HttpResponse {
    let mut response = match *request.method() {
        Method::OPTIONS => HttpResponse::NoContent().finish(),
        _ => ApiError::method_not_allowed().error_response(),
    };
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

async fn unknown_path() -> Result<String, ApiError> {
    Err(ApiError::not_found("there is nothing at this path"))
}
