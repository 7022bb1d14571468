//! What the head of a request says about its body and about the answer: media types, charset,
//! content encoding.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};

use crate::domain::code::Code;
use crate::domain::refusal::Refusal;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// gzip (RFC 1952).
    Gzip,
}

/// What the head says about a message's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyKind<'a> {
    /// The `charset` of the `Content-Type`.
    pub charset: Option<&'a str>,
    /// How it is packed.
    pub packing: Packing,
}

impl<'a> BodyKind<'a> {
    /// Reads `Content-Type` and `Content-Encoding`.
    ///
    /// # Errors
    /// `unsupportedMediaType` for anything but XML, plain or gzipped.
    pub fn of(headers: &'a HeaderMap) -> Result<BodyKind<'a>, Refusal> {
        let charset = xml_charset(single(headers, &CONTENT_TYPE)?)?;
        let packing = packing(single(headers, &CONTENT_ENCODING)?)?;
        Ok(BodyKind { charset, packing })
    }
}

/// The value of a header that may occur once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str());
    match (first, values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        (Some(_), _) => Err(unsupported(format!(
            "Send one {name} header of ASCII characters."
        ))),
    }
}

fn xml_charset(content_type: Option<&str>) -> Result<Option<&str>, Refusal> {
    let mut parts = content_type.unwrap_or_default().split(';');
    let media_type = parts.next().unwrap_or_default().trim();
    let xml = ["application/xml", "text/xml"];
    if !xml
        .iter()
        .any(|known| known.eq_ignore_ascii_case(media_type))
    {
        return Err(unsupported(
            "Send the message with Content-Type application/xml or text/xml.".to_owned(),
        ));
    }
    let mut parameters = parts.filter_map(|part| part.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    Ok(charset.map(|(_, value)| value.trim().trim_matches('"')))
}

fn packing(content_encoding: Option<&str>) -> Result<Packing, Refusal> {
    let name = content_encoding.unwrap_or("identity").trim();
    if name.eq_ignore_ascii_case("identity") {
        Ok(Packing::Plain)
    } else if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
        Ok(Packing::Gzip)
    } else {
        Err(unsupported(
            "Send the message without Content-Encoding, or with gzip.".to_owned(),
        ))
    }
}

fn unsupported(message: String) -> Refusal {
    Refusal::new(Code::UnsupportedMediaType, message)
}

/// That the answer may be XML: a list that admits it with any weight above 0, or no list.
///
/// # Errors
/// `notAcceptable`.
pub fn accepts_xml(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lists = headers.get_all(ACCEPT).iter().peekable();
    if lists.peek().is_none() {
        return Ok(());
    }
    let admits = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(admits_xml);
    if admits {
        return Ok(());
    }
    Err(Refusal::new(
        Code::NotAcceptable,
        "Answers are XML: leave the Accept header out, or let it admit application/xml.",
    ))
}

fn admits_xml(range: &str) -> bool {
    const ADMITTED: [&str; 5] = [
        "application/xml",
        "text/xml",
        "application/*",
        "text/*",
        "*/*",
    ];
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let refused = parts.any(|parameter| {
        let weight = parameter
            .split_once('=')
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        weight.is_some_and(|(_, value)| value.trim().parse() == Ok(0.0_f32))
    });
    !refused
        && ADMITTED
            .iter()
            .any(|known| known.eq_ignore_ascii_case(media_type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn xml_is_known_by_its_media_type() {
        let cases = [
            ("application/xml", Some(None)),
            ("text/xml", Some(None)),
            ("Text/XML; charset=\"ISO-8859-1\"", Some(Some("ISO-8859-1"))),
            ("application/xml;v=1; Charset=utf-8", Some(Some("utf-8"))),
            ("application/json", None),
            ("application/xml2", None),
            ("", None),
        ];
        for (value, expected) in cases {
            let headers = headers(&[(CONTENT_TYPE, value)]);
            let found = BodyKind::of(&headers).ok().map(|kind| kind.charset);
            assert_eq!(found, expected, "{value}");
        }
        assert!(BodyKind::of(&HeaderMap::new()).is_err(), "no Content-Type");
    }

    #[test]
    fn only_gzip_is_unpacked() {
        let cases = [
            ("gzip", Some(Packing::Gzip)),
            ("X-GZIP", Some(Packing::Gzip)),
            ("identity", Some(Packing::Plain)),
            ("br", None),
            ("gzip, gzip", None),
        ];
        for (value, expected) in cases {
            let headers = headers(&[(CONTENT_TYPE, "text/xml"), (CONTENT_ENCODING, value)]);
            let found = BodyKind::of(&headers).ok().map(|kind| kind.packing);
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn accept_is_taken_at_its_word() {
        let cases = [
            ("*/*", true),
            ("application/json, application/*;q=0.1", true),
            ("text/xml", true),
            ("application/json", false),
            ("application/xml;q=0", false),
            ("application/xml; q=0.000, text/html", false),
        ];
        for (value, expected) in cases {
            let headers = headers(&[(ACCEPT, value)]);
            assert_eq!(accepts_xml(&headers).is_ok(), expected, "{value}");
        }
        assert!(accepts_xml(&HeaderMap::new()).is_ok());
    }
}
