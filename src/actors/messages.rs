//! The messages that cross files: requests in the imperative, facts in the past tense.

use std::sync::Arc;

use crate::scoring::pool::ScoreRequest;
use actix::Message;
use weir_feed::RankRequest;

/// Score a feed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Score(pub ScoreRequest);
