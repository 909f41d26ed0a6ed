//! The body of an answer, which says when it waits for the client.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

use super::Request;

/// The body of a response, until whose end its request is open.
#[derive(Debug)]
pub struct Held<B> {
    body: B,
    request: Option<Request>,
}

impl<B> Held<B> {
    pub const fn new(body: B, request: Option<Request>) -> Self {
        Self { body, request }
    }

    fn hand(&mut self, handed: bool) {
        if let Some(request) = &mut self.request {
            request.hand(handed);
        }
    }
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        // Whoever drives the connection asks for more only when there is room for it.
        this.hand(matches!(frame, Poll::Ready(Some(Ok(_)))));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
