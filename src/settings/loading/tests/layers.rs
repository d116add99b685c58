use std::time::Duration;

use super::load;
use crate::ranking::EntityMatch;
use crate::settings::{Scope, Secret, Settings};

#[test]
fn a_file_changes_what_it_names_and_leaves_the_rest() {
    let settings = load(
        "[server]\nmax_items = 7\n[policies.calm]\nmatch = \"substring\"",
        &[],
    )
    .unwrap();
    let calm = &settings.policies["calm"];
    assert_eq!(settings.server.max_items, 7);
    assert_eq!(settings.server.bind, Settings::default().server.bind);
    assert_eq!(calm.entity_match, EntityMatch::Substring);
    assert_eq!(calm.weights, [("sentiment".to_owned(), 0.5)].into());
}

#[test]
fn a_table_of_a_new_name_joins_those_of_the_defaults() {
    let settings = load("[policies.mild]\nentity_weight = 0.1", &[]).unwrap();
    assert_eq!(
        settings.policies.keys().collect::<Vec<_>>(),
        ["calm", "entities", "mild", "off"]
    );
}

#[test]
fn enabled_false_removes_a_table() {
    let settings = load("[schedules.top_named_entities]\nenabled = false", &[]).unwrap();
    assert!(settings.schedules.is_empty());
}

#[test]
fn a_variable_goes_before_the_file() {
    let variables = [
        ("WEIR__SERVER__MAX_ITEMS", "9"),
        ("WEIR__POLICIES__CALM__WEIGHTS__SENTIMENT", "1"),
        ("WEIR__RANKING__MAX_ENTITY_AGE", "90m"),
        ("WEIR__RECORDER__ENABLED", "true"),
    ];
    let settings = load("[server]\nmax_items = 7", &variables).unwrap();
    assert_eq!(settings.server.max_items, 9);
    assert_eq!(
        settings.policies["calm"].weights,
        [("sentiment".to_owned(), 1.0)].into()
    );
    assert_eq!(settings.ranking.max_entity_age, Duration::from_mins(90));
    assert!(settings.recorder.enabled);
}

#[test]
fn a_variable_for_a_list_is_split_at_commas() {
    let settings = load("", &[("WEIR__AUTH__ADMIN", "first,second")]).unwrap();
    assert_eq!(settings.auth.admin, ["first", "second"].map(Secret::from));
}

#[test]
fn scopes_can_be_opened_by_a_variable() {
    let settings = load("", &[("WEIR__AUTH__OPEN", "ingest,rank")]).unwrap();
    assert_eq!(settings.auth.open, [Scope::Ingest, Scope::Rank]);
}

#[test]
fn a_variable_that_looks_like_a_number_is_text_where_text_belongs() {
    let variables = [
        ("WEIR__AUTH__ADMIN", "0012"),
        ("WEIR__AUTH__RANK", "true"),
        ("WEIR__STORE__PREFIX", "1e5"),
    ];
    let settings = load("", &variables).unwrap();
    assert_eq!(settings.auth.admin, [Secret::from("0012")]);
    assert_eq!(settings.auth.rank, [Secret::from("true")]);
    assert_eq!(settings.store.prefix, "1e5");
}

#[test]
fn an_empty_variable_counts_as_none() {
    assert_eq!(
        load(
            "",
            &[("WEIR__STORE__REDIS_URL", ""), ("WEIR__SERVER__BIND", "")]
        )
        .unwrap(),
        Settings::default()
    );
}

#[test]
fn a_cron_expression_takes_the_place_of_the_defaults_interval() {
    let file = "[schedules.top_named_entities]\ncron = \"0 3 * * *\"\ntimezone = \"Europe/Berlin\"";
    let settings = load(file, &[]).unwrap();
    let schedule = &settings.schedules["top_named_entities"];
    assert_eq!(schedule.every, None);
    assert_eq!(
        schedule.timetable().unwrap().to_string(),
        "cron 0 3 * * * in Europe/Berlin"
    );
}

#[test]
fn a_scorer_may_have_the_keys_of_other_kinds_with_their_defaults() {
    let copied = "[scorers.sentiment]\nseed = 0\nfail_rate = 0\nlookup = { key = \"\" }\nhttp = { url = \"\", burst = 1 }";
    assert_eq!(load(copied, &[]).unwrap(), Settings::default());
}

#[test]
fn a_variable_that_looks_like_a_number_is_text_in_a_scorer_too() {
    let file = "[scorers.mine]\nkind = \"lookup\"\nlookup = { key = \"a\" }";
    let variables = [("WEIR__SCORERS__MINE__LOOKUP__KEY", "0012")];
    let settings = load(file, &variables).unwrap();
    let table = settings.scorers["mine"].kind.watched_table().unwrap();
    assert_eq!(table.key, "0012");
}
