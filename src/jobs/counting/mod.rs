//! Counts over many posts: names by hour, and any fold over the texts.

pub(super) mod entity_hours;
mod fold_posts;
mod hour_tally;

pub(super) use fold_posts::fold_posts;
