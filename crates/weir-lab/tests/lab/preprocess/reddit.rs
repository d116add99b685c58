use weir_feed::{ContentItem, Engagements, Platform};
use weir_lab::{DropReason, Preprocess, Progress};

use super::{options, read_items, run};
use crate::folder_of;

pub(super) const REDDIT: &str = "type,id,title,selftext,body,author,ups,downs,created_utc,parent_id
Post,a1,Title,Some text,,ann,10,3,1561972109,
Post,a2,Only a title,,,bob,-5,2,1561972110,
Post,a3,Gone,[removed],,[deleted],1,0,1561972111,
Comment,t1_b1,,,Top comment,cid,4,-9,1561972112,t3_a1
Comment,b2,,,Reply,dan,4,0,1561972113,t1_b1
Comment,b3,,,Somewhere,eve,4,0,1561972114,
Comment,b4,,,Reply to that,eve,4,0,1561972115,t1_b3
Comment,b3,,,Again,eve,4,0,1561972116,
Share,b5,,,What,eve,4,0,1561972117,
Comment,b6,,,Late,eve,4,0,999999999999999,
";

#[test]
fn reddit_comments_are_linked_and_votes_clamped() {
    let run = run(&[("reddit.csv", REDDIT.as_bytes())]);
    let items = run.items(Platform::Reddit);
    let score = |item: &ContentItem| match item.engagements {
        Engagements::Reddit(counts) => counts.score,
        _ => panic!("{item:?}"),
    };
    let [a1, a2, b1, b2, b3, b4] = items.as_slice() else {
        panic!("{items:#?}");
    };
    assert_eq!(
        (a1.title.as_deref(), a1.text.as_str(), score(a1)),
        (Some("Title"), "Some text", Some(7))
    );
    assert_eq!(
        (a2.title.as_deref(), a2.text.as_str(), score(a2)),
        (Some("Only a title"), "", Some(-2))
    );
    assert_eq!(
        (b1.post_id.as_ref(), b1.parent_id.as_ref(), score(b1)),
        (Some(&a1.id), None, Some(4))
    );
    assert_eq!(
        (b2.post_id.as_ref(), b2.parent_id.as_ref()),
        (Some(&a1.id), Some(&b1.id))
    );
    assert!([&a1.id, &a2.id].contains(&b3.post_id.as_ref().unwrap()));
    assert_eq!(
        (&b4.post_id, b4.parent_id.as_ref()),
        (&b3.post_id, Some(&b3.id))
    );
    let dropped = |reason| run.dropped("reddit.csv", reason);
    assert_eq!(dropped(DropReason::Deleted), Some((1, 4)));
    assert_eq!(dropped(DropReason::Duplicate), Some((1, 9)));
    assert_eq!(dropped(DropReason::UnknownType), Some((1, 10)));
    assert_eq!(dropped(DropReason::UnparseableTime), Some((1, 11)));
}

#[test]
fn each_run_has_its_own_salt_for_author_names_but_not_for_ids() {
    let [a, b, c] = [None, None, Some("salt".to_owned())].map(|author_salt| {
        let (input, output) = (
            folder_of(&[("reddit.csv", REDDIT.as_bytes())]),
            tempfile::tempdir().unwrap(),
        );
        let options = Preprocess {
            author_salt,
            ..options(input.path(), output.path())
        };
        options.run(&Progress::hidden()).unwrap();
        read_items(output.path(), Platform::Reddit).remove(0)
    });
    assert_eq!((&a.id, &b.id), (&b.id, &c.id));
    assert_ne!(a.author_name_hash, b.author_name_hash);
    let salted = run(&[("reddit.csv", REDDIT.as_bytes())])
        .items(Platform::Reddit)
        .remove(0);
    assert_eq!(salted.author_name_hash, c.author_name_hash);
}
