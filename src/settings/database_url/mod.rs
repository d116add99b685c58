//! Connection URLs of databases, read before any driver sees them: drivers log parameters that they do not know, values
//! included.

mod hosts;
mod parameters;
mod postgres;
#[cfg(test)]
mod tests;

use percent_encoding::percent_decode_str;
use url::form_urlencoded;

pub use postgres::PostgresUrl;

/// Longest parameter name that an error shows.
const LONGEST_NAME: usize = 40;

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

/// Returns the URL for a process in another folder: the path of a SQLite file is absolute in it.
pub fn with_absolute_path(url: &str) -> String {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return url.to_owned();
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, parameters) = match rest.split_once('?') {
        Some((path, _)) => rest.split_at(path.len()),
        None => (rest, ""),
    };
    match std::path::absolute(path) {
        Ok(absolute) if path != ":memory:" => {
            format!("sqlite://{}{parameters}", absolute.display())
        }
        _ => url.to_owned(),
    }
}

/// Decodes a part of a URL; `None` for an empty one.
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
