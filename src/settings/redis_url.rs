//! What a Redis URL may hold. Whatever would be ignored is refused.

use url::Url;

/// Parameters of `unix://`, which has no other place for them.
const UNIX_PARAMETERS: [&str; 3] = ["db", "user", "pass"];

/// Returns what was expected, in words that hold nothing of the URL, since it may hold a password.
pub(super) fn check(url: &str) -> Result<(), &'static str> {
    let (scheme, _) = url.split_once("://").unwrap_or_default();
    let is_unix = match scheme {
        "redis" | "rediss" => false,
        "unix" => true,
        _ => return Err("expected redis://, rediss:// or unix://"),
    };
    let url = Url::parse(url).map_err(
        |_| "not a URL; a user and a password are percent-encoded, such as %40 for @ and %2F for /",
    )?;
    if url.fragment().is_some() {
        return Err("a part after # means nothing; a certificate is trusted by redis_ca_file");
    }
    if is_unix {
        check_unix(&url)
    } else {
        check_network(&url)
    }
}

fn check_network(url: &Url) -> Result<(), &'static str> {
    if url.query().is_some() {
        return Err(
            "parameters mean nothing; expected redis://USER:PASSWORD@HOST:PORT/DATABASE without ?",
        );
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the host is missing: expected redis://USER:PASSWORD@HOST:PORT/DATABASE");
    }
    let database = url.path().trim_start_matches('/');
    if database.is_empty() {
        return Ok(());
    }
    is_database(database)
}

fn check_unix(url: &Url) -> Result<(), &'static str> {
    let is_file = url.host_str().is_none_or(str::is_empty) && url.path().len() > 1;
    if !is_file || !url.username().is_empty() || url.password().is_some() {
        return Err("expected unix:///PATH?db=DATABASE&user=USER&pass=PASSWORD");
    }
    let mut names = Vec::new();
    for (name, value) in url.query_pairs() {
        if !UNIX_PARAMETERS.contains(&&*name) || names.contains(&name) {
            return Err("expected the parameters db, user and pass, each at most once");
        }
        if name == "db" {
            is_database(&value)?;
        }
        names.push(name);
    }
    Ok(())
}

fn is_database(text: &str) -> Result<(), &'static str> {
    let number: Result<u32, _> = text.parse();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    match number {
        Ok(_) if is_plain => Ok(()),
        _ => Err("the database is a number, such as redis://HOST:PORT/3 or unix:///PATH?db=3"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_say_where_and_who_are_taken() {
        for url in [
            "redis://localhost",
            "redis://localhost/",
            "redis://localhost:6379/3",
            "redis://:secret@10.0.0.1:6379",
            "redis://weir:s%40cret@[::1]:6379/0",
            "redis://weir@localhost",
            "rediss://weir:secret@redis.example:6380/1",
            "unix:///run/redis/redis.sock",
            "unix:///run/redis/redis.sock?db=3&user=weir&pass=secret",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused_without_being_repeated() {
        for url in [
            "",
            "localhost:6379",
            "http://localhost",
            "redis://",
            "redis:///3",
            "redis://localhost?db=3",
            "redis://localhost?password=hunter2",
            "redis://localhost/0?protocol=resp3",
            "redis://localhost/three",
            "redis://localhost/-1",
            "redis://localhost/+1",
            "redis://localhost/1/2",
            "redis://localhost/99999999999",
            "redis://localhost/#insecure",
            "rediss://localhost/#insecure",
            "redis://u:hunter2@ho st",
            "unix://relative/redis.sock",
            "unix:///",
            "unix:///run/redis.sock?password=hunter2",
            "unix:///run/redis.sock?db=hunter2",
            "unix:///run/redis.sock?db=1&db=2",
            "unix://u:hunter2@/run/redis.sock",
        ] {
            let expected = check(url).unwrap_err();
            assert!(!expected.contains("hunter2"), "{url}: {expected}");
        }
    }
}
