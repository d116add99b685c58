use super::problem;
use crate::settings::Settings;

#[test]
fn values_that_make_no_sense_are_refused_by_key() {
    for (file, expected) in [
        (
            "[ranking]\npolicy = \"clam\"",
            "weir.toml:2:1: ranking.policy: there is no policy clam; did you mean calm?",
        ),
        (
            "[arms]\notherwise = \"of\"",
            "weir.toml:2:1: arms.otherwise: there is no policy \"of\"; did you mean off?",
        ),
        (
            "[arms.otherwise]\nshare = 1.0\npolicy = \"off\"",
            "weir.toml:1:7: arms.otherwise: expected a string, found a table",
        ),
        (
            "[ranking]\ndeadline = \"0s\"",
            "weir.toml:2:1: ranking.deadline: must be longer than 0",
        ),
        (
            "[policies.calm]\nweights = { sentimnt = 1 }",
            "weir.toml:2:13: policies.calm.weights.sentimnt: there is no scorer sentimnt; did you mean sentiment?",
        ),
        (
            "[scorers.sentiment]\nworkers = 0",
            "weir.toml:2:1: scorers.sentiment.workers: expected 1 to 1024, found 0",
        ),
        (
            "[scorers.sentiment]\nseed = 4",
            "weir.toml:2:1: scorers.sentiment.seed: only scorers of the kind random have this",
        ),
        (
            "[scorers.dice]\nkind = \"random\"\nfail_rate = 2",
            "weir.toml:3:1: scorers.dice.fail_rate: expected 0 to 1, found 2",
        ),
        (
            "[pools]\njobs.workers = 0",
            "weir.toml:2:6: pools.jobs.workers: expected 1 to 1024, found 0",
        ),
        (
            "[schedules.top_named_entities]\nevery = \"0s\"",
            "weir.toml:2:1: schedules.top_named_entities.every: must be longer than 0",
        ),
        (
            "[schedules.top_named_entities]\ncron = \"0 0 30 2 *\"",
            "weir.toml:2:1: schedules.top_named_entities.cron: this time never comes",
        ),
        (
            "[schedules.top_named_entities]\ncron = \"@daily\"\nevery = \"1h\"",
            "weir.toml:2:1: schedules.top_named_entities.cron: expected either every or cron",
        ),
        (
            "[schedules.top_named_entities]\ntimezone = \"Europe/Berlin\"",
            "weir.toml:2:1: schedules.top_named_entities.timezone: only schedules with cron have this",
        ),
        (
            "[jobs]\nlease = \"1ms\"",
            "weir.toml:2:1: jobs.lease: expected 100ms to 1h",
        ),
        (
            "[programs.topics]\nmode = \"once\"\nargv = []",
            "weir.toml:3:1: programs.topics.argv: must not be empty",
        ),
        (
            "[ranking]\nmax_entity_age = \"1000years\"",
            "weir.toml:2:1: ranking.max_entity_age: must not be longer than 3650 days",
        ),
        (
            "[supervision]\nbackoff.max = \"1ms\"",
            "weir.toml:2:9: supervision.backoff.max: must not be shorter than supervision.backoff.initial",
        ),
        (
            "[policies.\"a b\"]",
            "weir.toml:1:11: policies.a b: a name is made of letters, digits, _ and -",
        ),
        (
            "[log]\nfilter = \"weir=loud\"",
            "weir.toml:2:1: log.filter: expected levels such as info or warn,weir=debug, found \"weir=loud\"",
        ),
        (
            "[store]\nshared_keys = [\"*\"]",
            "weir.toml:2:16: store.shared_keys[0]: a pattern begins with the name it shares, not with *",
        ),
    ] {
        assert_eq!(problem(file), expected);
    }
}

#[test]
fn model_servers_and_outputs_that_make_no_sense_are_refused_by_key() {
    for (file, expected) in [
        (
            "[scorers.mine]\nkind = \"http\"\nhttp = { url = \"http://model\", score_path = \"/*/0/score\" }",
            "weir.toml:3:32: scorers.mine.http.score_path: replaced by items and outputs: items = \"$[*]\", \
             outputs = { score = \"$[0]['score']\" }",
        ),
        (
            "[scorers.mine]\nkind = \"http\"\nhttp = { url = \"http://model\", format = \"tei\" }",
            "weir.toml:3:1: scorers.mine.http.outputs: expected the JSONPath of each output, such as { toxicity = \"$[?@.label=='toxic'].score\" }",
        ),
        (
            "[scorers.mine]\nkind = \"http\"\n[scorers.mine.http]\nurl = \"http://model\"\noutputs = { a = \"$.a\", below = \"$.b\" }",
            "weir.toml:5:1: scorers.mine.http.outputs: an output cannot be called below, which is a key of exclude",
        ),
        (
            "[scorers.mine]\nkind = \"http\"\n[scorers.mine.http]\nurl = \"http://model\"\nbody = \"{\\\"ids\\\": {{ ids }}}\"",
            "weir.toml:5:1: scorers.mine.http.body: line 1 of the template: undefined value",
        ),
        (
            "[policies.calm]\nweights = { mine.b = 1.0, mine.a = 0.5 }\n[scorers.mine]\nkind = \"http\"\n\
             http = { url = \"http://model\", outputs = { a = \"$.a\", c = \"$.c\" } }",
            "weir.toml:2:18: policies.calm.weights.mine.b: scorer mine has no output b; it has a, c",
        ),
        (
            "[policies.calm]\nweights = { \"mine.b\" = 1.0, mine.a = 0.5 }\n[scorers.mine]\nkind = \"http\"\n\
             http = { url = \"http://model\", outputs = { a = \"$.a\", c = \"$.c\" } }",
            "weir.toml:2:13: policies.calm.weights.mine.b: scorer mine has no output b; it has a, c",
        ),
        (
            "[policies.calm]\nexclude = { mine.a = { bellow = 1.0, above = 2.0 } }\n[scorers.mine]\nkind = \"http\"\n\
             http = { url = \"http://model\", outputs = { a = \"$.a\", c = \"$.c\" } }",
            "weir.toml:2:24: policies.calm.exclude.mine.a.bellow: unknown key; did you mean below?",
        ),
    ] {
        assert_eq!(problem(file), expected);
    }
}

#[test]
fn a_scope_is_either_open_or_has_keys() {
    for (file, expected) in [
        (
            "[auth]\nopen = [\"ingest\", \"jobs\"]",
            "weir.toml:2:19: auth.open[1]: expected one of rank, ingest, admin, found a string",
        ),
        (
            "[auth]\nopen = [\"admin\", \"rank\"]\nrank = [\"hunter2\"]",
            "weir.toml:2:18: auth.open[1]: a scope with keys cannot be open: remove its keys, or its name here",
        ),
    ] {
        assert_eq!(problem(file), expected);
    }
}

#[test]
fn a_policy_may_not_weigh_a_scorer_that_was_removed() {
    assert_eq!(
        problem("[scorers.sentiment]\nenabled = false"),
        "policies.calm.weights.sentiment: there is no scorer sentiment"
    );
}

#[test]
fn settings_changed_in_code_are_validated_too() {
    let mut settings = Settings::default();
    assert!(settings.validate().is_ok());
    settings.policies.get_mut("calm").unwrap().entity_weight = f64::INFINITY;
    settings.ranking.policy = "none".to_owned();
    let refusal = settings.validate().unwrap_err().to_string();
    assert_eq!(
        refusal,
        "the settings are wrong\n  ranking.policy: there is no policy none\n  \
         policies.calm.entity_weight: expected a finite number, found inf"
    );
}
