//! Any sequence of steps.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::draft;
use super::elsewhere::{Elsewhere, Other};
use super::steps::{Draft, PLATFORMS, Step, TEXTS, empty, take};
use super::truth::both_agree;
use crate::common::databases::TestDatabase;
use crate::common::workplace::Workplace;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let quarter = || 0..24_u8;
    let text = || 0..TEXTS.len();
    let draft = || {
        (0..5_u8, quarter(), 0..PLATFORMS.len(), text()).prop_map(
            |(post_id, quarter, platform, text)| Draft {
                post_id,
                quarter,
                platform,
                text,
            },
        )
    };
    let drafts = || prop::collection::vec(draft(), 1..5);
    // An upsert has each key once.
    let distinct = drafts().prop_map(|mut drafts| {
        drafts.sort_by_key(|draft| draft.post_id);
        drafts.dedup_by_key(|draft| draft.post_id);
        drafts
    });
    let nth = || 0..12_u8;
    let elsewhere = prop_oneof![
        Just(Other::Compare),
        Just(Other::Extend),
        Just(Other::StoreExtended),
        Just(Other::Recount),
        Just(Other::StoreRecounted),
    ];
    let step = prop_oneof![
        6 => drafts().prop_map(Step::Insert),
        3 => distinct.prop_map(Step::Upsert),
        1 => drafts().prop_map(Step::LoadAnew),
        2 => (nth(), text()).prop_map(|(nth, text)| Step::Rewrite { nth, text }),
        2 => (nth(), quarter()).prop_map(|(nth, quarter)| Step::Move { nth, quarter }),
        1 => nth().prop_map(|nth| Step::ForgetTime { nth }),
        1 => nth().prop_map(|nth| Step::RewriteTime { nth }),
        2 => (nth(), nth()).prop_map(|(one, other)| Step::Swap { one, other }),
        2 => nth().prop_map(|nth| Step::DeleteAndRestore { nth }),
        2 => (nth(), draft()).prop_map(|(nth, draft)| Step::Replace { nth, draft }),
        2 => nth().prop_map(|nth| Step::Delete { nth }),
        1 => quarter().prop_map(|quarter| Step::Prune { quarter }),
        6 => elsewhere.prop_map(Step::Elsewhere),
        1 => Just(Step::CountOtherwise),
        4 => Just(Step::Run),
    ];
    prop::collection::vec(step, 1..24)
}

fn check(data: impl Future<Output = TestDatabase>, cases: u32) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = runtime.block_on(async { Workplace::new(data.await) });
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::with_cases(cases)
    });
    let outcome = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            empty(&place.data.database).await;
            let mut elsewhere = Elsewhere::default();
            take(&Step::Insert(vec![draft(0, 0)]), &place.data.database).await;
            both_agree(&place).await?;
            for step in &steps {
                match step {
                    Step::Run => both_agree(&place).await?,
                    Step::Elsewhere(other) => elsewhere.go_on(*other, &place.data.database).await,
                    other => take(other, &place.data.database).await,
                }
            }
            both_agree(&place).await
        })
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn counting_what_has_changed_comes_to_the_same_as_counting_all_on_sqlite() {
    check(TestDatabase::sqlite(), 40);
}

#[test]
fn counting_what_has_changed_comes_to_the_same_as_counting_all_on_postgres() {
    check(TestDatabase::postgres(), 20);
}
