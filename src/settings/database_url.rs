//! Connection URLs of databases, read before any driver sees them: drivers log parameters that they do not know, values
//! included.

use std::net::IpAddr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::form_urlencoded;

/// Longest parameter name that an error shows.
const LONGEST_NAME: usize = 40;

/// Parameters of libpq that are not supported, with what to do in place of each.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("connect_timeout", "set database.connect_timeout"),
    ("channel_binding", "remove it"),
    ("client_encoding", "remove it, the encoding is always UTF8"),
    ("fallback_application_name", "use application_name"),
    ("gssdelegation", ""),
    ("gssencmode", "remove it"),
    ("gsslib", ""),
    ("keepalives", "remove it"),
    ("keepalives_count", "remove it"),
    ("keepalives_idle", "remove it"),
    ("keepalives_interval", "remove it"),
    ("krbsrvname", ""),
    ("load_balance_hosts", ""),
    ("max_protocol_version", ""),
    ("min_protocol_version", ""),
    ("passfile", "set the variable PGPASSFILE"),
    ("replication", ""),
    ("require_auth", ""),
    ("requirepeer", ""),
    ("service", ""),
    ("servicefile", ""),
    ("ssl_max_protocol_version", ""),
    ("ssl_min_protocol_version", ""),
    ("sslcertmode", ""),
    ("sslcompression", "remove it"),
    ("sslcrl", ""),
    ("sslcrldir", ""),
    ("sslnegotiation", ""),
    ("sslpassword", "use a key without a password"),
    ("sslsni", "remove it"),
    ("tcp_user_timeout", "remove it"),
    ("tty", "remove it"),
];

const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// Reason why a connection URL is refused. Never shows a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The URL is of another kind of database.
    #[error("expected sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME")]
    Scheme,
    /// A parameter that no version of the database's own clients takes.
    #[error("the URL has the unknown parameter {name}{hint}", hint = in_parentheses(hint))]
    UnknownParameter {
        /// The parameter's name, quoted.
        name: String,
        /// Remedy, for the user.
        hint: &'static str,
    },
    /// A parameter that the database's own clients take and Weir does not.
    #[error("the URL has the parameter `{name}`, which is not supported{hint}", hint = in_parentheses(hint))]
    UnsupportedParameter {
        /// The parameter's name.
        name: &'static str,
        /// Remedy, for the user.
        hint: &'static str,
    },
    /// A parameter whose value is not taken.
    #[error("the parameter `{name}` of the URL must be {expected}")]
    Value {
        /// The parameter's name.
        name: &'static str,
        /// Expected form.
        expected: &'static str,
    },
    /// Another part of the URL that cannot be read.
    #[error("the {part} of the URL cannot be read: expected {expected}")]
    Part {
        /// The part.
        part: &'static str,
        /// Expected form.
        expected: &'static str,
    },
}

fn in_parentheses(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!(" ({hint})")
    }
}

/// Checks the URL of a database that Weir connects to.
pub(super) fn check(url: &str) -> Result<(), UrlError> {
    if url.starts_with("sqlite:") {
        return check_sqlite(url);
    }
    PostgresUrl::parse(url).map(drop)
}

/// Checks the parameters of a `sqlite:` URL.
pub fn check_sqlite(url: &str) -> Result<(), UrlError> {
    let rest = url.strip_prefix("sqlite:").ok_or(UrlError::Scheme)?;
    let Some((_, parameters)) = rest.split_once('?') else {
        return Ok(());
    };
    for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
        let (name, known, expected): (_, &[&str], _) = match &*name {
            "mode" => (
                "mode",
                &["ro", "rw", "rwc", "memory"],
                "ro, rw, rwc or memory",
            ),
            "cache" => ("cache", &["private", "shared"], "private or shared"),
            "immutable" => ("immutable", &["true", "1", "false", "0"], "true or false"),
            "vfs" => continue,
            _ => return Err(unknown(&name, parameters)),
        };
        if !known.contains(&&*value) {
            return Err(UrlError::Value { name, expected });
        }
    }
    Ok(())
}

/// A `postgres://` URL in its parts. The forms are those of libpq:
/// <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    user: Option<String>,
    password: Option<String>,
    hosts: Vec<Host>,
    must_take_writes: bool,
    database: Option<String>,
    ssl_mode: Option<&'static str>,
    ssl_root_cert: Option<String>,
    /// What else the driver takes, under the names that it knows.
    parameters: Vec<(&'static str, String)>,
}

/// A server's name or address, or the folder of its socket, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    fn is_valid(&self) -> bool {
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_');
        let name = self.name.as_str();
        name.starts_with('/')
            || name.parse::<IpAddr>().is_ok()
            || !name.is_empty() && name.chars().all(is_name)
    }
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

    fn take(
        &mut self,
        name: &str,
        value: String,
        parameters: &str,
        overrides: &mut Overrides,
    ) -> Result<(), UrlError> {
        let expect = |holds: bool, name, expected| {
            if holds {
                Ok(())
            } else {
                Err(UrlError::Value { name, expected })
            }
        };
        match name {
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "host" => overrides.host = Some(value).filter(|host| !host.is_empty()),
            "hostaddr" => {
                let is_address = value.parse::<IpAddr>().is_ok();
                expect(is_address, "hostaddr", "one IP address")?;
                overrides.host = Some(value);
            }
            "port" => overrides.port = Some(value),
            "sslmode" | "ssl-mode" => {
                let known = SSL_MODES.iter().find(|mode| **mode == value);
                let expected = "disable, allow, prefer, require, verify-ca or verify-full";
                expect(known.is_some(), "sslmode", expected)?;
                self.ssl_mode = known.copied();
            }
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => self.ssl_root_cert = Some(value),
            "sslcert" | "ssl-cert" => self.parameters.push(("sslcert", value)),
            "sslkey" | "ssl-key" => self.parameters.push(("sslkey", value)),
            "application_name" => self.parameters.push(("application_name", value)),
            "options" => self.parameters.push(("options", value)),
            "statement-cache-capacity" => {
                let is_number = value.parse::<u16>().is_ok();
                expect(is_number, "statement-cache-capacity", "a whole number")?;
                self.parameters.push(("statement-cache-capacity", value));
            }
            "target_session_attrs" => {
                let known = ["any", "read-write", "primary"];
                let expected = "any, read-write or primary";
                expect(known.contains(&&*value), "target_session_attrs", expected)?;
                self.must_take_writes = value != "any";
            }
            _ => {
                let option = name
                    .strip_prefix("options[")
                    .and_then(|name| name.strip_suffix(']'));
                if let Some(option) = option.filter(|option| is_presentable(option)) {
                    let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
                    self.parameters
                        .push(("options", format!("-c {option}={value}")));
                    return Ok(());
                }
                let unsupported = UNSUPPORTED.iter().find(|(known, _)| *known == name);
                return Err(match unsupported {
                    Some(&(name, hint)) => UrlError::UnsupportedParameter { name, hint },
                    None => unknown(name, parameters),
                });
            }
        }
        Ok(())
    }
}

/// Hosts and ports given as parameters, which go before those of the authority.
#[derive(Default)]
struct Overrides {
    host: Option<String>,
    port: Option<String>,
}

impl Overrides {
    fn apply(self, hosts: Vec<Host>) -> Result<Vec<Host>, UrlError> {
        let mut hosts = match self.host {
            Some(names) => {
                let port = hosts.first().and_then(|host| host.port);
                let host = |name: &str| Host {
                    name: name.to_owned(),
                    port,
                };
                names.split(',').map(host).collect()
            }
            None => hosts,
        };
        let Some(ports) = self.port else {
            return Ok(hosts);
        };
        let expected = UrlError::Value {
            name: "port",
            expected: "a port for all hosts, or one for each",
        };
        let ports: Option<Vec<u16>> = ports.split(',').map(|port| port.parse().ok()).collect();
        let ports = ports.ok_or_else(|| expected.clone())?;
        if hosts.is_empty() {
            hosts.push(Host {
                name: "localhost".to_owned(),
                port: None,
            });
        }
        if ports.len() != 1 && ports.len() != hosts.len() {
            return Err(expected);
        }
        for (host, port) in hosts.iter_mut().zip(ports.into_iter().cycle()) {
            host.port = Some(port);
        }
        Ok(hosts)
    }
}

fn hosts_of_authority(hosts: &str) -> Result<Vec<Host>, UrlError> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    hosts.split(',').map(host_of_authority).collect()
}

fn host_of_authority(text: &str) -> Result<Host, UrlError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(UrlError::Part {
            part: "host",
            expected: "an IPv6 address in brackets",
        })?,
        None => match text.rfind(':') {
            Some(colon) => text.split_at(colon),
            None => (text, ""),
        },
    };
    let port = match port.strip_prefix(':').unwrap_or(port) {
        "" => None,
        port => Some(port.parse().map_err(|_| UrlError::Part {
            part: "port",
            expected: "a number up to 65535; signs such as : / @ in a password are written %3A %2F %40",
        })?),
    };
    let name = decoded("host", name)?.unwrap_or_else(|| "localhost".to_owned());
    Ok(Host { name, port })
}

/// `None` for an empty part.
fn decoded(part: &'static str, text: &str) -> Result<Option<String>, UrlError> {
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| UrlError::Part {
            part,
            expected: "UTF-8, percent-encoded",
        })?;
    Ok((!decoded.is_empty()).then(|| decoded.into_owned()))
}

fn unknown(name: &str, parameters: &str) -> UrlError {
    let hint = match name {
        "pgbouncer" => "set database.pooler",
        _ => "",
    };
    // What has no value may be the end of a password in which a ? was not encoded.
    let has_value = parameters
        .split('&')
        .any(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name));
    let name = if has_value && is_presentable(name) && !parameters.contains('@') {
        format!("`{name}`")
    } else {
        "(not shown; a ? in a password is written %3F)".to_owned()
    };
    UrlError::UnknownParameter { name, hint }
}

/// Returns whether a name can hold nothing but a name.
fn is_presentable(name: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "_-.".contains(sign);
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_driver(url: &str) -> String {
        PostgresUrl::parse(url).unwrap().for_driver().join(" ")
    }

    fn refusal(url: &str) -> String {
        check(url).unwrap_err().to_string()
    }

    #[test]
    fn hosts_and_socket_folders_are_taken_in_every_form() {
        for (url, expected) in [
            ("postgres://db/weir", "postgres://db/weir?"),
            (
                "postgresql://u:p@db:6432/weir",
                "postgres://u:p@db:6432/weir?",
            ),
            (
                "postgres://u@[::1]:6432/weir",
                "postgres://u@[::1]:6432/weir?",
            ),
            (
                "postgres://u@%2Fvar%2Frun%2Fpostgresql/weir",
                "postgres://u@%2Fvar%2Frun%2Fpostgresql/weir?",
            ),
            (
                "postgres://u@localhost:6432/weir?host=/run/pg",
                "postgres://u@%2Frun%2Fpg:6432/weir?",
            ),
            (
                "postgres:///weir?host=/run/pg&port=6432&user=u",
                "postgres://u@%2Frun%2Fpg:6432/weir?",
            ),
            (
                "postgres://db?dbname=weir&hostaddr=10.0.0.1",
                "postgres://10.0.0.1/weir?",
            ),
            ("postgres:///weir", "postgres:///weir?"),
            (
                "postgres://db.example.com/weir",
                "postgres://db.example.com/weir?",
            ),
            (
                "postgres://u@a:1,[::1]:2,c/weir",
                "postgres://u@a:1/weir? postgres://u@[::1]:2/weir? postgres://u@c/weir?",
            ),
            (
                "postgres:///weir?host=a,/run/pg&port=1,2",
                "postgres://a:1/weir? postgres://%2Frun%2Fpg:2/weir?",
            ),
        ] {
            assert_eq!(for_driver(url), expected, "{url}");
        }
    }

    #[test]
    fn a_password_with_any_sign_reaches_the_driver_encoded() {
        let url = "postgres://we%40ir:p%3Aa%2Fs%3Fs%23%25%20%C3%BC@db/weir";
        assert_eq!(
            for_driver(url),
            "postgres://we%40ir:p%3Aa%2Fs%3Fs%23%25%20%C3%BC@db/weir?"
        );
    }

    #[test]
    fn a_parameter_that_is_not_taken_is_named_without_its_value() {
        for (url, expected) in [
            (
                "postgres://db/weir?sslpassword=hunter2",
                "the URL has the parameter `sslpassword`, which is not supported (use a key without a password)",
            ),
            (
                "postgres://db/weir?sslmode=require&pasword=hunter2",
                "the URL has the unknown parameter `pasword`",
            ),
            (
                "postgres://db/weir?pgbouncer=true",
                "the URL has the unknown parameter `pgbouncer` (set database.pooler)",
            ),
            (
                "postgres://db/weir?sslmode=hunter2",
                "the parameter `sslmode` of the URL must be disable, allow, prefer, require, verify-ca or verify-full",
            ),
            (
                "sqlite://weir.db?key=hunter2",
                "the URL has the unknown parameter `key`",
            ),
            (
                "sqlite://weir.db?mode=hunter2",
                "the parameter `mode` of the URL must be ro, rw, rwc or memory",
            ),
        ] {
            assert_eq!(refusal(url), expected);
        }
    }

    #[test]
    fn no_refusal_shows_a_part_of_a_password_that_is_not_encoded() {
        for url in [
            "postgres://weir:hun?ter2@db/weir",
            "postgres://weir:hun/ter2@db/weir",
            "postgres://weir:hun#ter2@db/weir",
            "postgres://weir:hun?ter2=1&a@db/weir",
            "postgres://weir:12?ter2=1&a@db/weir",
            "postgres://db:hunter2/weir",
            "postgres://db/weir?hunter2",
            "mysql://weir:hunter2@db/weir",
            "postgres://db/weir?port=hunter2",
            "postgres://db/weir?hostaddr=hunter2",
            "postgres://db/weir?statement-cache-capacity=hunter2",
            "postgres://db/weir?target_session_attrs=hunter2",
            "postgres://db/weir?channel_binding=hunter2",
        ] {
            let refusal = refusal(url);
            assert!(
                !refusal.contains("hun") && !refusal.contains("ter2"),
                "{url}: {refusal}"
            );
        }
    }
}
