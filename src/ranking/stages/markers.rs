use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_feed::{NewItem, Platform, RankRequest, is_web_address};

use super::insertion::Slot;
use crate::ranking::{Policy, Slate};
use crate::settings::Check;

/// Most markers of a policy.
const MAX_MARKERS: usize = 10;

/// `[[policies.NAME.marker]]`: a post that is put before the first item that meets a condition, once per answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// The condition.
    pub before: String,
    /// The post on each platform; feeds of another platform have no marker.
    pub post: BTreeMap<Platform, MarkerPost>,
}

/// Post of a marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkerPost {
    /// Its id, unique among all posts.
    pub id: String,
    /// Public address.
    pub url: String,
}

/// Checks the markers of a policy.
pub(in crate::ranking) fn check(markers: &[Marker], check: &mut Check) {
    let is_valid = |post: &MarkerPost| !post.id.is_empty() && is_web_address(&post.url);
    let text =
        "expected a post for at least one platform, each with an id and an http or https url";
    let all_valid = |marker: &Marker| !marker.post.is_empty() && marker.post.values().all(is_valid);
    check.require_each("marker", markers, all_valid, text);
    check.require("marker", markers.len() <= MAX_MARKERS, || {
        format!("expected at most {MAX_MARKERS}, found {}", markers.len())
    });
}

/// Puts the markers into the slots of an answer. One whose post is in the answer already is left out.
pub fn apply(
    slots: &mut Vec<Slot>,
    new_items: &mut Vec<NewItem>,
    slate: &Slate<'_>,
    policy: &Policy,
    feed: &RankRequest,
) {
    let Some((expressions, values)) = policy.expressions.as_ref().zip(slate.expressions.as_ref())
    else {
        return;
    };
    for (index, marker) in policy.config.marker.iter().enumerate() {
        let Some(post) = marker.post.get(&feed.session.platform) else {
            continue;
        };
        let is_marked = |slot: &Slot| matches!(slot, Slot::Item(item) if expressions.marks(values, index, *item));
        let is_shown = feed.items.iter().any(|item| item.id == post.id)
            || new_items.iter().any(|item| item.id == post.id);
        if let Some(position) = slots.iter().position(is_marked).filter(|_| !is_shown) {
            slots.insert(position, Slot::Inserted(new_items.len()));
            new_items.push(NewItem {
                id: post.id.clone(),
                url: post.url.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{expressions, request};
    use super::*;

    fn marker(before: &str, id: &str, platform: Platform) -> Marker {
        let post = MarkerPost {
            id: id.to_owned(),
            url: "https://example.org/".to_owned(),
        };
        Marker {
            before: before.to_owned(),
            post: [(platform, post)].into(),
        }
    }

    fn shown(markers: Vec<Marker>) -> Vec<String> {
        let feed = request(4, 0);
        let mut policy = Policy::incoming_order("p");
        policy.config.marker = markers;
        policy.expressions = expressions(&policy.config, &[]);
        let mut slate = Slate::new(&feed.items, Vec::new(), None);
        super::super::evaluation::apply(&mut slate, &policy, &feed, &[]);
        let mut slots: Vec<Slot> = [3, 2, 1, 0].map(Slot::Item).to_vec();
        let mut new_items = Vec::new();
        apply(&mut slots, &mut new_items, &slate, &policy, &feed);
        let name = |slot: &Slot| match slot {
            Slot::Item(item) => item.to_string(),
            Slot::Inserted(post) => new_items[*post].id.clone(),
        };
        slots.iter().map(name).collect()
    }

    #[test]
    fn a_marker_stands_before_the_first_item_shown_for_which_it_holds() {
        let markers = vec![
            marker("item.position < 3", "a", Platform::Facebook),
            marker("item.position == 0", "b", Platform::Facebook),
            marker("item.position == 0", "b", Platform::Facebook),
            marker("true", "c", Platform::Twitter),
            marker("item.position > 9", "d", Platform::Facebook),
        ];
        assert_eq!(shown(markers), ["3", "a", "2", "1", "b", "0"]);
    }
}
