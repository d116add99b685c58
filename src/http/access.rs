use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use subtle::ConstantTimeEq;

use super::ApiError;
use crate::settings::{AuthSettings, Secret};

/// What a caller wants to do; each scope has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Rank and score feeds.
    Rank,
    /// Hand in posts and errors of outside scrapers.
    Ingest,
    /// See and steer everything else.
    Admin,
}

/// Who may do what, decided by keys and by the address that Weir binds, never by the peer's: behind a proxy every peer
/// is local, in a container none is.
#[derive(Debug, Clone)]
pub struct Access {
    keys: AuthSettings,
    bound_to_loopback: bool,
}

impl Access {
    /// The rules for a Weir bound to `bind`.
    pub fn new(keys: AuthSettings, bind: SocketAddr) -> Self {
        Self {
            keys,
            bound_to_loopback: bind.ip().is_loopback(),
        }
    }

    /// Lets the request pass, or says why not.
    ///
    /// A scope with keys takes one of them, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`. Without keys, `Rank` is
    /// open and the others are only for a local program: no web page, no proxy.
    pub fn check(&self, scope: Scope, request: &HttpRequest) -> Result<(), ApiError> {
        let headers = request.headers();
        match (self.keys_of(scope), scope) {
            ([], Scope::Rank) => Ok(()),
            ([], _) => self.check_local(headers),
            (keys, _) => check_key(keys, headers),
        }
    }

    fn keys_of(&self, scope: Scope) -> &[Secret] {
        match scope {
            Scope::Rank => &self.keys.rank,
            Scope::Ingest => &self.keys.ingest,
            Scope::Admin => &self.keys.admin,
        }
    }

    fn check_local(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let refuse = |why: &str| {
            Err(ApiError::forbidden(format!(
                "without a configured key, {why}"
            )))
        };
        if !self.bound_to_loopback {
            return refuse("this is open only while Weir is bound to loopback");
        }
        if headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for") {
            return refuse("forwarded requests are refused");
        }
        if !text(headers, header::HOST.as_str()).is_some_and(is_loopback_authority) {
            return refuse("the Host must be a loopback one");
        }
        let local_origin = |origin: &str| {
            origin
                .split_once("://")
                .is_some_and(|(_, rest)| is_loopback_authority(rest))
        };
        if headers.contains_key(header::ORIGIN)
            && !text(headers, "origin").is_some_and(local_origin)
        {
            return refuse("foreign origins are refused");
        }
        if has_body(headers) && !text(headers, "content-type").is_some_and(is_json) {
            return refuse("a body must be application/json");
        }
        Ok(())
    }
}

fn check_key(keys: &[Secret], headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(given) = bearer_token(headers).or_else(|| api_key(headers)) else {
        return Err(ApiError::unauthorized(
            "a key is needed: Authorization: Bearer KEY",
        ));
    };
    // Every key is compared, each in constant time, so that the time tells nothing.
    let equal = |key: &Secret| key.expose().as_bytes().ct_eq(given);
    let known = keys
        .iter()
        .map(equal)
        .fold(subtle::Choice::from(0), |any, one| any | one);
    if known.into() {
        Ok(())
    } else {
        Err(ApiError::forbidden("this key does not open this"))
    }
}

/// Returns the token of the first `Authorization: Bearer` header. The scheme is case-insensitive (RFC 9110, 11.1), and any
/// blanks may surround the token.
fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get_all(header::AUTHORIZATION).find_map(|value| {
        let value = value.as_bytes().trim_ascii();
        let (scheme, token) = value.split_at_checked(b"Bearer".len())?;
        let token = token
            .strip_prefix(b" ")
            .or_else(|| token.strip_prefix(b"\t"))?
            .trim_ascii_start();
        (scheme.eq_ignore_ascii_case(b"Bearer") && !token.is_empty()).then_some(token)
    })
}

fn api_key(headers: &HeaderMap) -> Option<&[u8]> {
    let key = headers.get("x-api-key")?.as_bytes().trim_ascii();
    (!key.is_empty()).then_some(key)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || text(headers, "content-length").is_some_and(|length| length.trim() != "0")
}

fn is_json(content_type: &str) -> bool {
    content_type
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Whether `HOST` or `HOST:PORT` names this machine to itself.
fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::{ResponseError, test::TestRequest};

    use super::*;

    fn access(admin: &[&str], bind: &str) -> Access {
        let keys = AuthSettings {
            admin: admin.iter().map(|&key| key.into()).collect(),
            ..AuthSettings::default()
        };
        Access::new(keys, bind.parse().unwrap())
    }

    fn verdict(access: &Access, scope: Scope, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = TestRequest::default();
        for &(name, value) in headers {
            request = request.insert_header((name, value));
        }
        access
            .check(scope, &request.to_http_request())
            .err()
            .map(|error| error.status_code().as_u16())
    }

    const LOCAL: &str = "127.0.0.1:8001";
    const FORBIDDEN: Option<u16> = Some(403);

    #[test]
    fn rank_without_a_key_is_open_everywhere() {
        assert_eq!(
            verdict(
                &access(&[], "0.0.0.0:8001"),
                Scope::Rank,
                &[("origin", "https://a.example")]
            ),
            None
        );
    }

    #[test]
    fn a_key_is_needed_where_there_is_one_and_any_of_them_will_do() {
        let access = access(&["one", "two"], LOCAL);
        assert_eq!(
            verdict(&access, Scope::Admin, &[("host", LOCAL)]),
            Some(StatusCode::UNAUTHORIZED.as_u16())
        );
        assert_eq!(
            verdict(&access, Scope::Admin, &[("authorization", "Bearer three")]),
            FORBIDDEN
        );
        assert_eq!(
            verdict(&access, Scope::Admin, &[("authorization", "Bearer two")]),
            None
        );
        assert_eq!(
            verdict(&access, Scope::Admin, &[("x-api-key", "one")]),
            None
        );
    }

    #[test]
    fn a_bearer_key_is_read_in_any_case_and_with_any_blanks() {
        let access = access(&["one"], LOCAL);
        for value in [
            "Bearer one",
            "bearer one",
            "BEARER one",
            "bEaReR   one",
            "Bearer\tone",
            "Bearer \t one",
            "Bearer one \t ",
            "  Bearer one",
        ] {
            let headers = [("authorization", value)];
            assert_eq!(verdict(&access, Scope::Admin, &headers), None, "{value:?}");
        }
        for value in ["Bearer", "Bearer ", "Bearerone", "Basic one", "one", ""] {
            let headers = [("authorization", value)];
            assert_eq!(
                verdict(&access, Scope::Admin, &headers),
                Some(401),
                "{value:?}"
            );
        }
        assert_eq!(
            verdict(&access, Scope::Admin, &[("authorization", "Bearer o ne")]),
            FORBIDDEN
        );
        assert_eq!(
            verdict(&access, Scope::Admin, &[("x-api-key", " one\t")]),
            None
        );
    }

    #[test]
    fn without_a_key_only_a_local_program_is_let_in() {
        let local = access(&[], LOCAL);
        for host in ["127.0.0.1:8001", "localhost", "LOCALHOST:80", "[::1]:8001"] {
            assert_eq!(
                verdict(&local, Scope::Admin, &[("host", host)]),
                None,
                "{host}"
            );
        }
        for refused in [
            &[("host", "weir.example:8001")][..],
            &[("host", "127.0.0.1.example")],
            &[],
            &[("host", LOCAL), ("x-forwarded-for", "127.0.0.1")],
            &[("host", LOCAL), ("forwarded", "for=127.0.0.1")],
            &[("host", LOCAL), ("origin", "https://a.example")],
            &[("host", LOCAL), ("origin", "null")],
            &[
                ("host", LOCAL),
                ("content-length", "2"),
                ("content-type", "text/plain"),
            ],
            &[("host", LOCAL), ("transfer-encoding", "chunked")],
        ] {
            assert_eq!(
                verdict(&local, Scope::Ingest, refused),
                FORBIDDEN,
                "{refused:?}"
            );
        }
        let json = [
            ("host", LOCAL),
            ("content-length", "2"),
            ("content-type", "application/json; charset=utf-8"),
        ];
        assert_eq!(verdict(&local, Scope::Admin, &json), None);
        assert_eq!(
            verdict(
                &local,
                Scope::Admin,
                &[("host", LOCAL), ("origin", "http://localhost:3000")]
            ),
            None
        );
        assert_eq!(
            verdict(
                &access(&[], "0.0.0.0:8001"),
                Scope::Admin,
                &[("host", LOCAL)]
            ),
            FORBIDDEN
        );
    }
}
