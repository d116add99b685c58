//! The parameters of a `postgres://` URL.

use std::net::IpAddr;

use super::hosts::Overrides;
use super::{PostgresUrl, UrlError, is_presentable, unknown};

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

impl PostgresUrl {
    /// Takes one parameter of those in the text `parameters`.
    pub(super) fn take(
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
