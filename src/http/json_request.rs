//! What a request of the JSON interface gives: its body and its parameters, within their limits.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::Uri;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::domain::code::Code;
use crate::domain::refusal::Refusal;

use super::query;

/// Bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a body is waited for, however small.
const BODY_WAIT: Duration = Duration::from_secs(30);
/// The pace at which one that may be large must come, after that.
const BODY_BYTES_PER_S_MIN: u64 = 16 * 1024;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 1_000;

/// The parameters of the address, as for XML but with the code of JSON.
///
/// # Errors
/// `invalidField` for one that is not among `known`, or stands twice.
pub fn json_parameters(uri: &Uri, known: &[&str]) -> Result<BTreeMap<String, String>, Refusal> {
    query::parameters(uri, known).map_err(|refusal| invalid(refusal.first.message))
}

/// The body as a value; an empty one is an empty object.
///
/// # Errors
/// `malformedJson`, `invalidField`, `tooLarge`, `requestTimeout`.
pub async fn json_body<T: DeserializeOwned>(request: Request) -> Result<T, Refusal> {
    json_body_of(request, BODY_BYTES_MAX).await
}

/// The same with another limit.
///
/// # Errors
/// As [`json_body`].
pub async fn json_body_of<T: DeserializeOwned>(
    request: Request,
    bytes_max: usize,
) -> Result<T, Refusal> {
    let body = Limited::new(request.into_body(), bytes_max);
    let allowance = Duration::from_secs(bytes_max as u64 / BODY_BYTES_PER_S_MIN);
    let bytes = match timeout(BODY_WAIT + allowance, body.collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(_)) => {
            return Err(Refusal::new(
                Code::TooLarge,
                format!("The body has more than {bytes_max} bytes, or broke off."),
            ));
        }
        Err(_) => {
            return Err(Refusal::new(
                Code::RequestTimeout,
                "The body came too slowly: send the request again.",
            ));
        }
    };
    let bytes = if bytes.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        bytes
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        // What stands in the body is the asker's own.
        let code = match error.classify() {
            serde_json::error::Category::Data => Code::InvalidField,
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Code::MalformedJson,
        };
        Refusal::new(code, format!("The body cannot be read: {error}."))
    })
}

/// A reason, within its limit.
///
/// # Errors
/// `invalidField`.
pub fn short_reason(reason: String) -> Result<String, Refusal> {
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(invalid("A reason has at most 1,000 characters."));
    }
    Ok(reason)
}

/// A field that cannot be taken; the message says what to change.
pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[tokio::test]
    async fn a_body_has_its_bytes_at_most() {
        for (bytes, expected) in [
            (BODY_BYTES_MAX - 1, None),
            (BODY_BYTES_MAX, None),
            (BODY_BYTES_MAX + 1, Some(Code::TooLarge)),
        ] {
            let text = format!(r#""{}""#, "x".repeat(bytes - 2));
            let request = Request::new(Body::from(text));
            let read: Result<String, Refusal> = json_body(request).await;
            let code = read.err().map(|refusal| refusal.code());
            assert_eq!(code, expected, "{bytes}");
        }
    }

    #[test]
    fn a_reason_has_its_characters_at_most() {
        for (chars, good) in [
            (REASON_CHARS_MAX - 1, true),
            (REASON_CHARS_MAX, true),
            (REASON_CHARS_MAX + 1, false),
        ] {
            assert_eq!(short_reason("å".repeat(chars)).is_ok(), good, "{chars}");
        }
    }
}
