//! What is asked of the table `posts`.

mod count;
mod delete;
pub mod entity;
mod insert;
pub(super) mod json_text;
mod known;
mod load;
mod new_post;
mod newest;
mod pages;
pub(in crate::db) mod says;
mod statistics;

pub use load::{IndexedLoad, LoadError, OnExisting, PostBatch, PostLoad};
pub use new_post::NewPost;
pub use pages::{PostFilter, PostPages, PostText};
pub use statistics::PostCount;
