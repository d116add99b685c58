//! `http` and `https` addresses, kept as received.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// Longest normalised address, in characters (pydantic's `HttpUrl`).
const MAX_CHARS: usize = 2083;
/// An ASCII address of at most this length is within the limit however its characters are escaped.
const MAX_UNESCAPED: usize = MAX_CHARS / 3;

pub(super) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    WebAddress::deserialize(deserializer).map(|address| address.0)
}

/// A list of addresses; `null` is an empty one.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let addresses = Option::<Vec<WebAddress>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(addresses.into_iter().map(|address| address.0).collect())
}

struct WebAddress(String);

impl<'de> Deserialize<'de> for WebAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(WebAddressVisitor)
    }
}

struct WebAddressVisitor;

impl Visitor<'_> for WebAddressVisitor {
    type Value = WebAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an http or https URL with a host, of at most {MAX_CHARS} characters"
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WebAddress, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<WebAddress, E> {
        if is_web_address(&text) {
            Ok(WebAddress(text))
        } else {
            Err(E::invalid_value(Unexpected::Str(&text), &self))
        }
    }
}

/// Whether this is an `http` or `https` URL with a host, short enough for a request.
pub fn is_web_address(text: &str) -> bool {
    is_plain(text) || is_valid(text)
}

/// Returns the host in an address, as it is spelt there, without user and port.
pub fn host(url: &str) -> Option<&str> {
    let (_, behind_scheme) = url.split_once("://")?;
    let authority = behind_scheme.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    // An IPv6 address stands in brackets and has colons of its own.
    let end = match host.find(']') {
        Some(bracket) if host.starts_with('[') => bracket + 1,
        _ => host.find(':').unwrap_or(host.len()),
    };
    Some(&host[..end])
}

/// Whether the address is surely valid: ASCII, with a host of plain labels and no port or user. Nearly all are.
fn is_plain(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = &rest.as_bytes()[..end];
    let last_label = host.rsplit(|&b| b == b'.').next().unwrap_or_default();
    text.len() <= MAX_UNESCAPED
        && text.is_ascii()
        && last_label.first().is_some_and(u8::is_ascii_alphabetic)
        && host
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && !host.windows(2).any(|pair| pair == b"--")
}

fn is_valid(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.as_str().chars().count() <= MAX_CHARS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_no_user_and_no_port() {
        for (url, expected) in [
            ("https://Example.org:80/a@b", Some("Example.org")),
            ("http://user:secret@example.org?q", Some("example.org")),
            ("http://[2001:db8::1]:8080/", Some("[2001:db8::1]")),
            ("http://[2001:db8::1]", Some("[2001:db8::1]")),
            ("mailto:a@example.org", None),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
