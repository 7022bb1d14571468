//! Who asks? Lets in who is known, and nobody on the strength of a cookie alone.
//!
//! A browser sends its cookies with requests that other sites make it send. So a request that
//! changes something and shows a cookie must also say that it comes from our own pages: by
//! `Sec-Fetch-Site`, which no page can set (W3C Fetch Metadata), or, from browsers that do not send
//! it, by an `Origin` that is our own host. Whoever shows a token in `Authorization` has it from
//! elsewhere than a cookie jar, and needs none of this.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::domain::code::Code;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::engine::run::clock;
use crate::http::acting::Acting;
use crate::http::answer;
use crate::http::attendance::roll::Sign;
use crate::http::server::Remote;
use crate::http::state::Shared;
use crate::people::sign_in::SignedIn;

use super::cookie;

/// Where a browser says that a request comes from.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Puts [`SignedIn`] and [`Acting`] among the extensions of a request, or refuses it.
pub async fn admit(
    State(shared): State<Arc<Shared>>,
    Extension(remote): Extension<Remote>,
    mut request: Request,
    next: Next,
) -> Response {
    let signed_in = match known(&shared, &request, remote, clock()) {
        Ok(signed_in) => signed_in,
        Err(refusal) => return answer::problem(&refusal),
    };
    if let Err(refusal) = shared.sign_ins.note(&signed_in, remote.address).await {
        // The session goes on; a crash would end it earlier than it should.
        tracing::warn!(reason = refusal.first.message, "a session was not noted");
    }
    let sign = match request.method().is_safe() {
        true => Sign::Look,
        false => Sign::Input,
    };
    let attendance = &shared.attendance;
    attendance
        .requested(&shared.engine, signed_in.user().id, sign)
        .await;
    let acting = Acting {
        actor: signed_in.actor(),
        from: Some(remote.address.to_string()),
        user: Some(signed_in.account.clone()),
    };
    request.extensions_mut().insert(signed_in);
    request.extensions_mut().insert(acting);
    next.run(request).await
}

fn known(
    shared: &Shared,
    request: &Request,
    remote: Remote,
    now: Timestamp,
) -> Result<SignedIn, Refusal> {
    let headers = request.headers();
    if let Some(shown) = headers.get(AUTHORIZATION) {
        let token = shown.to_str().ok().and_then(bearer).ok_or_else(unknown)?;
        return shared.sign_ins.authenticate(token, now);
    }
    let token = cookie::token(headers, remote).ok_or_else(unknown)?;
    let signed_in = shared.sign_ins.authenticate(token, now)?;
    let is_ours = || site(headers, request.uri()) == Site::Ours;
    if request.method().is_safe() || is_ours() {
        return Ok(signed_in);
    }
    Err(Refusal::new(
        Code::NotAuthorised,
        "With a cookie, a change is taken only from our own pages: Sec-Fetch-Site must be \
         same-origin, or Origin our host. A program shows its token as Authorization: Bearer.",
    ))
}

fn unknown() -> Refusal {
    Refusal::new(
        Code::NotAuthenticated,
        "Show who you are: sign in with POST /api/v1/session, or send Authorization: Bearer with \
         a token.",
    )
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// From where a browser sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// From a page of ours, or from a person themselves.
    Ours,
    /// From a page of somebody else.
    Foreign,
    /// It does not say: an old browser, or no browser.
    Unsaid,
}

/// Reads it from the head of a request.
pub fn site(headers: &HeaderMap, uri: &Uri) -> Site {
    if let Some(said) = headers.get(SEC_FETCH_SITE) {
        return match said.as_bytes() {
            b"same-origin" | b"none" => Site::Ours,
            _ => Site::Foreign,
        };
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Site::Unsaid;
    };
    // HTTP/2 has the host in the address instead.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
    let origin = origin.to_str().ok();
    // Not its scheme: a proxy in front of us may be the one that speaks TLS.
    let origin = origin.and_then(|origin| origin.split_once("://"));
    match (origin, host) {
        (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host) => Site::Ours,
        _ => Site::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn where_a_request_comes_from_follows_the_table() {
        let table: [(&[(&str, &'static str)], Site); 13] = [
            (&[], Site::Unsaid),
            (&[("host", "a")], Site::Unsaid),
            (&[("sec-fetch-site", "same-origin")], Site::Ours),
            (&[("sec-fetch-site", "none")], Site::Ours),
            (&[("sec-fetch-site", "same-site")], Site::Foreign),
            (&[("sec-fetch-site", "cross-site")], Site::Foreign),
            (&[("sec-fetch-site", "")], Site::Foreign),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("host", "a"),
                    ("origin", "http://a"),
                ],
                Site::Foreign,
            ),
            (&[("host", "a:1"), ("origin", "http://A:1")], Site::Ours),
            (&[("host", "a"), ("origin", "https://a")], Site::Ours),
            (&[("host", "a:1"), ("origin", "http://a:2")], Site::Foreign),
            (&[("host", "a"), ("origin", "null")], Site::Foreign),
            (&[("origin", "http://a")], Site::Foreign),
        ];
        for (headers, expected) in table {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_static(value),
                    )
                })
                .collect();
            assert_eq!(
                site(&headers, &Uri::from_static("/")),
                expected,
                "{headers:?}"
            );
        }
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("https://a:1"));
        let uri = Uri::from_static("https://a:1/api/v1/session");
        assert_eq!(site(&headers, &uri), Site::Ours);
    }

    #[test]
    fn a_bearer_token_stands_behind_its_scheme() {
        let cases = [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(bearer(value), expected, "{value}");
        }
    }
}
