//! Where a sender's notifications go: a URL, judged once when the configuration is read.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Longest URL, in bytes.
pub const NOTIFY_URL_BYTES_MAX: usize = 2_000;
/// Longest name of a host, in bytes.
const HOST_BYTES_MAX: usize = 253;

/// How the receiver is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// An absolute http or https URL without credentials and without a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NotifyUrl {
    text: String,
    /// How.
    pub scheme: Scheme,
    /// A name or an address (IPv6 without its brackets), in lower case.
    pub host: String,
    /// The one written, else the scheme's.
    pub port: u16,
    /// From the first `/`, the query included.
    pub path: String,
}

/// Why a text is no such URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Another scheme, or none.
    #[error("begin it with https:// or http://")]
    Scheme,
    /// A user name or password.
    #[error("a URL must not hold a user name or password; the signature says who sends")]
    Credentials,
    /// `#…`.
    #[error("a URL to send to has no fragment (`#`)")]
    Fragment,
    /// The host is missing or no host.
    #[error("the host is missing or not written as a name, an IPv4 address or [an IPv6 address]")]
    Host,
    /// Not 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A character that must be percent-encoded.
    #[error("a URL has no spaces, control or non-ASCII characters; percent-encode them")]
    Character,
    /// Longer than [`NOTIFY_URL_BYTES_MAX`].
    #[error("a URL has at most 2000 characters")]
    Length,
}

impl NotifyUrl {
    /// Host and port as the `Host` header has them: the scheme's own port is left out.
    pub fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port == self.scheme.port() {
            true => host,
            false => format!("{host}:{}", self.port),
        }
    }
}

impl fmt::Display for NotifyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for NotifyUrl {
    type Err = UrlFault;

    fn from_str(text: &str) -> Result<NotifyUrl, UrlFault> {
        if text.len() > NOTIFY_URL_BYTES_MAX {
            return Err(UrlFault::Length);
        }
        let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
        if !text.chars().all(is_plain) {
            return Err(UrlFault::Character);
        }
        let (scheme, rest) = [Scheme::Https, Scheme::Http]
            .into_iter()
            .find_map(|scheme| {
                let rest = text.strip_prefix(scheme.name())?.strip_prefix("://")?;
                Some((scheme, rest))
            })
            .ok_or(UrlFault::Scheme)?;
        if rest.contains('#') {
            return Err(UrlFault::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlFault::Credentials);
        }
        let (host, port) = split_authority(authority)?;
        let port = match port {
            None => scheme.port(),
            Some(port) => parse_port(port)?,
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(NotifyUrl {
            text: text.to_owned(),
            scheme,
            host,
            port,
            path: format!("{slash}{path}"),
        })
    }
}

fn split_authority(authority: &str) -> Result<(String, Option<&str>), UrlFault> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(UrlFault::Host)?;
        let address: Ipv6Addr = address.parse().map_err(|_| UrlFault::Host)?;
        let port = match port {
            "" => None,
            port => Some(port.strip_prefix(':').ok_or(UrlFault::Host)?),
        };
        return Ok((address.to_string(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_label = |label: &str| {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !label.is_empty() && label.chars().all(is_inner)
    };
    // One dot at the end says that the name is complete.
    let name = host.strip_suffix('.').unwrap_or(host);
    match host.len() <= HOST_BYTES_MAX && name.split('.').all(is_label) {
        true => Ok((host.to_ascii_lowercase(), port)),
        false => Err(UrlFault::Host),
    }
}

fn parse_port(port: &str) -> Result<u16, UrlFault> {
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = is_number.then(|| port.parse().ok()).flatten();
    parsed.filter(|port| *port > 0).ok_or(UrlFault::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> NotifyUrl {
        text.parse().expect("it is a URL")
    }

    #[test]
    fn a_url_falls_into_its_parts() {
        let url = parsed("https://Hooks.Bank.example/in?x=1&y=%20");
        assert_eq!((url.scheme, url.port), (Scheme::Https, 443));
        assert_eq!(url.host, "hooks.bank.example");
        assert_eq!(url.path, "/in?x=1&y=%20");
        assert_eq!(url.authority(), "hooks.bank.example");
        let url = parsed("http://127.0.0.1:8080");
        assert_eq!((url.path.as_str(), url.port), ("/", 8080));
        assert_eq!(url.authority(), "127.0.0.1:8080");
        let url = parsed("http://[2001:DB8::1]:81?q");
        assert_eq!(
            (url.host.as_str(), url.path.as_str()),
            ("2001:db8::1", "/?q")
        );
        assert_eq!(url.authority(), "[2001:db8::1]:81");
        assert_eq!(url.to_string(), "http://[2001:DB8::1]:81?q");
    }

    #[test]
    fn what_is_no_url_to_send_to_is_refused_with_its_reason() {
        for (text, fault) in [
            ("", UrlFault::Scheme),
            ("ftp://x/", UrlFault::Scheme),
            ("HTTPS://x/", UrlFault::Scheme),
            ("file:///etc/passwd", UrlFault::Scheme),
            ("https:x", UrlFault::Scheme),
            ("https://user@x/", UrlFault::Credentials),
            ("https://user:word@x/", UrlFault::Credentials),
            ("https://x/#a", UrlFault::Fragment),
            ("https:///x", UrlFault::Host),
            ("https://a..b/", UrlFault::Host),
            ("https://[::1/", UrlFault::Host),
            ("https://[fe80::1%25eth0]/", UrlFault::Host),
            ("https://[::1]x/", UrlFault::Host),
            ("https://a%2eb/", UrlFault::Host),
            ("https://x:/", UrlFault::Port),
            ("https://x:0/", UrlFault::Port),
            ("https://x:65536/", UrlFault::Port),
            ("https://x:+80/", UrlFault::Port),
            ("https://x/a b", UrlFault::Character),
            ("https://x/\r\nHost: y", UrlFault::Character),
            ("https://xå/", UrlFault::Character),
            ("https://x\\@y/", UrlFault::Character),
        ] {
            assert_eq!(text.parse::<NotifyUrl>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_url_has_at_most_two_thousand_characters() {
        let of_length = |length: usize| format!("https://x/{}", "a".repeat(length - 10));
        assert!(of_length(NOTIFY_URL_BYTES_MAX).parse::<NotifyUrl>().is_ok());
        let longer = of_length(NOTIFY_URL_BYTES_MAX + 1).parse::<NotifyUrl>();
        assert_eq!(longer, Err(UrlFault::Length));
    }

    #[test]
    fn the_last_port_is_taken() {
        assert_eq!(parsed("http://x:65535/").port, 65_535);
        assert_eq!(parsed("http://x:1/").port, 1);
    }
}
