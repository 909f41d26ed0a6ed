//! Copies of the heads and of the bodies' beginnings of a request and its answer, for whoever includes them in what they tell.
//!
//! A copy is taken while the original passes: nothing waits for it, nothing of the original is held or changed, and where
//! nobody wants it there is none. All copies of the process share one [`Room`]; what it has no room for is left out, and
//! says so. What is copied here is raw: it must not leave before somebody has taken the secrets out, and must not come near
//! telemetry or error tracking, which is why it is no part of an event.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

mod room;

pub use room::Room;
use room::Share;

use crate::values::TenantId;

/// Of a body so many bytes are copied: its first.
pub const MOST_OF_BODY: usize = 16 * 1024;
/// Of a head so many bytes of names and values are copied.
pub const MOST_OF_HEADERS: usize = 8 * 1024;
/// The smallest piece of memory that a body's copy asks for.
const FIRST_PIECE: usize = 1024;
/// What a header costs besides its text.
const EACH_HEADER: usize = 64;
/// Between the values of a repeated header.
const JOINT: &[u8] = b", ";
/// What of a content type is kept.
const MOST_OF_TYPE: usize = 256;

/// What is to be copied of a request and of its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub headers: bool,
    pub bodies: bool,
}

impl Wanted {
    #[must_use]
    pub const fn any(self) -> bool {
        self.headers || self.bodies
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { headers: self.headers || other.headers, bodies: self.bodies || other.bodies }
    }
}

/// A head, as it came: names in lower case, each once, the values of a repeated one joined by `, `.
#[derive(Debug)]
pub struct Headers {
    pub list: Vec<(Box<str>, Vec<u8>)>,
    /// There were more than [`MOST_OF_HEADERS`].
    pub truncated: bool,
    /// There was no room for them.
    pub busy: bool,
    _share: Share,
}

impl Headers {
    fn copied(headers: &HeaderMap, mut share: Share) -> Self {
        let length = |name: &HeaderName| headers.get_all(name).iter().map(|value| value.len() + JOINT.len()).sum::<usize>();
        let (mut text, mut number, mut truncated) = (0, 0, false);
        let mut fits = |name: &&HeaderName| {
            let more = name.as_str().len() + length(name);
            let fits = text + more <= MOST_OF_HEADERS;
            text += if fits { more } else { 0 };
            number += usize::from(fits);
            truncated |= !fits;
            fits
        };
        let names: Vec<&HeaderName> = headers.keys().filter(|name| fits(name)).collect();
        if !share.grow(text + number * EACH_HEADER) {
            return Self { list: Vec::new(), truncated: false, busy: true, _share: share };
        }
        let list = names.into_iter().map(|name| {
            let values: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            (name.as_str().into(), values.join(JOINT))
        });
        Self { list: list.collect(), truncated, busy: false, _share: share }
    }
}

/// A body's beginning, as it came.
#[derive(Debug)]
pub struct Body {
    pub kept: Vec<u8>,
    /// How much passed, kept or not.
    pub bytes: u64,
    /// It passed to its end.
    pub whole: bool,
    /// There was no room for it.
    pub busy: bool,
    /// `content-type`, or its beginning.
    pub content_type: Option<Box<str>>,
    /// It has a `content-encoding`.
    pub coded: bool,
    share: Share,
}

impl Body {
    fn new(headers: &HeaderMap, share: Share) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let coded = headers
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .any(|value| !value.is_empty() && !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"));
        Self {
            kept: Vec::new(),
            bytes: 0,
            whole: false,
            busy: false,
            content_type: content_type.map(|text| text[..text.len().min(MOST_OF_TYPE)].into()),
            coded,
            share,
        }
    }

    /// There was more than what is kept.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.bytes > self.kept.len() as u64
    }

    fn data(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        let taken = &data[..data.len().min(MOST_OF_BODY - self.kept.len().min(MOST_OF_BODY))];
        if self.busy || taken.is_empty() {
            return;
        }
        let needed = self.kept.len() + taken.len();
        if needed > self.kept.capacity() {
            let capacity = needed.max(self.kept.capacity() * 2).clamp(FIRST_PIECE, MOST_OF_BODY);
            if !self.share.grow(capacity - self.kept.capacity()) {
                self.busy = true;
                self.kept = Vec::new();
                self.share.end();
                return;
            }
            self.kept.reserve_exact(capacity - self.kept.len());
        }
        self.kept.extend_from_slice(taken);
    }
}

/// One direction.
#[derive(Debug, Default)]
pub struct Half {
    /// `None`: not wanted, or there was none.
    pub headers: Option<Headers>,
    /// `None`: not wanted, or none was read.
    pub body: Option<Body>,
}

/// What was copied of a request and of the upstream's answer to it.
#[derive(Debug, Default)]
pub struct Exchange {
    /// What the gateway put on the upstream's request: secrets, wherever they turn up.
    pub injected: HeaderMap,
    pub request: Half,
    pub response: Half,
}

impl Exchange {
    /// Whether something was left out because there was no room for it.
    #[must_use]
    pub fn busy(&self) -> bool {
        [&self.request, &self.response]
            .into_iter()
            .any(|half| half.headers.as_ref().is_some_and(|headers| headers.busy) || half.body.as_ref().is_some_and(|body| body.busy))
    }
}

/// Takes the copies of one request.
#[derive(Debug)]
pub struct Recorder {
    wanted: Wanted,
    tenant: TenantId,
    room: Arc<Room>,
    injected: HeaderMap,
    headers: Option<Headers>,
    /// Of the request's body, once somebody sends it on.
    upload: Option<Upload>,
    response: Half,
}

/// The copy of a request's body, while it passes to the upstream.
#[derive(Clone, Debug)]
pub struct Upload(Arc<Mutex<Body>>);

impl Upload {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn data(&self, data: &[u8]) {
        self.body().data(data);
    }

    /// It passed to its end.
    pub fn ended(&self) {
        self.body().whole = true;
    }
}

impl Recorder {
    /// `injected` is what goes on the upstream's request besides, if there will be one.
    #[must_use]
    pub fn new(wanted: Wanted, tenant: TenantId, room: &Arc<Room>, injected: Option<&HeaderMap>, headers: &HeaderMap) -> Self {
        let mut new = Self {
            wanted,
            tenant,
            room: Arc::clone(room),
            injected: injected.cloned().unwrap_or_default(),
            headers: None,
            upload: None,
            response: Half::default(),
        };
        new.headers = new.head(headers);
        new
    }

    fn share(&self) -> Share {
        Share::new(&self.room, self.tenant)
    }

    fn head(&self, headers: &HeaderMap) -> Option<Headers> {
        self.wanted.headers.then(|| Headers::copied(headers, self.share()))
    }

    /// What may be told of a request that has just come in: its head alone.
    #[must_use]
    pub fn arrived(&self, headers: &HeaderMap) -> Exchange {
        let request = Half { headers: self.head(headers), body: None };
        Exchange { injected: self.injected.clone(), request, response: Half::default() }
    }

    /// The request's body is sent on. `empty`: there is none.
    pub fn upload(&mut self, headers: &HeaderMap, empty: bool) -> Option<Upload> {
        if !self.wanted.bodies {
            return None;
        }
        let mut body = Body::new(headers, self.share());
        body.whole = empty;
        let upload = Upload(Arc::new(Mutex::new(body)));
        self.upload = Some(upload.clone());
        Some(upload)
    }

    /// The head of the upstream's answer is there, as the client gets it.
    pub fn answered(&mut self, headers: &HeaderMap) {
        self.response.headers = self.head(headers);
        self.response.body = self.wanted.bodies.then(|| Body::new(headers, self.share()));
    }

    /// Some of the answer's body passes.
    pub fn data(&mut self, data: &[u8]) {
        if let Some(body) = &mut self.response.body {
            body.data(data);
        }
    }

    /// `whole`: the answer passed to its end. What of a request's body is still on its way is not told of.
    #[must_use]
    pub fn finish(mut self, whole: bool) -> Exchange {
        if let Some(body) = &mut self.response.body {
            body.whole = whole;
        }
        let body = self.upload.map(|upload| {
            let mut shared = upload.body();
            let share = Share::new(&self.room, self.tenant);
            let rest = Body { kept: Vec::new(), content_type: None, busy: true, share, ..*shared };
            std::mem::replace(&mut *shared, rest)
        });
        Exchange { injected: self.injected, request: Half { headers: self.headers, body }, response: self.response }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const BOTH: Wanted = Wanted { headers: true, bodies: true };

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    fn recorder(room: &Arc<Room>, n: u128, headers: &HeaderMap) -> Recorder {
        Recorder::new(BOTH, tenant(n), room, None, headers)
    }

    #[test]
    fn a_body_is_kept_up_to_its_bound_and_counted_beyond() {
        let room = Arc::new(Room::default());
        let mut one = recorder(&room, 1, &HeaderMap::new());
        let upload = one.upload(&HeaderMap::new(), false).unwrap();
        one.answered(&HeaderMap::new());
        for _ in 0..10 {
            upload.data(b"ab");
        }
        one.data(&[7; MOST_OF_BODY - 1]);
        one.data(&[8; 5]);
        upload.ended();
        let told = one.finish(false);
        let (asked, answered) = (told.request.body.as_ref().unwrap(), told.response.body.as_ref().unwrap());
        assert_eq!((asked.kept.len(), asked.bytes, asked.truncated(), asked.whole), (20, 20, false, true));
        assert_eq!((answered.kept.len(), answered.kept.capacity(), answered.bytes), (MOST_OF_BODY, MOST_OF_BODY, MOST_OF_BODY as u64 + 4));
        assert!(answered.truncated() && !answered.whole && answered.kept.last() == Some(&8));
        assert_eq!(room.in_use(), FIRST_PIECE + MOST_OF_BODY);
        upload.data(&[1; 4096]);
        drop(told);
        assert_eq!(room.in_use(), 0, "what comes after the end is held by nobody");
    }

    #[test]
    fn a_head_is_bounded_and_repeated_names_are_one() {
        let room = Arc::new(Room::default());
        let mut headers = HeaderMap::new();
        headers.append("x-many", HeaderValue::from_static("a"));
        headers.append("x-many", HeaderValue::from_static("b"));
        headers.insert("x-large", HeaderValue::from_str(&"l".repeat(MOST_OF_HEADERS)).unwrap());
        headers.insert("accept", HeaderValue::from_static("*/*"));
        let told = recorder(&room, 1, &headers).finish(true);
        let copied = told.request.headers.as_ref().unwrap();
        let list: Vec<(&str, &[u8])> = copied.list.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(list, [("x-many", &b"a, b"[..]), ("accept", b"*/*")]);
        assert!(copied.truncated && told.request.body.is_none() && told.response.headers.is_none());
        drop(told);
        assert_eq!(room.in_use(), 0);
    }

    #[test]
    fn over_the_room_there_is_no_copy_and_nobody_takes_the_others_room() {
        let room = Arc::new(Room::new(8 * 1024, 4 * 1024));
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("*/*"));
        let held: Vec<Recorder> = (0..3)
            .map(|_| {
                let mut one = recorder(&room, 1, &HeaderMap::new());
                one.answered(&headers);
                one.data(&[0; 2048]);
                one
            })
            .collect();
        let told: Vec<Exchange> = held.into_iter().map(|one| one.finish(true)).collect();
        let busy: Vec<bool> = told.iter().map(Exchange::busy).collect();
        assert_eq!(busy, [false, true, true], "4 KiB hold one body of 2 KiB with its head");
        let last = told[2].response.body.as_ref().unwrap();
        assert_eq!((last.kept.len(), last.bytes), (0, 2048), "the size is known all the same");
        let mut other = recorder(&room, 2, &headers);
        other.answered(&headers);
        other.data(&[0; 2048]);
        assert!(!other.finish(true).busy(), "another workspace has its own share");
        drop(told);
        assert_eq!(room.in_use(), 0);
        assert!(room.held().tenants.is_empty(), "nothing is kept of whoever holds nothing");
    }
}
