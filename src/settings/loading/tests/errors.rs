use super::{load, problem, problem_of_variable, problems};

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    assert_eq!(
        problem("[server]\nworkers = 1\n  bnd = \"0.0.0.0:1\""),
        "weir.toml:3:3: server.bnd: unknown key; did you mean bind?"
    );
    assert_eq!(
        problem("[sever]\n"),
        "weir.toml:1:2: sever: unknown key; did you mean server?"
    );
    assert_eq!(
        problem("[pools]\nranker = { size = 3 }"),
        "weir.toml:2:12: pools.ranker.size: unknown key; known here are instances"
    );
    assert_eq!(
        problem("[policies.calm]\nmatches = \"word\""),
        "weir.toml:2:1: policies.calm.matches: unknown key; did you mean match?"
    );
}

#[test]
fn a_key_that_only_one_kind_of_scorer_reads_is_told_like_any_other() {
    for (file, expected) in [
        (
            "[scorers.sentiment]\nworker = 3",
            "weir.toml:2:1: scorers.sentiment.worker: unknown key; did you mean workers?",
        ),
        (
            "[scorers.dice]\nkind = \"random\"\nsed = 3",
            "weir.toml:3:1: scorers.dice.sed: unknown key; did you mean seed?",
        ),
        (
            "[scorers.model]\nkind = \"http\"\nhttp = { url = \"http://model\", text_field = 1 }",
            "weir.toml:3:32: scorers.model.http.text_field: unknown key; did you mean texts_field?",
        ),
        (
            "[scorers.model]\nkind = \"http\"\nhttp = { url = \"http://model\", retries = \"no\" }",
            "weir.toml:3:32: scorers.model.http.retries: expected a whole number, 0 or more, found \"no\"",
        ),
        (
            "[scorers.new]\nkind = \"recency\"\nrecency = { half_life = 3 }",
            "weir.toml:3:13: scorers.new.recency.half_life: expected a duration with its unit, such as \"60s\", found 3",
        ),
        (
            "[scorers.mine]\nworkers = 3",
            "weir.toml:1:10: scorers.mine.kind: missing",
        ),
    ] {
        assert_eq!(problem(file), expected);
    }
}

#[test]
fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
    assert_eq!(
        problem("deadline = \"5ms\""),
        "weir.toml:1:1: deadline: unknown key; did you mean ranking.deadline?"
    );
    assert_eq!(
        problem("[server]\ndeadline = \"5ms\""),
        "weir.toml:2:1: server.deadline: unknown key; did you mean ranking.deadline?"
    );
}

#[test]
fn a_wrong_type_is_told_with_what_was_expected_and_found() {
    for (file, expected) in [
        (
            "[server]\nmax_items = \"ten\"",
            "weir.toml:2:1: server.max_items: expected a whole number, 0 or more, found \"ten\"",
        ),
        (
            "[server]\nmax_items = 2.5",
            "weir.toml:2:1: server.max_items: expected a whole number, 0 or more, found 2.5",
        ),
        (
            "[server]\nmax_items = -1",
            "weir.toml:2:1: server.max_items: expected a whole number, 0 or more, found -1",
        ),
        (
            "[server]\nmax_items = \"5\"",
            "weir.toml:2:1: server.max_items: expected a whole number, 0 or more, found \"5\"",
        ),
        (
            "[server]\nbind = 8001",
            "weir.toml:2:1: server.bind: expected an address and port, such as \"127.0.0.1:8001\", found 8001",
        ),
        (
            "[server]\nbind = \"localhost\"",
            "weir.toml:2:1: server.bind: expected an address and port, such as \"127.0.0.1:8001\", found \"localhost\"",
        ),
        (
            "server = 1",
            "weir.toml:1:1: server: expected a table, found 1",
        ),
        (
            "[recorder]\nenabled = \"yes\"",
            "weir.toml:2:1: recorder.enabled: expected true or false, found \"yes\"",
        ),
        (
            "[server]\ncors_origins = \"*\"",
            "weir.toml:2:1: server.cors_origins: expected a list, found \"*\"",
        ),
        (
            "[server]\ncors_origins = [\n  \"*\",\n  7,\n]",
            "weir.toml:4:3: server.cors_origins[1]: expected a string, found 7",
        ),
        (
            "[policies.calm]\nmatch = \"words\"",
            "weir.toml:2:1: policies.calm.match: expected one of word, substring, found \"words\"; did you mean word?",
        ),
        (
            "[policies.calm]\nmatch = 3",
            "weir.toml:2:1: policies.calm.match: expected a string, found 3",
        ),
        (
            "[policies.calm]\nentity_weight = nan",
            "weir.toml:2:1: policies.calm.entity_weight: expected a number, found a number that is not finite",
        ),
        (
            "[schedules.top_named_entities]\ncron = \"daily\"",
            "weir.toml:2:1: schedules.top_named_entities.cron: expected a cron expression, such as \"0 3 * * *\", found \"daily\"",
        ),
        (
            "[schedules.top_named_entities]\ncron = \"1,,2 * * * *\"",
            "weir.toml:2:1: schedules.top_named_entities.cron: expected a cron expression (minute \"1,,2\": a value is missing), found \"1,,2 * * * *\"",
        ),
        (
            "[schedules.top_named_entities]\ncron = \"*/61 * * * *\"",
            "weir.toml:2:1: schedules.top_named_entities.cron: expected a cron expression (minute \"*/61\": expected a step of at most 60), found \"*/61 * * * *\"",
        ),
        (
            "[schedules.top_named_entities]\ncron = \"0 3 * * *\"\ntimezone = \"Europe/Berlni\"",
            "weir.toml:3:1: schedules.top_named_entities.timezone: expected a time zone, such as \"Europe/Berlin\", found \"Europe/Berlni\"",
        ),
        (
            "[ranking]\nmax_entity_age = 60",
            "weir.toml:2:1: ranking.max_entity_age: expected a duration with its unit, such as \"60s\", found 60",
        ),
        (
            "[ranking]\nmax_entity_age = \"60\"",
            "weir.toml:2:1: ranking.max_entity_age: expected a duration with its unit, such as \"60s\", found \"60\"",
        ),
    ] {
        assert_eq!(problem(file), expected);
    }
}

#[test]
fn a_required_key_that_is_wrong_is_not_reported_as_missing_too() {
    assert_eq!(
        problem("[scorers.mine]\nkind = \"sentimental\""),
        "weir.toml:2:1: scorers.mine.kind: expected one of sentiment, random, engagement, recency, lookup, lexicon, http, program, found \"sentimental\"; did you mean sentiment?"
    );
}

#[test]
fn a_required_key_that_is_missing_is_named_at_its_table() {
    assert_eq!(
        problem("\n[schedules.nightly]\nevery = \"1d\""),
        "weir.toml:2:12: schedules.nightly.job: missing"
    );
    assert_eq!(
        problem("[schedules.nightly]\njob = \"prune_posts\""),
        "weir.toml:1:12: schedules.nightly.cron: missing, and so is every"
    );
    assert_eq!(
        problem("[scorers.mine]\nworkers = 1"),
        "weir.toml:1:10: scorers.mine.kind: missing"
    );
}

#[test]
fn a_file_that_is_not_toml_is_told_with_the_place() {
    let problem = problem("[server]\nbind = 127.0.0.1\n");
    assert!(problem.starts_with("weir.toml:2:"), "{problem}");
    let twice = problems("[server]\nworkers = 1\nworkers = 2\n", &[]).remove(0);
    assert!(
        twice.starts_with("weir.toml:3:1: not TOML: duplicate key"),
        "{twice}"
    );
}

#[test]
fn columns_are_counted_in_characters() {
    let problems = problems("pools = { ranker = { 'é' = 1, instances = 0 } }", &[]);
    assert_eq!(
        problems[1],
        "weir.toml:1:31: pools.ranker.instances: expected 1 to 1024, found 0"
    );
}

#[test]
fn a_wrong_variable_is_named() {
    assert_eq!(
        problem_of_variable("WEIR__SERVER__BND", "0.0.0.0:1"),
        "WEIR__SERVER__BND: server.bnd: unknown key; did you mean bind?"
    );
    assert_eq!(
        problem_of_variable("WEIR__RANKING__DEADLINE", "soon"),
        "WEIR__RANKING__DEADLINE: ranking.deadline: expected a duration with its unit, such as \"60s\", found \"soon\""
    );
    assert_eq!(
        problem_of_variable("WEIR__SERVER__MAX_ITEMS", "0"),
        "WEIR__SERVER__MAX_ITEMS: server.max_items: expected 1 to 1000000, found 0"
    );
    assert_eq!(
        problem_of_variable("WEIR__SERVER__CORS_ORIGINS", "*,example.org"),
        "WEIR__SERVER__CORS_ORIGINS: server.cors_origins[1]: expected * or an origin such as https://example.org"
    );
}

#[test]
fn all_that_is_wrong_is_reported_together() {
    let file = "[server]\nbnd = 1\nmax_items = 0\n[ranking]\ndeadline = \"x\"\n[store]\nbackend = \"disk\"\n";
    assert_eq!(
        problems(file, &[("WEIR__POOLS__JOBS__WORKERS", "0")]),
        [
            "weir.toml:5:1: ranking.deadline: expected a duration with its unit, such as \"60s\", found \"x\"",
            "weir.toml:2:1: server.bnd: unknown key; did you mean bind?",
            "weir.toml:7:1: store.backend: expected one of auto, redis, embedded, found \"disk\"",
            "weir.toml:3:1: server.max_items: expected 1 to 1000000, found 0",
            "WEIR__POOLS__JOBS__WORKERS: pools.jobs.workers: expected 1 to 1024, found 0",
        ]
    );
}

#[test]
fn a_secret_is_in_no_error_and_no_debug_form() {
    for file in [
        "[auth]\nadmin = \"hunter2\"",
        "[auth]\nadmin = [\"hunter2 hunter2\"]",
        "[auth]\nadmn = [\"hunter2\"]",
        "[database]\nurl = \"mysql://weir:hunter2@db/weir\"",
        "[database]\nurl = [\"hunter2\"]",
        "[database]\nquery_url = \"mysql://weir:hunter2@db/weir\"",
        "[store]\nredis_url = \"http://:hunter2@db\"",
        "auth = \"hunter2\"",
        "database = \"postgres://weir:hunter2@db/weir\"",
        "results = \"redis://:hunter2@cache\"",
        "[server]\nbind = \"http://weir:hunter2@db\"",
        "[programs.topics]\nmode = \"once\"\nargv = \"topics --token hunter2\"",
        "[scorers.x]\nkind = \"http\"\nhttp = { url = \"ftp://weir:hunter2@model\" }",
    ] {
        let problem = problem(file);
        assert!(!problem.contains("hunter2"), "{problem}");
    }
    for (name, value) in [
        ("WEIR__AUTH", "hunter2"),
        ("WEIR__DATABASE", "postgres://weir:hunter2@db/weir"),
        ("WEIR__STORE", "redis://:hunter2@cache"),
    ] {
        let problem = problem_of_variable(name, value);
        assert!(!problem.contains("hunter2"), "{problem}");
    }
    let settings = load(
        "[auth]\nadmin = [\"hunter2\"]\n[database]\nurl = \"postgres://weir:hunter2@db/weir\"\n",
        &[("WEIR__STORE__REDIS_URL", "redis://:hunter2@cache")],
    );
    let printed = format!("{:?}", settings.unwrap());
    assert!(
        printed.contains("@cache") && !printed.contains("hunter2"),
        "{printed}"
    );
}
