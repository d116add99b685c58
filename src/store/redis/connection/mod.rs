//! Connections to a Redis server: how to reach it, what its answers mean, and what its user may do.

pub(crate) mod address;
pub(crate) mod advice;
pub(crate) mod announcements;
pub(crate) mod connections;
pub(crate) mod error;
pub(crate) mod rights;
mod tls;
