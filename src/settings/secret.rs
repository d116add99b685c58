//! Strings that must not reach a log.

use std::fmt;

use serde::Deserialize;

/// A string that prints as `[secret]`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The string itself; compare it in constant time.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it can be sent as it is in an HTTP header.
    pub(crate) fn fits_a_header(&self) -> bool {
        !self.0.is_empty() && self.0.chars().all(|sign| sign.is_ascii_graphic())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The URL of a server; it prints without its user, its password and its parameters.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ConnectionUrl(String);

impl ConnectionUrl {
    /// The whole URL, password included.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether no URL was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for ConnectionUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Display for ConnectionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password may itself hold any of `/?#@`: what counts is the last `@`.
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let (user, place) = rest
            .rsplit_once('@')
            .map_or(("", rest), |(_, place)| ("[secret]@", place));
        let place = place.split(['?', '#']).next().unwrap_or_default();
        let separator = if scheme.is_empty() { "" } else { "://" };
        write!(f, "{scheme}{separator}{user}{place}")
    }
}

impl fmt::Debug for ConnectionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[secret]");
    }

    #[test]
    fn a_url_prints_without_user_and_password() {
        for url in [
            "postgres://weir:hunter2@db:5432/weir",
            "postgres://weir:hun@ter/hunter2@db:5432/weir",
            "postgres://db:5432/weir?password=hunter2",
            "redis://:hunter2@db",
        ] {
            let printed = format!("{:?}", ConnectionUrl::from(url));
            assert!(
                printed.contains("db") && !printed.contains("hun"),
                "{printed}"
            );
        }
    }

    #[test]
    fn a_url_without_a_password_prints_as_it_is() {
        assert_eq!(
            ConnectionUrl::from("sqlite://data/weir.db").to_string(),
            "sqlite://data/weir.db"
        );
    }
}
