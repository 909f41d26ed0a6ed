//! Drives one HTTP connection to its end, politely: when it is asked to, or once nobody has used it for a while. Knows how many
//! requests are open on it, and nothing of what they say.

mod body;
mod stream;

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub use body::Held;
pub use stream::Written;

/// So long may a connection that was asked to end go on with no request open: whoever does not answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a client may read nothing of what it is answered, as nginx has it.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// The requests that are open on one connection. Clones are about the same ones.
#[derive(Clone, Debug)]
pub struct Requests(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    now: usize,
    /// Of these, the ones of whose answer a part was taken, and no more asked for yet: they wait for the client.
    handed: usize,
    /// When the last one ended, or some of an answer left or was taken; or else the connection began.
    since: Instant,
    /// How long a client may read nothing of what waits for it.
    send_timeout: Duration,
}

impl Requests {
    #[must_use]
    pub fn new(send_timeout: Duration) -> Self {
        Self(Arc::new(Mutex::new(Open { now: 0, handed: 0, since: Instant::now(), send_timeout })))
    }

    /// One more is open, until what is returned is dropped.
    #[must_use]
    pub fn begin(&self) -> Request {
        self.open().now += 1;
        Request { requests: self.clone(), handed: false }
    }

    /// Some of an answer left: the end of one may wait for a slow client long after its body was taken.
    fn wrote(&self) {
        self.open().since = Instant::now();
    }

    /// Returns once none has been open, and nothing written, for so long; counted from `from` at the earliest. Those that only wait
    /// for a client that reads nothing are as if they were not open, but have the time for that.
    async fn none_for(&self, time: Duration, from: Option<Instant>) {
        loop {
            let now = Instant::now();
            let until = {
                let open = self.open();
                let since = from.map_or(open.since, |from| open.since.max(from));
                match open.now {
                    0 => since + time,
                    all if all == open.handed => since + open.send_timeout,
                    _ => now + time,
                }
            };
            if until <= now {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn any(&self) -> bool {
        self.open().now > 0
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is open.
#[derive(Debug)]
pub struct Request {
    requests: Requests,
    handed: bool,
}

impl Request {
    /// A part of its answer was taken, or more of it is asked for.
    fn hand(&mut self, handed: bool) {
        if self.handed == handed {
            return;
        }
        self.handed = handed;
        let mut open = self.requests.open();
        if handed {
            open.handed += 1;
            open.since = Instant::now();
        } else {
            open.handed = open.handed.saturating_sub(1);
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.hand(false);
        let mut open = self.requests.open();
        open.now = open.now.saturating_sub(1);
        open.since = Instant::now();
    }
}

/// Drives a connection to its end: politely from `drain` on, or from when it was `idle`, with no request open for so long; and not
/// at all after `kill`, or once nobody reads what is answered.
///
/// # Errors
/// How the connection broke.
pub async fn drive<C, E>(
    connection: C,
    graceful: impl Fn(Pin<&mut C>),
    idle: Option<(Requests, Duration)>,
    drain: CancellationToken,
    kill: CancellationToken,
) -> Result<(), E>
where
    C: Future<Output = Result<(), E>>,
{
    let mut connection = pin!(connection);
    let (requests, idle) = idle.unzip();
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = drain.cancelled() => {}
        () = unused(requests.as_ref(), idle.unwrap_or_default(), None) => {
            // Whoever reads nothing would not read that it is over either.
            if requests.as_ref().is_some_and(Requests::any) {
                return Ok(());
            }
        }
    }
    graceful(connection.as_mut());
    tokio::select! {
        biased;
        ended = connection => ended,
        () = kill.cancelled() => Ok(()),
        () = unused(requests.as_ref(), PATIENCE, Some(Instant::now())) => Ok(()),
    }
}

/// As [`Requests::none_for`]; never for whoever counts none.
async fn unused(requests: Option<&Requests>, time: Duration, from: Option<Instant>) {
    match requests {
        Some(requests) => requests.none_for(time, from).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::task::Poll;

    use futures::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const IDLE: Duration = Duration::from_millis(50);
    const SEND: Duration = Duration::from_millis(200);

    fn requests() -> Requests {
        Requests::new(SEND)
    }

    /// A connection that ends when it is asked to.
    async fn driven(requests: &Requests, drain: &CancellationToken) {
        let asked = Cell::new(false);
        let connection = std::future::poll_fn(|_| if asked.get() { Poll::Ready(Ok::<(), ()>(())) } else { Poll::Pending });
        let idle = Some((requests.clone(), IDLE));
        drive(connection, |_| asked.set(true), idle, drain.clone(), CancellationToken::new()).await.unwrap();
    }

    #[tokio::test]
    async fn it_ends_once_no_request_has_been_open_for_a_while() {
        let (requests, begun) = (requests(), Instant::now());
        driven(&requests, &CancellationToken::new()).await;
        assert!(begun.elapsed() >= IDLE);

        let (first, second) = (requests.begin(), requests.begin());
        let never = CancellationToken::new();
        let mut open = pin!(driven(&requests, &never));
        drop(first);
        // Another one's idle time is over: this one's would be.
        driven(&self::requests(), &never).await;
        assert!(open.as_mut().now_or_never().is_none(), "one is open");
        let ended = Instant::now();
        drop(second);
        open.await;
        assert!(ended.elapsed() >= IDLE, "the time begins anew");
    }

    /// hyper lets go of a body once its end is in its own buffer, which a slow client may take long to empty.
    #[tokio::test]
    async fn it_does_not_end_while_what_was_answered_still_leaves() {
        let (requests, never) = (requests(), CancellationToken::new());
        let (client, server) = tokio::io::duplex(64);
        let mut server = Written::new(server, SEND, Some(requests.clone()));
        let mut open = pin!(driven(&requests, &never));
        let mut client = client;
        let slowly = async {
            let begun = Instant::now();
            while begun.elapsed() < IDLE * 6 {
                server.write_all(b"some of what was answered").await.unwrap();
                client.read_exact(&mut [0; 25]).await.unwrap();
                tokio::time::sleep(IDLE / 10).await;
            }
        };
        tokio::select! {
            biased;
            () = slowly => {}
            () = open.as_mut() => panic!("it was still used"),
        }
        open.await;
    }

    #[tokio::test]
    async fn what_waits_for_a_client_that_reads_nothing_keeps_it_open_only_so_long() {
        let (requests, never) = (requests(), CancellationToken::new());
        let (mut first, mut second) = (requests.begin(), requests.begin());
        let mut open = pin!(driven(&requests, &never));
        first.hand(true);
        tokio::time::sleep(SEND * 2).await;
        assert!(open.as_mut().now_or_never().is_none(), "the other one waits for its upstream");
        let handed = Instant::now();
        second.hand(true);
        open.as_mut().await;
        assert!(handed.elapsed() >= SEND);
    }

    #[tokio::test]
    async fn whoever_reads_on_is_waited_for() {
        let (requests, never) = (requests(), CancellationToken::new());
        let mut request = requests.begin();
        let mut open = pin!(driven(&requests, &never));
        let reading = async {
            let begun = Instant::now();
            while begun.elapsed() < SEND * 3 {
                request.hand(true);
                tokio::time::sleep(SEND / 10).await;
                request.hand(false);
            }
        };
        tokio::select! {
            biased;
            () = reading => {}
            () = open.as_mut() => panic!("it was still used"),
        }
        drop(request);
        open.await;
        let left = requests.open();
        assert_eq!((left.now, left.handed), (0, 0));
    }

    /// However long it was unused before: what is on its way just then is still answered.
    #[tokio::test]
    async fn whoever_is_asked_to_end_gets_time_from_then_on() {
        let requests = requests();
        let long_ago = Instant::now() - PATIENCE * 3;
        requests.open().since = long_ago;
        let (asked, never) = (Cell::new(false), CancellationToken::new());
        let connection = std::future::pending::<Result<(), ()>>();
        let mut open = pin!(drive(connection, |_| asked.set(true), Some((requests, IDLE)), never.clone(), never));
        assert!(open.as_mut().now_or_never().is_none() && asked.get(), "asked, and not cut off");
    }

    #[tokio::test]
    async fn it_ends_when_it_is_asked_to() {
        let (requests, drain) = (requests(), CancellationToken::new());
        let _open = requests.begin();
        drain.cancel();
        driven(&requests, &drain).await;
    }
}
