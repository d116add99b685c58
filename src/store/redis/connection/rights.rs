//! Whether the user of an external server may do there what Weir does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, RedisResult, Value, pipe};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::Connections;
use super::address::Address;
use super::error;
use crate::health::HealthIssues;
use crate::settings::StoreConfig;

/// The name under which missing rights are reported.
const PART: &str = "store rights";
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two checks while something is missing, or the server cannot be asked.
const RECHECK: Duration = Duration::from_secs(1);
/// The same while nothing is missing: rights may be taken away.
const CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// What the check has found so far.
pub(crate) struct Rights {
    are_complete: AtomicBool,
    recheck: Notify,
}

impl Rights {
    pub(crate) fn new() -> Self {
        Self {
            are_complete: AtomicBool::new(true),
            recheck: Notify::new(),
        }
    }

    /// Returns whether nothing was missing at the last check.
    pub(crate) fn are_complete(&self) -> bool {
        self.are_complete.load(Ordering::Relaxed)
    }

    /// Asks for a check, since a request was denied.
    pub(crate) fn recheck(&self) {
        self.recheck.notify_one();
    }
}

/// Checks the rights at the first connection, whenever a request was denied, and now and then. What is missing stays in
/// `health` until it is granted, with the command that grants it.
pub(crate) async fn watch(
    connections: Arc<Connections>,
    needs: Needs,
    rights: Arc<Rights>,
    health: HealthIssues,
) {
    loop {
        let address = connections.address();
        let checked = timeout(2 * RESPONSE_TIMEOUT, needs.missing(address)).await;
        let Ok(Ok(missing)) = checked else {
            // The outage is for the commands to report.
            sleep(RECHECK).await;
            continue;
        };
        rights
            .are_complete
            .store(missing.is_empty(), Ordering::Relaxed);
        if missing.is_empty() {
            if health.clear(PART) {
                tracing::info!("the Redis user has all rights that Weir needs");
            }
            // Denials of the time before are settled.
            let _ = timeout(Duration::ZERO, rights.recheck.notified()).await;
            let _ = timeout(CHECK_INTERVAL, rights.recheck.notified()).await;
        } else {
            let (user, rules) = (address.user(), missing.join(" "));
            let why = format!("the Redis user lacks rights: ACL SETUSER {user} {rules}");
            if health.report(PART, why) {
                let mend = format!("ACL SETUSER {user} {rules}");
                tracing::warn!(mend, "the Redis user lacks rights");
            }
            sleep(RECHECK).await;
        }
    }
}

/// The rights that Weir needs, as rules of an ACL.
pub(crate) struct Needs {
    /// The pattern of each key space, and a key in it that nothing else uses.
    own: (String, String),
    shared: Vec<(String, String)>,
    channel: String,
}

/// The commands on keys, by their arguments after the key.
#[rustfmt::skip]
const COMMANDS: &[(&str, &[&str])] = &[
    ("DEL", &[]), ("EXISTS", &[]), ("GET", &[]), ("INCR", &[]), ("PERSIST", &[]), ("PEXPIRE", &["1"]), ("SET", &["1"]),
    ("HDEL", &["f"]), ("HGET", &["f"]), ("HGETALL", &[]), ("HINCRBY", &["f", "1"]), ("HMGET", &["f"]),
    ("HSET", &["f", "1"]), ("HSETNX", &["f", "1"]),
    ("SADD", &["m"]), ("SMEMBERS", &[]), ("SREM", &["m"]),
    ("ZADD", &["0", "m"]), ("ZCARD", &[]), ("ZRANGE", &["0", "0"]), ("ZRANGEBYSCORE", &["0", "0"]),
    ("ZREM", &["m"]), ("ZREVRANGEBYLEX", &["+", "-"]), ("ZSCORE", &["m"]),
];
/// The commands on shared keys.
const SHARED_COMMANDS: [&str; 3] = ["DEL", "GET", "SET"];
const NO_SHA: &str = "0000000000000000000000000000000000000000";

impl Needs {
    pub(crate) fn new(settings: &StoreConfig) -> Self {
        let shared = settings.shared_keys.iter();
        let prefix = &settings.prefix;
        Self {
            own: (
                format!("~{}*", escape(prefix, &['*', '?', '[', '\\'])),
                format!("{prefix}rights"),
            ),
            shared: shared
                .map(|pattern| {
                    let rule = format!("~{}", escape(pattern, &['?', '[', '\\']));
                    (rule, pattern.replace('*', "weir-rights"))
                })
                .collect(),
            channel: format!("{prefix}changed"),
        }
    }

    /// The rules that are missing. The commands are queued in a transaction that is then discarded: the server checks the
    /// rights when it queues, and carries nothing out.
    async fn missing(&self, address: &Address) -> RedisResult<Vec<String>> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(RESPONSE_TIMEOUT));
        let (mut connection, driver) = address.connect(config).await?;
        let mut missing = transactions(&mut connection).await?;
        // Outside a transaction the commands would be carried out.
        if missing.is_empty() {
            missing = self.commands(&mut connection).await?;
        }
        driver.abort();
        missing.extend(self.subscription(address).await?);
        missing.sort();
        missing.dedup();
        Ok(missing)
    }

    async fn commands(&self, connection: &mut MultiplexedConnection) -> RedisResult<Vec<String>> {
        let mut probe = pipe();
        probe.cmd("MULTI");
        let mut rules = vec![("+multi".to_owned(), String::new())];
        let (own_rule, own_key) = &self.own;
        for (name, arguments) in COMMANDS {
            probe.cmd(name).arg(own_key).arg(arguments);
            rules.push((command_rule(name), own_rule.clone()));
        }
        for (rule, key) in &self.shared {
            for (name, arguments) in COMMANDS {
                if SHARED_COMMANDS.contains(name) {
                    probe.cmd(name).arg(key).arg(arguments);
                    rules.push((command_rule(name), rule.clone()));
                }
            }
        }
        probe.cmd("EVALSHA").arg(NO_SHA).arg(1).arg(own_key);
        rules.push((command_rule("EVALSHA"), own_rule.clone()));
        probe.cmd("SCRIPT").arg("LOAD").arg("return 1");
        rules.push((command_rule("SCRIPT|LOAD"), String::new()));
        probe.cmd("TIME");
        rules.push((command_rule("TIME"), String::new()));
        probe.cmd("PUBLISH").arg(&self.channel).arg("");
        rules.push((command_rule("PUBLISH"), String::new()));
        probe.cmd("DISCARD");
        let answers: Vec<Value> = probe.ignore_errors().query_async(connection).await?;
        let denied = answers.iter().zip(&rules);
        Ok(denied
            .filter_map(|(answer, (command, key))| self.rule(answer, command, key))
            .collect())
    }

    /// Subscribing is not queued, so it is tried.
    async fn subscription(&self, address: &Address) -> RedisResult<Option<String>> {
        let mut listener = address.listen().await?;
        match listener.subscribe(&self.channel).await {
            Err(error) if error::is_denied(&error) => {
                let text = error.to_string();
                Ok(Some(self.rule_of(&text, "+subscribe", "")))
            }
            outcome => outcome.map(|()| None),
        }
    }

    fn rule(&self, answer: &Value, command: &str, key: &str) -> Option<String> {
        let Value::ServerError(error) = answer else {
            return None;
        };
        let details = error.details().unwrap_or_default();
        (error.code() == "NOPERM").then(|| self.rule_of(details, command, key))
    }

    /// The rule that a denial asks for: the server says whether it is about the command, a key or a channel.
    fn rule_of(&self, denial: &str, command: &str, key: &str) -> String {
        if denial.contains("command") {
            command.to_owned()
        } else if denial.contains("channel") {
            format!("&{}", escape(&self.channel, &['*', '?', '[', '\\']))
        } else {
            key.to_owned()
        }
    }
}

/// The rules that are missing for transactions.
async fn transactions(connection: &mut MultiplexedConnection) -> RedisResult<Vec<String>> {
    let names = ["MULTI", "EXEC", "MULTI", "DISCARD"];
    let mut probe = pipe();
    for name in names {
        probe.cmd(name);
    }
    let answers: Vec<Value> = probe.ignore_errors().query_async(connection).await?;
    let is_denied = |answer: &Value| match answer {
        Value::ServerError(error) if error.code() == "EXECABORT" => {
            // The denial of EXEC itself is the reason that it gives.
            error.details().is_some_and(|why| why.contains("NOPERM"))
        }
        Value::ServerError(error) => error.code() == "NOPERM",
        _ => false,
    };
    let denied = names.iter().zip(&answers);
    Ok(denied
        .filter(|(_, answer)| is_denied(answer))
        .map(|(name, _)| command_rule(name))
        .collect())
}

fn command_rule(name: &str) -> String {
    format!("+{}", name.to_ascii_lowercase())
}

fn escape(text: &str, special: &[char]) -> String {
    let mut escaped = String::new();
    for sign in text.chars() {
        if special.contains(&sign) {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The commands that the scripts call.
    fn called_by_scripts() -> BTreeSet<String> {
        let folders = ["src/store/redis/lua", "src/queue/redis/lua"];
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let scripts = folders
            .iter()
            .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
        let texts = scripts.map(|script| fs::read_to_string(script.unwrap().path()).unwrap());
        let calls = |text: String| {
            let calls = text.split("redis.call('").skip(1);
            let names = calls.map(|call| call.split('\'').next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        texts.flat_map(calls).collect()
    }

    #[test]
    fn every_command_of_the_scripts_is_checked() {
        let elsewhere = ["PUBLISH", "TIME"];
        let checked = |name: &str| {
            elsewhere.contains(&name) || COMMANDS.iter().any(|(known, _)| *known == name)
        };
        let called = called_by_scripts();
        assert!(called.contains("ZRANGE"), "{called:?}");
        let unchecked: Vec<_> = called.iter().filter(|name| !checked(name)).collect();
        assert!(unchecked.is_empty(), "{unchecked:?}");
    }

    #[test]
    fn every_checked_right_is_documented() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
        let page = fs::read_to_string(page).unwrap();
        let line = page
            .lines()
            .find(|line| line.starts_with("ACL SETUSER weir "))
            .unwrap();
        let granted: BTreeSet<&str> = line.split_whitespace().collect();
        let others = [
            "MULTI",
            "EXEC",
            "DISCARD",
            "EVALSHA",
            "SCRIPT|LOAD",
            "TIME",
            "PUBLISH",
            "SUBSCRIBE",
            "PING",
        ];
        let names = COMMANDS.iter().map(|(name, _)| *name).chain(others);
        for rule in names.map(command_rule) {
            assert!(granted.contains(rule.as_str()), "{rule}");
        }
        let needs = Needs::new(&StoreConfig::default());
        let patterns = needs
            .shared
            .iter()
            .chain([&needs.own])
            .map(|(rule, _)| rule);
        for rule in patterns {
            assert!(granted.contains(rule.as_str()), "{rule}");
        }
        assert!(granted.contains("&weir:changed"));
    }

    #[test]
    fn signs_that_mean_something_in_a_pattern_are_escaped() {
        let settings = StoreConfig {
            prefix: "w*[1]".into(),
            shared_keys: vec!["a?:*".into()],
            ..StoreConfig::default()
        };
        let needs = Needs::new(&settings);
        assert_eq!(needs.own.0, r"~w\*\[1]*");
        assert_eq!(needs.shared[0].0, r"~a\?:*");
    }
}
