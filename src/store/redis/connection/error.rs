//! The table of what Redis answers instead of doing what it was asked: see [`class`].

use std::error::Error;
use std::io;
use std::sync::Arc;

use ::redis::{ErrorKind, RedisError};

use crate::outage::ErrorClass;

const UNREACHABLE: ErrorClass = ErrorClass::wrong_server("unreachable");
const HUNG_UP: ErrorClass =
    ErrorClass::wrong_server("the server closes new connections (too many clients, maxclients?)");
const NO_ANSWER: ErrorClass = ErrorClass::wrong_server("no answer in time");
const NOT_REDIS: ErrorClass =
    ErrorClass::needs_operator("the server does not speak the protocol of Redis");
const SOCKET_DENIED: ErrorClass =
    ErrorClass::needs_operator("no permission to open the socket of store.redis_url");
const UNTRUSTED: ErrorClass = ErrorClass::needs_operator(
    "TLS failed: the certificate is not trusted or not for this host (store.redis_ca_file)",
);
const TLS_FAILED: ErrorClass = ErrorClass::needs_operator("TLS failed");
const WRONG_PASSWORD: ErrorClass =
    ErrorClass::needs_operator("wrong user or password in store.redis_url");
const NO_PASSWORD: ErrorClass =
    ErrorClass::needs_operator("store.redis_url lacks the password that the server asks for");
const NO_DATABASE: ErrorClass =
    ErrorClass::needs_operator("the server has no database of the number in store.redis_url");
const NO_SELECT: ErrorClass = ErrorClass::needs_operator(
    "no permission to choose the database in store.redis_url (ACL: +select)",
);
const NO_PERMISSION: ErrorClass = ErrorClass::needs_operator("no permission (ACL)");
const PROTECTED: ErrorClass =
    ErrorClass::needs_operator("the server is in protected mode and serves only its own host");
const DISABLED: ErrorClass = ErrorClass::needs_operator(
    "the server does not know a command that Weir needs (too old, or disabled)",
);
const CLUSTER: ErrorClass =
    ErrorClass::needs_operator("the keys are spread over a Redis Cluster, which needs one shard");
const READ_ONLY: ErrorClass = ErrorClass::wrong_server("read-only (failover?)");
const LONG_SCRIPT: ErrorClass = ErrorClass::passing("busy with a long script");
const TOO_MANY_CLIENTS: ErrorClass = ErrorClass::wrong_server("too many clients (maxclients)");
const ABORTED: ErrorClass = ErrorClass::passing("a transaction was aborted");
const FAULT: ErrorClass = ErrorClass::fault("a request was refused");

/// The error codes, which begin an answer in capitals.
#[rustfmt::skip]
const CODES: &[(&str, ErrorClass)] = &[
    // A server that is no longer, or not yet, the one to talk to.
    ("READONLY", READ_ONLY),
    ("MASTERDOWN", ErrorClass::wrong_server("a replica that has lost its master (failover?)")),
    ("UNBLOCKED", ErrorClass::wrong_server("the server has become a replica (failover?)")),
    ("LOADING", ErrorClass::wrong_server("starting: the server loads its data")),
    ("CLUSTERDOWN", ErrorClass::wrong_server("the Redis Cluster is down")),
    ("MOVED", ErrorClass::wrong_server("the keys are on another node of the Redis Cluster")),
    ("ASK", ErrorClass::wrong_server("the keys move to another node of the Redis Cluster")),
    ("REDIRECT", ErrorClass::wrong_server("the server hands over to another")),
    // Refusals that pass.
    ("OOM", ErrorClass::passing("out of memory (maxmemory of Redis)")),
    ("MISCONF", ErrorClass::passing("Redis cannot write to its disk (full?)")),
    ("NOREPLICAS", ErrorClass::passing("too few replicas (min-replicas-to-write)")),
    ("BUSY", LONG_SCRIPT),
    ("UNKILLABLE", LONG_SCRIPT),
    ("TRYAGAIN", ErrorClass::passing("keys move between nodes of the Redis Cluster")),
    ("NOSCRIPT", ErrorClass::passing("the scripts were flushed")),
    ("EXECABORT", ABORTED),
    // Settings and rights.
    ("NOAUTH", NO_PASSWORD),
    ("WRONGPASS", WRONG_PASSWORD),
    ("NOPERM", NO_PERMISSION),
    ("DENIED", PROTECTED),
    ("CROSSSLOT", CLUSTER),
    // A key of Weir's holds something that Weir has not written.
    ("WRONGTYPE", ErrorClass::fault("a key holds another type of data than Weir keeps there")),
];

/// Texts of errors whose code is only `ERR`, or that wrap the error of a command in a script.
#[rustfmt::skip]
const TEXTS: &[(&str, ErrorClass)] = &[
    ("max number of clients", TOO_MANY_CLIENTS),
    ("DB index", NO_DATABASE),
    ("invalid database", NO_DATABASE),
    ("SELECT is not allowed in cluster mode", NO_DATABASE),
    ("without any password configured", WRONG_PASSWORD),
    ("no password is set", WRONG_PASSWORD),
    ("user executing the script can't", NO_PERMISSION),
    ("No permissions to", NO_PERMISSION),
    ("unknown command", DISABLED),
    ("unknown subcommand", DISABLED),
    ("Unknown Redis command called from", DISABLED),
    ("read only replica", READ_ONLY),
];

/// Looks an error up. It may stand for several: those of a pipeline, those that aborted a transaction, that of a command
/// in a script, which Redis before 7 wraps into a text. The class is that of the cause.
pub(crate) fn class(error: &RedisError) -> ErrorClass {
    if let Some(errors) = error.clone().into_server_errors() {
        let classes = errors
            .iter()
            .map(|(_, error)| class_of_answer(error.code(), error.details().unwrap_or_default()));
        let cause = classes.reduce(|cause, next| match cause {
            // The abort is only the consequence of what was refused before it.
            ABORTED => next,
            cause => cause,
        });
        return cause.unwrap_or(ABORTED);
    }
    match error.kind() {
        ErrorKind::Io => io_error(error).map_or(UNREACHABLE, class_of_io),
        ErrorKind::AuthenticationFailed => WRONG_PASSWORD,
        ErrorKind::Server(_) | ErrorKind::Extension => class_of_answer(
            error.code().unwrap_or_default(),
            error.detail().unwrap_or_default(),
        ),
        // Among them an answer of another type than expected, which is the fault of who wrote the value.
        _ => FAULT,
    }
}

/// Returns whether the user lacks a right.
pub(crate) fn is_denied(error: &RedisError) -> bool {
    class(error) == NO_PERMISSION
}

/// The class of a request that was not sent, since another was denied before.
pub(crate) fn denied() -> ErrorClass {
    NO_PERMISSION
}

/// The error in words that hold nothing of the request and of the answer: Redis repeats the arguments of a command that it
/// does not know, and the library a value that it cannot read.
pub(crate) fn text(error: &RedisError) -> String {
    if error.kind() == ErrorKind::Parse {
        return "an answer of another type than expected".to_owned();
    }
    let text = error.to_string();
    let end = text.find("with args beginning with");
    text[..end.unwrap_or(text.len())]
        .trim_end_matches([' ', ','])
        .to_owned()
}

fn class_of_answer(code: &str, details: &str) -> ErrorClass {
    if code == "NOPERM" && details.contains("'select'") {
        return NO_SELECT;
    }
    let words = || details.split(|c: char| !c.is_ascii_alphabetic());
    match class_of_code(code) {
        // `EXECABORT Transaction discarded because of: NOPERM this user has no permissions to run`
        Some(ABORTED) => return words().find_map(class_of_code).unwrap_or(ABORTED),
        Some(class) => return class,
        None => {}
    }
    let text = TEXTS.iter().find(|(text, _)| details.contains(text));
    if let Some((_, class)) = text {
        return *class;
    }
    // `ERR Error running script (call to f_...): @user_script:1: -READONLY You can't write`
    words().find_map(class_of_code).unwrap_or(FAULT)
}

fn class_of_code(code: &str) -> Option<ErrorClass> {
    let row = CODES.iter().find(|(known, _)| *known == code);
    row.map(|(_, class)| *class)
}

/// The error of the system, which the library keeps behind a pointer.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    let cause: &Arc<dyn Error + Send + Sync> = error.source()?.downcast_ref()?;
    cause.downcast_ref()
}

fn class_of_io(error: &io::Error) -> ErrorClass {
    let tls = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match (tls, error.kind()) {
        (Some(rustls::Error::InvalidCertificate(_)), _) => UNTRUSTED,
        (Some(_), _) => TLS_FAILED,
        (None, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => NO_ANSWER,
        (None, io::ErrorKind::ConnectionAborted) => HUNG_UP,
        (None, io::ErrorKind::InvalidData) => NOT_REDIS,
        (None, io::ErrorKind::PermissionDenied) => SOCKET_DENIED,
        (None, _) => UNREACHABLE,
    }
}

#[cfg(test)]
mod tests {
    use ::redis::{RedisResult, Value, parse_redis_value};

    use super::*;

    /// The error that a server answers in these words.
    fn answered(words: &str) -> RedisError {
        let answer = parse_redis_value(format!("-{words}\r\n").as_bytes());
        let answer = answer.and_then(Value::extract_error);
        answer.unwrap_err()
    }

    fn condition(words: &str) -> &'static str {
        class(&answered(words)).condition
    }

    #[test]
    fn a_code_and_the_same_code_in_a_script_of_an_old_server_are_one_class() {
        for (code, row) in CODES {
            assert_eq!(class(&answered(&format!("{code} text"))), *row, "{code}");
            let in_script = format!(
                "ERR Error running script (call to f_0a1b): @user_script:7: @user_script: 7: -{code} text"
            );
            assert_eq!(class(&answered(&in_script)), *row, "{code}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn answers_of_servers_are_known() {
        for (words, expected) in [
            ("OOM command not allowed when used memory > 'maxmemory'. script: 0a1b, on @user_script:5.", "out of memory"),
            ("READONLY You can't write against a read only replica.", "read-only"),
            ("MISCONF Errors writing to the AOF file: No space left on device", "cannot write to its disk"),
            ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
            ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "lost its master"),
            ("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", "has become a replica"),
            ("LOADING Redis is loading the dataset in memory", "loads its data"),
            ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "long script"),
            ("MOVED 3999 127.0.0.1:6381", "another node"),
            ("EXECABORT Transaction discarded because of: OOM command not allowed", "out of memory"),
            ("EXECABORT Transaction discarded because of previous errors.", "a transaction was aborted"),
            ("ERR max number of clients reached", "too many clients"),
            ("ERR max number of clients + cluster connections reached", "too many clients"),
            ("ERR DB index is out of range", "no database"),
            ("ERR invalid DB index", "no database"),
            ("ERR AUTH <password> called without any password configured for the default user.", "wrong user or password"),
            ("ERR Client sent AUTH, but no password is set", "wrong user or password"),
            ("NOPERM this user has no permissions to run the 'set' command", "no permission (ACL)"),
            ("NOPERM User weir has no permissions to run the 'select' command", "+select"),
            ("ERR The user executing the script can't run this command or subcommand", "no permission (ACL)"),
            ("ERR unknown command 'EVALSHA', with args beginning with: 'hunter2'", "does not know a command"),
            ("ERR Error running script (call to f_0a1b): @user_script:1: user_script:1: attempt to index a nil value", "a request was refused"),
            ("ERR syntax error", "a request was refused"),
        ] {
            assert!(
                condition(words).contains(expected),
                "{words}: {}",
                condition(words)
            );
        }
    }

    #[test]
    fn only_a_request_that_is_itself_at_fault_is_not_tried_again() {
        for words in [
            "WRONGTYPE Operation against a key",
            "ERR syntax error",
            "SOMETHING new",
        ] {
            assert!(!class(&answered(words)).is_retryable(), "{words}");
        }
        let retryable = CODES.iter().filter(|(_, class)| class.is_retryable());
        assert_eq!(retryable.count(), CODES.len() - 1);
    }

    #[test]
    fn errors_of_connections_say_what_is_the_matter() {
        let io = |kind: io::ErrorKind| class(&io::Error::from(kind).into()).condition;
        assert_eq!(io(io::ErrorKind::ConnectionRefused), "unreachable");
        assert_eq!(io(io::ErrorKind::NotFound), "unreachable");
        assert_eq!(io(io::ErrorKind::UnexpectedEof), "unreachable");
        assert_eq!(io(io::ErrorKind::TimedOut), "no answer in time");
        assert!(io(io::ErrorKind::PermissionDenied).contains("socket"));
        assert_eq!(
            io(io::ErrorKind::InvalidData),
            "the server does not speak the protocol of Redis"
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_is_a_fault_and_is_not_repeated() {
        let number: RedisResult<u64> =
            ::redis::from_redis_value(Value::SimpleString("hunter2".into())).map_err(Into::into);
        let error = number.unwrap_err();
        assert!(!class(&error).is_retryable());
        assert!(!text(&error).contains("hunter2"), "{}", text(&error));
    }

    #[test]
    fn the_text_holds_nothing_of_the_request() {
        let error =
            answered("ERR unknown command 'SETX', with args beginning with: 'key' 'hunter2' ");
        assert!(text(&error).contains("SETX"), "{}", text(&error));
        assert!(!text(&error).contains("hunter2") && !text(&error).contains("key"));
    }
}
