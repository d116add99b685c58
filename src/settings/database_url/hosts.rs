//! The servers that a URL names.

use std::net::IpAddr;

use super::{UrlError, decoded};

/// A server's name or address, or the folder of its socket, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: Option<u16>,
}

impl Host {
    pub(super) fn is_valid(&self) -> bool {
        let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_');
        let name = self.name.as_str();
        name.starts_with('/')
            || name.parse::<IpAddr>().is_ok()
            || !name.is_empty() && name.chars().all(is_name)
    }
}

/// Hosts and ports given as parameters, which go before those of the authority.
#[derive(Default)]
pub(super) struct Overrides {
    pub(super) host: Option<String>,
    pub(super) port: Option<String>,
}

impl Overrides {
    pub(super) fn apply(self, hosts: Vec<Host>) -> Result<Vec<Host>, UrlError> {
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

/// Reads the hosts that stand between the credentials and the path.
pub(super) fn hosts_of_authority(hosts: &str) -> Result<Vec<Host>, UrlError> {
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
