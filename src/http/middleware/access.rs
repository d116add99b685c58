use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use subtle::ConstantTimeEq;

use crate::http::ApiError;
use crate::settings::{AuthSettings, Scope, Secret};

/// Decides by the key of a request which scopes it may use. Neither the peer's address nor a header that names a host
/// counts: behind a proxy every peer is local, and the proxy writes the headers.
#[derive(Debug, Clone)]
pub struct Access {
    keys: AuthSettings,
    generated: Option<Secret>,
}

impl Access {
    /// Rules for the configured keys and the admin key of the data folder, if that is in use.
    pub fn new(keys: &AuthSettings, generated: Option<Secret>) -> Self {
        Self {
            keys: keys.clone(),
            generated,
        }
    }

    /// Returns an error unless the request may use `scope`.
    ///
    /// A key is sent as `Authorization: Bearer KEY` or `X-Api-Key: KEY`. An admin key opens every scope. A request with an
    /// `Origin` needs a key also where the scope is open: a web page sends it from wherever its reader is.
    pub(in crate::http) fn check(
        &self,
        scope: Scope,
        request: &HttpRequest,
    ) -> Result<(), ApiError> {
        self.check_given(scope, request, None)
    }

    /// Returns an error unless the request may use `scope`, with a key that it gives in another way than by the two headers.
    pub(in crate::http) fn check_given(
        &self,
        scope: Scope,
        request: &HttpRequest,
        given: Option<&[u8]>,
    ) -> Result<(), ApiError> {
        let headers = request.headers();
        let given = given
            .or_else(|| bearer_token(headers))
            .or_else(|| api_key(headers));
        match scope {
            Scope::Rank if self.keys.rank.is_empty() => Ok(()),
            _ if self.keys.open.contains(&scope) && !headers.contains_key(header::ORIGIN) => Ok(()),
            _ => self.check_key(scope, given),
        }
    }

    fn check_key(&self, scope: Scope, given: Option<&[u8]>) -> Result<(), ApiError> {
        let Some(given) = given else {
            return Err(ApiError::unauthorized(
                "missing API key, expected `Authorization: Bearer KEY`",
            ));
        };
        let scoped = self.keys.keys(scope).iter();
        let accepted = scoped.chain(&self.keys.admin).chain(&self.generated);
        // Every key is compared, each in constant time, so that the time tells nothing.
        let known = accepted
            .map(|key| key.expose().as_bytes().ct_eq(given))
            .fold(subtle::Choice::from(0), |any, one| any | one);
        if known.into() {
            Ok(())
        } else {
            Err(ApiError::forbidden("the key does not open this scope"))
        }
    }
}

/// Proof that a request may use the scope `S`. Extracting it refuses every other request, so it stands first among the
/// arguments of a handler.
pub(in crate::http) struct Authorized<S>(PhantomData<S>);

/// A scope as a type.
pub(in crate::http) trait RequiredScope: 'static {
    const SCOPE: Scope;
}

pub(in crate::http) struct RankScope;
pub(in crate::http) struct IngestScope;
pub(in crate::http) struct AdminScope;

impl RequiredScope for RankScope {
    const SCOPE: Scope = Scope::Rank;
}

impl RequiredScope for IngestScope {
    const SCOPE: Scope = Scope::Ingest;
}

impl RequiredScope for AdminScope {
    const SCOPE: Scope = Scope::Admin;
}

impl<S: RequiredScope> FromRequest for Authorized<S> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let access = request.app_data::<Data<Access>>();
        let checked = access.map(|access| access.check(S::SCOPE, request));
        let checked = checked.unwrap_or_else(|| Err(ApiError::internal()));
        ready(checked.map(|()| Self(PhantomData)))
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

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::{ResponseError, test::TestRequest};

    use super::*;

    fn access(admin: &[&str]) -> Access {
        let keys = AuthSettings {
            admin: admin.iter().map(|&key| key.into()).collect(),
            ..AuthSettings::default()
        };
        Access::new(&keys, None)
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

    const FORBIDDEN: Option<u16> = Some(403);

    #[test]
    fn rank_without_a_key_is_open_everywhere() {
        assert_eq!(
            verdict(
                &access(&[]),
                Scope::Rank,
                &[("origin", "https://a.example")]
            ),
            None
        );
    }

    #[test]
    fn a_key_is_needed_where_there_is_one_and_any_of_them_will_do() {
        let access = access(&["one", "two"]);
        assert_eq!(
            verdict(&access, Scope::Admin, &[]),
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
        let access = access(&["one"]);
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
    fn without_a_key_no_header_lets_anybody_in() {
        let access = Access::new(&AuthSettings::default(), Some("made".into()));
        for headers in [
            &[][..],
            &[("host", "127.0.0.1:8001")],
            &[("host", "localhost"), ("content-type", "application/json")],
            &[("host", "[::1]:8001"), ("origin", "http://localhost:3000")],
            &[("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1")],
            &[("authorization", "Bearer "), ("x-api-key", "")],
        ] {
            for scope in [Scope::Ingest, Scope::Admin] {
                assert_eq!(verdict(&access, scope, headers), Some(401), "{headers:?}");
            }
            assert_eq!(verdict(&access, Scope::Rank, headers), None);
        }
    }

    #[test]
    fn an_admin_key_opens_every_scope_and_another_only_its_own() {
        let keys = AuthSettings {
            rank: vec!["ranks".into()],
            ingest: vec!["ingests".into()],
            ..AuthSettings::default()
        };
        let access = Access::new(&keys, Some("made".into()));
        let opened = |key: &str| {
            [Scope::Rank, Scope::Ingest, Scope::Admin]
                .map(|scope| verdict(&access, scope, &[("x-api-key", key)]).is_none())
        };
        assert_eq!(opened("made"), [true, true, true]);
        assert_eq!(opened("ranks"), [true, false, false]);
        assert_eq!(opened("ingests"), [false, true, false]);
        assert_eq!(opened("mad"), [false, false, false]);
    }

    #[test]
    fn an_open_scope_needs_a_key_only_of_web_pages() {
        let keys = AuthSettings {
            open: vec![Scope::Ingest],
            ..AuthSettings::default()
        };
        let access = Access::new(&keys, Some("made".into()));
        assert_eq!(verdict(&access, Scope::Ingest, &[]), None);
        assert_eq!(verdict(&access, Scope::Admin, &[]), Some(401));
        for origin in ["https://a.example", "null", "http://localhost:8001"] {
            let page = [("origin", origin)];
            assert_eq!(verdict(&access, Scope::Ingest, &page), Some(401));
            let with_key = [("origin", origin), ("x-api-key", "made")];
            assert_eq!(verdict(&access, Scope::Ingest, &with_key), None);
        }
    }
}
