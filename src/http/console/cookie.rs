//! The cookie that carries a session.
//!
//! Under TLS its name begins with `__Host-`: then a browser takes it only with `Secure`, for this
//! host alone and the whole of it, so no neighbour can plant one (RFC 6265bis, 4.1.3.2).

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::http::server::Remote;

/// Over a connection without TLS.
const NAME: &str = "anteroom-session";
/// Over TLS.
const NAME_UNDER_TLS: &str = "__Host-anteroom-session";

fn name(remote: Remote) -> &'static str {
    match remote.is_encrypted {
        true => NAME_UNDER_TLS,
        false => NAME,
    }
}

/// The token in the cookie of a request.
pub fn token(headers: &HeaderMap, remote: Remote) -> Option<&str> {
    let name = name(remote);
    let lines = headers.get_all(COOKIE).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (known, token) = pair.trim().split_once('=')?;
        (known == name).then_some(token)
    })
}

/// The value of `Set-Cookie` that begins a session. It lasts as long as the browser runs, and as
/// the session holds.
pub fn set(token: &str, remote: Remote) -> String {
    written(token, remote, "")
}

/// The value of `Set-Cookie` that ends it.
pub fn clear(remote: Remote) -> String {
    written("", remote, "; Max-Age=0")
}

fn written(token: &str, remote: Remote, life: &str) -> String {
    let secure = if remote.is_encrypted { "; Secure" } else { "" };
    let name = name(remote);
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{life}")
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use axum::http::HeaderValue;

    use super::*;

    fn remote(is_encrypted: bool) -> Remote {
        Remote {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            is_encrypted,
        }
    }

    #[test]
    fn under_tls_it_is_secure_and_of_this_host_alone() {
        assert_eq!(
            set("abc", remote(true)),
            "__Host-anteroom-session=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set("abc", remote(false)),
            "anteroom-session=abc; Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            clear(remote(true)),
            "__Host-anteroom-session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
        );
    }

    #[test]
    fn it_is_found_among_others_and_not_by_the_other_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_static("a=b; xanteroom-session=no"),
        );
        headers.append(
            COOKIE,
            HeaderValue::from_static("c; anteroom-session=yes; d=e"),
        );
        assert_eq!(token(&headers, remote(false)), Some("yes"));
        assert_eq!(token(&headers, remote(true)), None);
    }
}
