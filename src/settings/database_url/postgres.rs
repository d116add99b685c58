use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use super::hosts::{Host, Overrides, hosts_of_authority};
use super::{UrlError, decoded};

/// A `postgres://` URL in its parts. The forms are those of libpq:
/// <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) hosts: Vec<Host>,
    pub(super) must_take_writes: bool,
    pub(super) database: Option<String>,
    pub(super) ssl_mode: Option<&'static str>,
    pub(super) ssl_root_cert: Option<String>,
    /// What else the driver takes, under the names that it knows.
    pub(super) parameters: Vec<(&'static str, String)>,
}

impl PostgresUrl {
    /// Reads a URL. Errors name what is wrong with it, and show no value.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or(UrlError::Scheme)?;
        if rest.contains('#') {
            return Err(UrlError::Part {
                part: "text after #",
                expected: "none: a # within a password is written %23",
            });
        }
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        let hosts = hosts_of_authority(hosts)?;
        let mut parsed = Self {
            user: decoded("user", user)?,
            password: decoded("password", password.unwrap_or_default())?,
            hosts: Vec::new(),
            must_take_writes: false,
            database: decoded("database name", database)?,
            ssl_mode: None,
            ssl_root_cert: None,
            parameters: Vec::new(),
        };
        let mut overrides = Overrides::default();
        for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
            parsed.take(&name, value.into_owned(), parameters, &mut overrides)?;
        }
        parsed.hosts = overrides.apply(hosts)?;
        if !parsed.hosts.iter().all(Host::is_valid) {
            return Err(UrlError::Part {
                part: "host",
                expected: "a name, an IP address, or the folder of a socket",
            });
        }
        Ok(parsed)
    }

    /// The path of the certificate authority's file, or `system`, as the URL names it.
    pub fn ssl_root_cert(&self) -> Option<&str> {
        self.ssl_root_cert.as_deref()
    }

    /// The mode of TLS that the URL names.
    pub fn ssl_mode(&self) -> Option<&'static str> {
        self.ssl_mode
    }

    /// Returns whether the URL sets startup options, which a pooler refuses.
    pub fn has_options(&self) -> bool {
        self.parameters
            .iter()
            .any(|(name, _)| name.starts_with("options"))
    }

    /// Returns whether a server that takes no writes is passed over.
    pub fn must_take_writes(&self) -> bool {
        self.must_take_writes
    }

    /// A URL for each host, in order, with each part where the driver looks for it and without the settings of TLS.
    pub fn for_driver(&self) -> Vec<String> {
        match &self.hosts[..] {
            [] => vec![self.with_host(None)],
            hosts => hosts
                .iter()
                .map(|host| self.with_host(Some(host)))
                .collect(),
        }
    }

    fn with_host(&self, host: Option<&Host>) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut url = "postgres://".to_owned();
        if self.user.is_some() || self.password.is_some() {
            url += &encoded(self.user.as_deref().unwrap_or_default());
            if let Some(password) = &self.password {
                url.push(':');
                url += &encoded(password);
            }
            url.push('@');
        }
        if let Some(Host { name, port }) = host {
            match name.chars().next() {
                Some('/') => url += &encoded(name),
                _ if name.contains(':') => url.extend(["[", name, "]"]),
                // The driver does not decode it.
                _ => url += name,
            }
            url += &port.map(|port| format!(":{port}")).unwrap_or_default();
        }
        if let Some(database) = &self.database {
            url.push('/');
            url += &encoded(database);
        }
        let mut parameters = form_urlencoded::Serializer::new(String::new());
        parameters.extend_pairs(&self.parameters);
        format!("{url}?{}", parameters.finish())
    }
}
