//! Connections of requests whose body was not read to its end.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::Stream;

/// Closes the connection after a response to a request whose body was not read to its end.
///
/// actix-web closes it only while the payload is alive; once a chunked one is dropped, it reads and discards it for as long
/// as the client sends, which may be for ever. So the payload stays alive as long as the response.
pub(in crate::http) async fn closed<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, WithPayload<B>>>, Error> {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let shared = SharedPayload(Rc::new(RefCell::new(Inner {
        payload,
        has_ended: false,
    })));
    request.set_payload(Payload::Stream {
        payload: Box::pin(shared.clone()),
    });
    let response = next.call(request).await?;
    if shared.0.borrow().has_ended {
        return Ok(response.map_into_left_body());
    }
    Ok(response.map_body(|_, body| {
        EitherBody::right(WithPayload {
            body: Box::pin(body),
            _payload: shared,
        })
    }))
}

#[derive(Clone)]
struct SharedPayload(Rc<RefCell<Inner>>);

struct Inner {
    payload: Payload,
    has_ended: bool,
}

impl Stream for SharedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut inner = self.0.borrow_mut();
        let next = Pin::new(&mut inner.payload).poll_next(cx);
        inner.has_ended |= matches!(next, Poll::Ready(None | Some(Err(_))));
        next
    }
}

/// Response body that keeps the payload of its request alive.
pub(in crate::http) struct WithPayload<B> {
    body: Pin<Box<B>>,
    _payload: SharedPayload,
}

impl<B: MessageBody> MessageBody for WithPayload<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().body.as_mut().poll_next(cx)
    }
}
