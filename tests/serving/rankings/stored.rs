//! Records in both databases.

use rand::{RngExt, SeedableRng};
use weir::db::{RankingRecord, transfer};

use super::{ranking, rows, store};
use crate::common::databases::{TestDatabase, on_both_databases};

on_both_databases! {
    text_that_a_database_refuses_spoils_no_batch,
    only_what_is_older_is_deleted,
}

async fn text_that_a_database_refuses_spoils_no_batch(data: TestDatabase) {
    let mut awkward = ranking(1);
    "a\0b".clone_into(&mut awkward.session_id);
    awkward.ids_sent = vec!["\0".to_owned(), "c".to_owned()];
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let refused = RankingRecord {
        // Longer than Postgres can index, packed or not.
        user_id: (0..10_000).map(|_| rng.random_range('a'..='z')).collect(),
        // SQLite takes it for null.
        took_ms: f64::NAN,
        ..ranking(2)
    };
    let batch = [ranking(0), awkward, refused, ranking(3)];
    let outcome = data.database.insert_rankings(&batch).await.unwrap();
    let rejected: Vec<_> = outcome.rejected.iter().map(|row| row.index).collect();
    assert_eq!((outcome.inserted, rejected), (3, vec![2]));
    let kept = rows(&data.database).await;
    let kept: Vec<_> = kept.into_iter().map(|row| row.ranking).collect();
    assert_eq!((&kept[0], &kept[2]), (&ranking(0), &ranking(3)));
    assert_eq!(kept[1].session_id, "a\u{FFFD}b");
    assert_eq!(kept[1].ids_sent, ["\u{FFFD}", "c"]);
}

async fn only_what_is_older_is_deleted(data: TestDatabase) {
    let stored = store(&data, 10).await;
    let before = stored[6].at;
    let delete = || data.database.delete_rankings_before(before, 4);
    assert_eq!(delete().await.unwrap(), 4);
    assert_eq!(delete().await.unwrap(), 2);
    assert_eq!(delete().await.unwrap(), 0);
    let kept = rows(&data.database).await;
    let kept: Vec<_> = kept.into_iter().map(|row| row.ranking).collect();
    assert_eq!(kept, stored[6..]);
}

#[tokio::test]
async fn records_are_copied_between_databases() {
    let (first, postgres, last) = (
        TestDatabase::sqlite().await,
        TestDatabase::postgres().await,
        TestDatabase::sqlite().await,
    );
    store(&first, 1_100).await;
    for (from, to) in [(&first, &postgres), (&postgres, &last)] {
        let copied = transfer(&from.settings, &to.database, |_, _, _| ()).await;
        let copied = copied.unwrap();
        let rankings = copied
            .iter()
            .find(|table| table.table == "rankings")
            .unwrap();
        assert_eq!((rankings.rows, rankings.written), (1_100, 1_100));
        assert_eq!(rows(&from.database).await, rows(&to.database).await);
    }
    last.database.insert_rankings(&[ranking(0)]).await.unwrap();
    assert_eq!(rows(&last.database).await.last().unwrap().id, 1_101);
}
