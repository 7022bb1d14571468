//! Answers as HTTP. The only file that knows status codes.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{
    CONNECTION, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    LOCATION, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::openapi::{self, RefOr};
use utoipa::{IntoResponses, ToSchema};

use crate::domain::answer::{Answer, Receipt};
use crate::domain::code::Code;
use crate::domain::ids::ItemId;
use crate::domain::refusal::Refusal;
use crate::wire::answer::write_answer;

/// Room for a usual answer.
const ANSWER_BYTES: usize = 512;
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM_TYPE: &str = "application/problem+json";
const PROBLEM: HeaderValue = HeaderValue::from_static(PROBLEM_TYPE);

const BEARER: &str = r#"Bearer realm="anteroom""#;
const BASIC: &str = r#"Basic realm="anteroom", charset="UTF-8""#;

/// What to answer, and as what it counts.
#[derive(Debug)]
pub enum Reply {
    /// To `workItem`: created or replayed.
    Submitted {
        /// The receipt.
        receipt: Box<Receipt>,
        /// False: 204 without a body.
        with_body: bool,
    },
    /// Anything else that is not refused.
    Plain(Answer),
}

/// The status of a refusal with that code.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::MalformedXml | Code::DoctypeRefused | Code::EncodingInvalid | Code::MalformedJson => {
            StatusCode::BAD_REQUEST
        }
        Code::NotAuthenticated => StatusCode::UNAUTHORIZED,
        Code::NotAuthorised => StatusCode::FORBIDDEN,
        Code::UnknownItem | Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::DuplicateReference
        | Code::WrongState
        | Code::VersionConflict
        | Code::CapacityFull => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::SchemaInvalid
        | Code::NotAWorkItem
        | Code::UnknownService
        | Code::UnknownTaskType
        | Code::UnknownAgent
        | Code::UnknownKey
        | Code::MissingKey
        | Code::ValueNotInSet
        | Code::ContactDataTooLarge
        | Code::AttachmentTypeRefused
        | Code::AttachmentCorrupt
        | Code::TimeOutOfRange
        | Code::RelatedTooDeep
        | Code::InvalidField => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RateLimited | Code::FairUseExceeded | Code::BufferFull => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Overloaded | Code::StorageFull | Code::StorageFailed | Code::Draining => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// A reply in XML.
pub fn reply(reply: Reply) -> Response {
    match reply {
        Reply::Submitted { receipt, with_body } => submitted(receipt, with_body),
        Reply::Plain(answer) => xml(StatusCode::OK, &answer),
    }
}

fn submitted(receipt: Box<Receipt>, with_body: bool) -> Response {
    let Some(id) = receipt.id else {
        return xml(StatusCode::OK, &Answer::Receipt(receipt));
    };
    let created = !receipt.duplicate;
    let mut response = match (with_body, created) {
        (false, _) => empty(StatusCode::NO_CONTENT),
        (true, true) => xml(StatusCode::CREATED, &Answer::Receipt(receipt)),
        (true, false) => xml(StatusCode::OK, &Answer::Receipt(receipt)),
    };
    if created || !with_body {
        set(&mut response, LOCATION, &location(id));
    }
    response
}

/// A refusal in XML.
pub fn refused(refusal: Refusal) -> Response {
    let mut response = empty(status(refusal.code()));
    refusal_headers(&mut response, &refusal, &[BEARER, BASIC]);
    let mut text = Vec::with_capacity(ANSWER_BYTES);
    write_answer(&Answer::Error(refusal), &mut text);
    response.headers_mut().insert(CONTENT_TYPE, XML);
    *response.body_mut() = Body::from(text);
    response
}

/// A refusal as RFC 9457 problem details with the same codes.
pub fn problem(refusal: &Refusal) -> Response {
    let status = status(refusal.code());
    let details = ProblemDetails {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        code: refusal.code().name(),
        detail: &refusal.first.message,
        retry: refusal.code().retry().name(),
        state: refusal.first.state.map(|state| state.name()),
    };
    let mut response = json(status, &details);
    // Not Basic: a browser would ask for name and password in a window of its own.
    refusal_headers(&mut response, refusal, &[BEARER]);
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM);
    response
}

/// Why something was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(super) struct ProblemDetails<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    retry: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// What was made of a request by a handler that may refuse it.
pub fn shown(result: Result<Response, Refusal>) -> Response {
    result.unwrap_or_else(|refusal| problem(&refusal))
}

/// To whoever asks for an address that there is not.
pub async fn unknown_route() -> Response {
    problem(&Refusal::new(
        Code::NotFound,
        "There is nothing at this address.",
    ))
}

/// To whoever asks for an address with a method that it does not know.
pub async fn wrong_method() -> Response {
    problem(&Refusal::new(
        Code::MethodNotAllowed,
        "This address does not know the method.",
    ))
}

impl IntoResponses for ProblemDetails<'_> {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let details = openapi::Ref::from_schema_name(ProblemDetails::name());
        let refused = openapi::ResponseBuilder::new()
            .description("Refused; `code` says why.")
            .content(PROBLEM_TYPE, openapi::Content::new(Some(details)))
            .build();
        [("default".to_owned(), RefOr::T(refused))].into()
    }
}

/// JSON that is no refusal.
pub fn json_ok<T: Serialize>(value: &T) -> Response {
    json(StatusCode::OK, value)
}

/// JSON of something that was made just now.
pub fn json_created<T: Serialize>(value: &T) -> Response {
    json(StatusCode::CREATED, value)
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let text = serde_json::to_vec(value).expect("our own types have string keys");
    content(status, JSON, text)
}

/// A text that is there.
pub fn text_ok(content_type: &'static str, text: impl Into<Body>) -> Response {
    content(StatusCode::OK, HeaderValue::from_static(content_type), text)
}

/// A picture that the program has drawn, with a style of its own and nothing else.
pub fn svg_ok(picture: String) -> Response {
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'",
    );
    let mut response = bytes_ok("image/svg+xml", picture.into_bytes());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// Bytes of that media type, whatever they are.
pub fn bytes_ok(media_type: &str, bytes: Vec<u8>) -> Response {
    const ANY: HeaderValue = HeaderValue::from_static("application/octet-stream");
    let content_type = HeaderValue::from_str(media_type).unwrap_or(ANY);
    let mut response = content(StatusCode::OK, content_type, bytes);
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// The same to be kept under that name, never to be shown in a page (RFC 6266, RFC 8187).
pub fn as_file(mut response: Response, name: &str) -> Response {
    let kept = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let plain: String = name
        .chars()
        .map(|char| match char.is_ascii() && kept(&(char as u8)) {
            true => char,
            false => '_',
        })
        .collect();
    let encoded: String = name
        .bytes()
        .map(|byte| match kept(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    set(&mut response, CONTENT_DISPOSITION, &value);
    response
}

/// The same with its version, for `If-Match`.
pub fn with_version(mut response: Response, version: u32) -> Response {
    set(&mut response, ETAG, &format!("\"{version}\""));
    response
}

/// Done, and there is nothing to say.
pub fn nothing() -> Response {
    empty(StatusCode::NO_CONTENT)
}

/// The verdict of a probe.
pub fn probe(healthy: bool, text: String) -> Response {
    let status = if healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    content(status, content_type, text)
}

/// Lets the connection end with this response: what may still come on it is not wanted.
pub fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

fn xml(status: StatusCode, answer: &Answer) -> Response {
    let mut text = Vec::with_capacity(ANSWER_BYTES);
    write_answer(answer, &mut text);
    content(status, XML, text)
}

fn content(status: StatusCode, content_type: HeaderValue, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn refusal_headers(response: &mut Response, refusal: &Refusal, schemes: &[&'static str]) {
    if let Some(seconds) = refusal.first.retry_after_s {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(id) = refusal.existing {
        set(response, LOCATION, &location(id));
    }
    if refusal.code() == Code::NotAuthenticated {
        for scheme in schemes {
            let value = HeaderValue::from_static(scheme);
            response.headers_mut().append(WWW_AUTHENTICATE, value);
        }
    }
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("ids, versions and encoded names are ASCII");
    response.headers_mut().insert(name, value);
}

fn location(id: ItemId) -> String {
    format!("/v1/work-items/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_status_of_the_contract() {
        let table = [
            (
                400,
                "malformedXml doctypeRefused encodingInvalid malformedJson",
            ),
            (401, "notAuthenticated"),
            (403, "notAuthorised"),
            (404, "unknownItem notFound"),
            (405, "methodNotAllowed"),
            (406, "notAcceptable"),
            (408, "requestTimeout"),
            (
                409,
                "duplicateReference wrongState versionConflict capacityFull",
            ),
            (413, "tooLarge"),
            (415, "unsupportedMediaType"),
            (
                422,
                "schemaInvalid notAWorkItem unknownService unknownTaskType unknownAgent unknownKey \
                 missingKey valueNotInSet contactDataTooLarge attachmentTypeRefused \
                 attachmentCorrupt timeOutOfRange relatedTooDeep invalidField",
            ),
            (429, "rateLimited fairUseExceeded bufferFull"),
            (500, "internalError"),
            (503, "overloaded storageFull storageFailed draining"),
        ];
        for code in Code::ALL {
            let row = table
                .iter()
                .find(|(_, names)| names.split_whitespace().any(|name| name == code.name()));
            let expected = row.expect("every code stands in the table").0;
            assert_eq!(status(code).as_u16(), expected, "{code:?}");
        }
    }
}
