use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt;
use tokio::time::Instant;

use super::content_coding::{self, ContentCoding, DecodeError, Decoder};
use super::intake::{BodyIntake, HeldBytes, IntakeLimits, NoRoom, PendingBody};
use crate::http::ApiError;
use crate::settings::ServerSettings;
use weir_feed::{RepairedJson, repair_lone_surrogates};

/// Time over which the rate of a body is measured: long enough for a lost packet to be sent again.
const RATE_WINDOW: Duration = Duration::from_secs(2);
/// Steps of a decoder, of 32 KiB each, after which other requests of the thread get a turn.
const STEPS_PER_TURN: usize = 2;

/// Body of a request that has arrived and been decoded. Its memory is accounted for until it is dropped.
pub(in crate::http) struct ReceivedBody {
    bytes: Bytes,
    _held: HeldBytes,
}

impl ReceivedBody {
    /// Takes the bytes out. They stay accounted for, as does what was read from them.
    pub(in crate::http) fn take_bytes(&mut self) -> Bytes {
        mem::take(&mut self.bytes)
    }
}

impl Deref for ReceivedBody {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

/// Reason why a body was not received.
#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    #[error("the body did not arrive within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("the body arrives at less than {0} bytes per second")]
    TooSlow(usize),
    #[error("too many request bodies are arriving")]
    Evicted,
    #[error("request bodies in flight hold too much memory")]
    NoRoom,
    #[error(
        "unsupported content coding, expected one of: {}",
        content_coding::ACCEPTED
    )]
    Coding,
    #[error("the body cannot be decoded: {0}")]
    Decode(DecodeError),
    #[error("the body cannot be read: {0}")]
    Transport(PayloadError),
}

impl BodyError {
    /// The value of the label `reason`.
    fn reason(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "too_long",
            Self::Timeout(_) => "timeout",
            Self::TooSlow(_) => "too_slow",
            Self::Evicted => "evicted",
            Self::NoRoom => "no_room",
            Self::Coding => "content_coding",
            Self::Decode(_) => "decode",
            Self::Transport(_) => "transport",
        }
    }
}

impl From<NoRoom> for BodyError {
    fn from(NoRoom: NoRoom) -> Self {
        Self::NoRoom
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let message = error.to_string();
        match error {
            BodyError::TooLong(_) => Self::too_large(message),
            BodyError::Timeout(_) | BodyError::TooSlow(_) => Self::body_timeout(message),
            BodyError::Evicted | BodyError::NoRoom => Self::overloaded(message),
            BodyError::Coding => Self::unsupported_coding(message),
            BodyError::Decode(_) | BodyError::Transport(_) => Self::invalid("body", message),
        }
    }
}

/// Reader of request bodies, within limits on each and on all together.
pub struct BodyReader {
    limits: BodyLimits,
    intake: Arc<BodyIntake>,
}

/// Limits on one body.
#[derive(Debug, Clone, Copy)]
struct BodyLimits {
    /// Bytes, decompressed.
    max_bytes: usize,
    /// Time for a body to arrive.
    timeout: Duration,
    /// Least rate at which a body must arrive; 0 for none.
    min_bytes_per_second: usize,
}

impl BodyReader {
    /// Creates a reader with the limits of `settings`.
    pub fn new(settings: &ServerSettings) -> Self {
        Self {
            limits: BodyLimits {
                max_bytes: settings.max_body_bytes,
                timeout: settings.body_timeout,
                min_bytes_per_second: settings.min_body_bytes_per_second,
            },
            intake: BodyIntake::new(IntakeLimits {
                pending: settings.max_bodies_arriving,
                bytes: settings.max_body_bytes_in_flight,
                peer_share: settings.max_peer_share,
                body_bytes: settings.max_body_bytes,
            }),
        }
    }

    /// Reads a request's body within the limits and decodes it. A body that is announced as longer is refused before any
    /// of it is read.
    pub(in crate::http) async fn read(
        &self,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<ReceivedBody, ApiError> {
        self.receive(request, payload).await.map_err(|error| {
            let reason = error.reason();
            metrics::counter!("weir_bodies_refused_total", "reason" => reason).increment(1);
            self.intake.log_refusal(reason, &error);
            error.into()
        })
    }

    /// Sets the gauges of the bodies in flight.
    pub(in crate::http) fn measure(&self) {
        let (arriving, held_bytes) = self.intake.usage();
        metrics::gauge!("weir_bodies_arriving").set(arriving as f64);
        metrics::gauge!("weir_body_bytes_in_flight").set(held_bytes as f64);
    }

    async fn receive(
        &self,
        request: &HttpRequest,
        mut payload: Payload,
    ) -> Result<ReceivedBody, BodyError> {
        let max_bytes = self.limits.max_bytes;
        let announced = announced_bytes(request).unwrap_or_default();
        if announced > max_bytes {
            return Err(BodyError::TooLong(max_bytes));
        }
        let coding = ContentCoding::from_headers(request.headers()).ok_or(BodyError::Coding)?;
        let pending = self.intake.enter(peer(request));
        let mut decoder = Decoder::new(coding, announced, max_bytes);
        pending.hold(decoder.held_bytes())?;
        let mut pace = Pace::new(self.limits);
        while let Some(chunk) = next_chunk(&mut payload, &pending, &mut pace).await? {
            pace.count(chunk.len());
            if pace.received > max_bytes {
                return Err(BodyError::TooLong(max_bytes));
            }
            decode(&mut decoder, &chunk, &pending, max_bytes).await?;
        }
        let bytes = decoder
            .finish()
            .map_err(|error| refused(error, max_bytes))?;
        pending.hold(bytes.capacity())?;
        Ok(ReceivedBody {
            bytes: bytes.into(),
            _held: pending.complete()?,
        })
    }
}

async fn next_chunk(
    payload: &mut Payload,
    pending: &PendingBody,
    pace: &mut Pace,
) -> Result<Option<Bytes>, BodyError> {
    loop {
        let chunk = tokio::select! {
            // What is there already costs no timer.
            biased;
            chunk = payload.next() => chunk,
            () = pending.evicted() => return Err(BodyError::Evicted),
            () = tokio::time::sleep_until(pace.next_check()) => {
                pace.check()?;
                continue;
            }
        };
        return chunk.transpose().map_err(BodyError::Transport);
    }
}

async fn decode(
    decoder: &mut Decoder,
    mut input: &[u8],
    pending: &PendingBody,
    max_bytes: usize,
) -> Result<(), BodyError> {
    let mut steps = 0;
    while !input.is_empty() {
        let consumed = decoder
            .step(input)
            .map_err(|error| refused(error, max_bytes))?;
        pending.hold(decoder.held_bytes())?;
        input = &input[consumed..];
        steps += 1;
        if steps % STEPS_PER_TURN == 0 && !input.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

fn refused(error: DecodeError, max_bytes: usize) -> BodyError {
    match error {
        DecodeError::TooLong => BodyError::TooLong(max_bytes),
        error => BodyError::Decode(error),
    }
}

/// Progress of a body against the time and the rate that it must keep.
struct Pace {
    timeout: Duration,
    min_rate: usize,
    deadline: Instant,
    window_end: Instant,
    window_bytes: usize,
    received: usize,
}

impl Pace {
    fn new(limits: BodyLimits) -> Self {
        let now = Instant::now();
        Self {
            timeout: limits.timeout,
            min_rate: limits.min_bytes_per_second,
            deadline: now + limits.timeout,
            window_end: now + RATE_WINDOW,
            window_bytes: 0,
            received: 0,
        }
    }

    fn count(&mut self, bytes: usize) {
        self.received += bytes;
        self.window_bytes += bytes;
    }

    fn next_check(&self) -> Instant {
        self.deadline.min(self.window_end)
    }

    fn check(&mut self) -> Result<(), BodyError> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(BodyError::Timeout(self.timeout));
        }
        let min_bytes = self.min_rate as f64 * RATE_WINDOW.as_secs_f64();
        if now >= self.window_end {
            if (self.window_bytes as f64) < min_bytes {
                return Err(BodyError::TooSlow(self.min_rate));
            }
            self.window_end = now + RATE_WINDOW;
            self.window_bytes = 0;
        }
        Ok(())
    }
}

/// Reads a body as JSON. One that is refused is read again with its lone surrogates replaced, if it has any; it comes back
/// with what was replaced.
pub(in crate::http) fn read_json<T>(
    body: &[u8],
    read: impl Fn(&[u8]) -> Result<T, ApiError>,
) -> Result<(T, Option<RepairedJson>), ApiError> {
    let refusal = match read(body) {
        Ok(value) => return Ok((value, None)),
        Err(refusal) => refusal,
    };
    let repaired = repair_lone_surrogates(body).ok_or(refusal)?;
    Ok((read(&repaired.body)?, Some(repaired)))
}

fn announced_bytes(request: &HttpRequest) -> Option<usize> {
    request
        .headers()
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn peer(request: &HttpRequest) -> IpAddr {
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    request.peer_addr().map_or(unknown, |peer| peer.ip())
}
