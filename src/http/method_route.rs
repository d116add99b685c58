//! Resources that name their methods: `HEAD` wherever `GET` is, `OPTIONS` and 405 with `Allow`.

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, ResponseError, Route,
    guard, web,
};

use super::ApiError;

/// A route, and its methods as `Allow` names them.
type MethodRoute = (&'static str, Route);

/// `HEAD` runs the handler of `GET`; the body of its response is not sent.
pub(super) fn get<F, A>(handler: F) -> MethodRoute
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let either = guard::Any(guard::Get()).or(guard::Head());
    ("GET, HEAD", web::route().guard(either).to(handler))
}

pub(super) fn post<F, A>(handler: F) -> MethodRoute
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    ("POST", web::post().to(handler))
}

pub(super) fn delete<F, A>(handler: F) -> MethodRoute
where
    F: Handler<A>,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    ("DELETE", web::delete().to(handler))
}

/// Returns a resource of these routes. `OPTIONS` is answered with 204, every other method with 405, both with `Allow`.
pub(super) fn at(path: &str, routes: impl IntoIterator<Item = MethodRoute>) -> Resource {
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
