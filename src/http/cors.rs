use actix_cors::Cors;

/// Which web pages may call `/rank`: any (`*`), or those of the listed origins.
pub(super) fn for_origins(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["POST"])
        .allow_any_header()
        .expose_headers(["x-request-id"])
        .block_on_origin_mismatch(false)
        .max_age(3600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}
