//! The bodies of scripted answers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use super::{Open, State};

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

const PIECE: u64 = 64 * 1024;

pub(super) fn pieces(state: &Arc<State>, total: u64, cut: bool, open: Open) -> Body {
    let state = Arc::clone(state);
    let end = if cut { total / 2 } else { total };
    let piece = Bytes::from(vec![b'x'; usize::try_from(PIECE).unwrap()]);
    let frames = futures::stream::unfold((0, Some(open)), move |(at, open)| {
        let (state, piece) = (Arc::clone(&state), piece.clone());
        async move {
            if at < end {
                let length = PIECE.min(end - at);
                state.sent.fetch_add(length, Ordering::SeqCst);
                // The last piece is the end: nobody asks further when the length was announced.
                let open = if at + length < end || cut { open } else { open.map(Open::ended).and(None) };
                return Some((Ok(Frame::data(piece.slice(..usize::try_from(length).unwrap()))), (at + length, open)));
            }
            let open = open.filter(|_| cut)?;
            // hyper throws away what it has not written yet when a body fails; this must come after what was sent.
            tokio::time::sleep(Duration::from_millis(50)).await;
            open.ended();
            Some((Err(io::Error::other("cut, as the script says")), (at, None)))
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

pub(super) fn drip(state: &Arc<State>, open: Open) -> Body {
    let mut released = state.released.subscribe();
    let first = futures::stream::once(async { Ok(Frame::data(Bytes::from_static(b"first"))) });
    let last = futures::stream::once(async move {
        drop(released.wait_for(|released| *released).await);
        open.ended();
        Ok(Frame::data(Bytes::from_static(b"last")))
    });
    StreamBody::new(first.chain(last)).boxed_unsync()
}
