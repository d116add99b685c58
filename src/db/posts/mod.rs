//! What is asked of the table `posts`.

pub mod entity;
pub(super) mod json_text;
mod load;
mod new_post;
mod pages;
mod statistics;
mod storage;

pub use load::{IndexedLoad, LoadError, OnExisting, PostBatch, PostLoad};
pub use new_post::NewPost;
pub(in crate::db) use pages::analysed_text_of;
pub use pages::{PostFilter, PostPages, PostText};
pub use statistics::PostCount;
