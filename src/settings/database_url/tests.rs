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
