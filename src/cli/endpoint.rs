use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, ensure};
use clap::Args;
use url::{Host, Url};

use super::config::{self, ConfigFile};
use crate::data_dir::AdminKey;
use crate::settings::{Secret, Settings};

/// Options that name a running server and the key for it.
#[derive(Debug, Args)]
pub(super) struct EndpointArgs {
    #[command(flatten)]
    config: ConfigFile,
    /// Address of the server, in place of the configured one.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "WEIR_URL",
        hide_env_values = true
    )]
    url: Option<String>,
    /// Admin key, in place of the configured one. Other users of this machine can see it here, but not in `WEIR_KEY`.
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        env = "WEIR_KEY",
        hide_env_values = true
    )]
    key: Option<Secret>,
}

/// Address of a running server and the key for it.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) key: Key,
    /// True if the server is reached without a proxy of the environment.
    pub(super) is_direct: bool,
}

/// Key for a server, or the reason why there is none.
#[derive(Debug)]
pub(super) enum Key {
    Found { key: Secret, source: String },
    NotFound(String),
}

impl EndpointArgs {
    /// Looks up in the configuration what the options leave open.
    pub(super) fn locate(self) -> anyhow::Result<Endpoint> {
        let url = self.url.filter(|url| !url.is_empty());
        let url = url.as_deref().map(parse_url).transpose()?;
        let key = self.key.filter(|key| !key.expose().is_empty());
        if let (Some(url), Some(key)) = (&url, &key) {
            return Ok(Endpoint::given(url.clone(), given_key(key.clone())));
        }
        let settings = config::load(self.config.path().as_deref());
        Ok(match (url, key, settings) {
            (None, key, settings) => {
                let settings = settings?;
                Endpoint {
                    url: configured_url(settings.server.bind)?,
                    key: key.map_or_else(|| configured_key(&settings), given_key),
                    is_direct: true,
                }
            }
            (Some(url), _, Ok(settings)) => Endpoint::with_configured_key(url, &settings),
            (Some(url), _, Err(error)) => {
                let why = format!("{:#}", anyhow::Error::new(error));
                Endpoint::given(url, Key::NotFound(why))
            }
        })
    }
}

impl Endpoint {
    fn given(url: Url, key: Key) -> Self {
        Self {
            is_direct: is_loopback(&url),
            url,
            key,
        }
    }

    /// Takes the configured key only if `url` is the configured address: another server must not come by it.
    fn with_configured_key(url: Url, settings: &Settings) -> Self {
        let bind = settings.server.bind;
        if let Some(url) = as_configured(&url, bind) {
            return Self {
                url,
                key: configured_key(settings),
                is_direct: true,
            };
        }
        let why = format!("the configured key is only for {bind}, where the server listens");
        Self::given(url, Key::NotFound(why))
    }
}

fn given_key(key: Secret) -> Key {
    Key::Found {
        key,
        source: "--key or WEIR_KEY".to_owned(),
    }
}

fn parse_url(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).context("--url is not a URL")?;
    let is_http = ["http", "https"].contains(&url.scheme()) && url.has_host();
    ensure!(is_http, "--url is not an http:// or https:// URL");
    Ok(url)
}

fn configured_url(bind: SocketAddr) -> anyhow::Result<Url> {
    ensure!(
        bind.port() != 0,
        "server.bind takes any free port: give the address with --url or WEIR_URL"
    );
    url_of(SocketAddr::new(reachable(bind.ip()), bind.port())).context("server.bind")
}

fn configured_key(settings: &Settings) -> Key {
    if let Some(key) = settings.auth.admin.first() {
        return Key::Found {
            key: key.clone(),
            source: "auth.admin".to_owned(),
        };
    }
    let data_dir = std::path::absolute(&settings.data_dir);
    match AdminKey::read(data_dir.as_ref().unwrap_or(&settings.data_dir)) {
        Ok(AdminKey { key, path }) => Key::Found {
            key,
            source: path.display().to_string(),
        },
        Err(error) => Key::NotFound(format!("{:#}", anyhow::Error::new(error))),
    }
}

/// The address as configured, if `url` names it. `localhost` is replaced: on its other address may be another server.
fn as_configured(url: &Url, bind: SocketAddr) -> Option<Url> {
    let ip = reachable(bind.ip());
    let names_it = match url.host()? {
        Host::Domain(name) => name == "localhost" && ip.is_loopback(),
        Host::Ipv4(host) => ip == host,
        Host::Ipv6(host) => ip == host,
    };
    let port = url.port_or_known_default()?;
    let is_same = names_it && url.scheme() == "http" && [0, port].contains(&bind.port());
    is_same.then(|| url_of(SocketAddr::new(ip, port)).ok())?
}

fn url_of(address: SocketAddr) -> Result<Url, url::ParseError> {
    Url::parse(&format!("http://{address}"))
}

/// Where a server that listens on `ip` is reached from the same machine.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_reached_on_loopback() {
        for (bind, url) in [
            ("0.0.0.0:8001", "http://127.0.0.1:8001/"),
            ("[::]:8001", "http://[::1]:8001/"),
            ("127.0.0.1:9", "http://127.0.0.1:9/"),
            ("10.0.0.5:8001", "http://10.0.0.5:8001/"),
        ] {
            let found = configured_url(bind.parse().unwrap()).unwrap();
            assert_eq!(found.as_str(), url);
        }
        let error = configured_url("127.0.0.1:0".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("--url"), "{error}");
    }

    #[test]
    fn a_url_is_the_configured_address_only_with_its_host_and_port() {
        for (url, bind, expected) in [
            (
                "http://127.0.0.1:8001",
                "127.0.0.1:8001",
                Some("http://127.0.0.1:8001/"),
            ),
            (
                "http://localhost:8001",
                "127.0.0.1:8001",
                Some("http://127.0.0.1:8001/"),
            ),
            (
                "http://localhost:8001",
                "[::]:8001",
                Some("http://[::1]:8001/"),
            ),
            (
                "http://127.0.0.1:8001",
                "0.0.0.0:8001",
                Some("http://127.0.0.1:8001/"),
            ),
            (
                "http://127.0.0.1:7",
                "127.0.0.1:0",
                Some("http://127.0.0.1:7/"),
            ),
            ("http://10.0.0.5", "10.0.0.5:80", Some("http://10.0.0.5/")),
            ("http://127.0.0.1:8002", "127.0.0.1:8001", None),
            ("http://127.0.0.2:8001", "127.0.0.1:8001", None),
            ("http://[::1]:8001", "127.0.0.1:8001", None),
            ("http://localhost:8001", "10.0.0.5:8001", None),
            ("http://weir.example:8001", "0.0.0.0:8001", None),
            ("http://localhost.example:8001", "127.0.0.1:8001", None),
            ("https://127.0.0.1:8001", "127.0.0.1:8001", None),
        ] {
            let found = as_configured(&url.parse().unwrap(), bind.parse().unwrap());
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{url} {bind}");
        }
    }

    #[test]
    fn what_is_no_http_address_is_refused_without_its_text() {
        for url in ["weir", "ftp://u:hunter2@h", "//hunter2", "http://:hunter2"] {
            let error = format!("{:#}", parse_url(url).unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
