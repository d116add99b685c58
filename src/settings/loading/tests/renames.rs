use std::time::Duration;

use super::{load, problems, read};
use crate::settings::Settings;

/// A file of the version before, with every name that has changed since.
const OLD: &str = r#"
shutdown.grace_ms = 1500

[server]
body_timeout_ms = 2000 # two seconds
max_score_deadline_ms = 90000

[database]
connect_timeout_ms = 250

[results]
backend = "embedded"

[ranking]
deadline_ms = 100

[scorers.model]
kind = "http"
max_delay_ms = 2
time_limit_ms = 1000
http = { url = "http://localhost/", timeout_ms = 90 }

[scorers.dice]
kind = "random"
sleep_ms = 3

[commands.topics]
argv = ["topics"]

[schedules.topics]
job = "command"
every = "1h"
args = { command = "topics" }
"#;

const NEW: &str = r#"
shutdown.grace = "1500ms"

[server]
body_timeout = "2s" # two seconds
max_score_deadline = "1m 30s"

[database]
connect_timeout = "250ms"

[store]
backend = "embedded"

[ranking]
deadline = "100ms"

[scorers.model]
kind = "http"
max_delay = "2ms"
time_limit = "1s"
http = { url = "http://localhost/", timeout = "90ms" }

[scorers.dice]
kind = "random"
sleep = "3ms"

[programs.topics]
argv = ["topics"]
mode = "once"

[schedules.topics]
job = "program"
every = "1h"
args = { program = "topics" }
"#;

fn warnings(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let loaded = read(file, variables).unwrap();
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn old_names_are_read_as_the_present_ones() {
    assert_eq!(load(OLD, &[]).unwrap(), load(NEW, &[]).unwrap());
    assert!(warnings(NEW, &[]).is_empty());
}

#[test]
fn each_old_name_has_one_warning_with_its_place() {
    let mut found = warnings(OLD, &[]);
    found.sort();
    assert_eq!(found.len(), 13, "{found:#?}");
    for expected in [
        "weir.toml:2:10: shutdown.grace_ms: renamed to shutdown.grace, which is text with a unit",
        "weir.toml:11:2: results: renamed to store",
        "weir.toml:21:37: scorers.model.http.timeout_ms: renamed to scorers.model.http.timeout, which is text with a unit",
        "weir.toml:27:2: commands: renamed to programs, where each needs mode = \"once\"",
        "weir.toml:31:1: schedules.topics.job: the job \"command\" was renamed to \"program\"",
        "weir.toml:33:10: schedules.topics.args.command: renamed to schedules.topics.args.program",
    ] {
        assert!(
            found.iter().any(|one| one == expected),
            "{expected}: {found:#?}"
        );
    }
}

#[test]
fn old_names_of_variables_are_read_as_the_present_ones() {
    let variables = [
        ("WEIR__RESULTS__PREFIX", "mine:"),
        ("WEIR__RANKING__DEADLINE_MS", "120"),
        ("WEIR__COMMANDS__TOPICS__MAX_ATTEMPTS", "7"),
    ];
    let settings = load(OLD, &variables).unwrap();
    assert_eq!(settings.store.prefix, "mine:");
    assert_eq!(settings.ranking.deadline, Duration::from_millis(120));
    assert_eq!(settings.programs["topics"].max_attempts, 7);
    assert_eq!(
        warnings("", &variables[..2]),
        [
            "WEIR__RANKING__DEADLINE_MS: ranking.deadline_ms: renamed to ranking.deadline, which is text with a unit",
            "WEIR__RESULTS__PREFIX: results.prefix: renamed to store.prefix",
        ]
    );
}

#[test]
fn a_key_by_both_names_is_an_error_that_names_both() {
    assert_eq!(
        problems("[ranking]\ndeadline = \"1s\"\ndeadline_ms = 5\n", &[]),
        ["weir.toml:3:1: ranking.deadline_ms: renamed to ranking.deadline, which is given as well"]
    );
    assert_eq!(
        problems("[store]\n[server]\n[results]\nprefix = \"a\"\n", &[]),
        ["weir.toml:3:2: results: renamed to store, which is given as well"]
    );
    let both = [
        ("WEIR__RANKING__DEADLINE_MS", "5"),
        ("WEIR__RANKING__DEADLINE", "1s"),
    ];
    assert_eq!(
        problems("", &both),
        [
            "WEIR__RANKING__DEADLINE_MS: ranking.deadline_ms: renamed to ranking.deadline, which is given as well"
        ]
    );
    // A layer goes over the one before, by whichever name.
    let settings = load("ranking.deadline_ms = 5", &both[1..]).unwrap();
    assert_eq!(settings.ranking.deadline, Duration::from_secs(1));
}

#[test]
fn what_is_wrong_under_an_old_name_is_found_where_it_stands() {
    for (file, expected) in [
        (
            "[results]\nbackend = \"disk\"",
            "weir.toml:2:1: store.backend: expected one of auto, redis, embedded, found \"disk\"",
        ),
        (
            "[ranking]\n  deadline_ms = 0",
            "weir.toml:2:3: ranking.deadline: must be longer than 0",
        ),
        (
            "[ranking]\ndeadline_ms = 2.5",
            "weir.toml:2:1: ranking.deadline: expected a duration with its unit, such as \"60s\", found 2.5",
        ),
        (
            "[commands.topics]\nargv = []",
            "weir.toml:2:1: programs.topics.argv: must not be empty",
        ),
        (
            "[commands.topics]\nargv = [\"topics\"]\nmode = \"twice\"",
            "weir.toml:3:1: programs.topics.mode: expected one of worker, once, found \"twice\"",
        ),
    ] {
        assert_eq!(problems(file, &[]), [expected]);
    }
}

#[test]
fn a_program_says_what_it_runs_and_has_the_keys_of_its_mode() {
    for (keys, expected) in [
        (
            "",
            "1:11: programs.topics.python: expected one of python, module and argv",
        ),
        (
            "python = \"a.py\"\nargv = [\"a\"]",
            "2:1: programs.topics.python: expected one of python, module and argv",
        ),
        (
            "mode = \"once\"\nargv = [\"a\"]\nreload = true",
            "2:1: programs.topics.mode: programs with mode = \"once\" have argv, time_limit and max_attempts only",
        ),
        (
            "mode = \"worker\"\nargv = [\"a\"]\nmax_attempts = 7",
            "2:1: programs.topics.mode: time_limit and max_attempts are of programs with mode = \"once\"",
        ),
        (
            "argv = [\"a\"]\nmax_rss = \"4GB\"",
            "3:1: programs.topics.max_rss: expected a number of bytes with its unit, such as \"4GiB\", or \"0\", found \"4GB\"",
        ),
    ] {
        let file = format!("[programs.topics]\n{keys}\n");
        assert_eq!(problems(&file, &[]), [format!("weir.toml:{expected}")]);
    }
}

#[test]
fn a_scorer_names_a_program_that_scores() {
    let scorer = "[scorers.a]\nkind = \"program\"\nprogram = \"mine\"\n";
    for (programs, expected) in [
        (
            "[programs.min]\nargv = [\"a\"]",
            "there is no program mine; did you mean min?",
        ),
        (
            "[programs.mine]\nmode = \"once\"\nargv = [\"a\"]",
            "the program mine has mode = \"once\", which does not score",
        ),
    ] {
        let file = format!("{scorer}{programs}\n");
        let expected = format!("weir.toml:3:1: scorers.a.program: {expected}");
        assert_eq!(problems(&file, &[]), [expected]);
    }
}

#[test]
fn a_file_without_old_names_is_read_without_warnings() {
    assert_eq!(load("", &[]).unwrap(), Settings::default());
    assert!(warnings("", &[("WEIR__STORE__PREFIX", "mine:")]).is_empty());
}

#[test]
fn the_arguments_of_another_job_keep_their_names() {
    let file =
        "[schedules.a]\njob = \"post_statistics\"\nevery = \"1h\"\nargs = { command = \"x\" }\n";
    let settings = load(file, &[]).unwrap();
    assert_eq!(settings.schedules["a"].args["command"], "x");
    assert!(warnings(file, &[]).is_empty());
}
