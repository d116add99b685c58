use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use arc_swap::ArcSwap;
use metrics_exporter_prometheus::PrometheusHandle;

use super::{Access, Admission, Health};
use crate::actors::supervision::ActorSystem;
use crate::actors::{RecorderInbox, Serving};
use crate::feed::RankRequest;

/// What the handlers share.
pub struct Front {
    /// Who may do what.
    pub access: Access,
    /// How many requests are at work.
    pub admission: Admission,
    /// What a request may be like.
    pub limits: Limits,
    /// What `/rank` serves by.
    pub serving: Arc<ArcSwap<Serving>>,
    /// Where served feeds go, if they are kept.
    pub recorder: Option<RecorderInbox>,
    /// All actors.
    pub system: ActorSystem,
    /// What ails.
    pub health: Health,
    /// Everything counted and measured.
    pub metrics: PrometheusHandle,
}

/// Bounds on a request.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a body, decompressed.
    pub max_body_bytes: usize,
    /// Items of a feed.
    pub max_items: usize,
    /// Time for a body to arrive.
    pub body_timeout: Duration,
}

impl Front {
    /// Offers a served feed to the recorder, if there is one.
    pub(super) fn record(&self, feed: &Arc<RankRequest>, body: Bytes) {
        if let Some(recorder) = &self.recorder {
            recorder.offer(feed, body);
        }
    }
}
