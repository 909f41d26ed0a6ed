//! Accepts connections for whoever serves them: so many at once, and with patience while the system gives none. Knows nothing
//! of what is said on them; when to stop is up to whoever asks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// After the first failure; each further one in a row doubles it.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

pub struct Accept {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    /// For the log, such as `the gateway`.
    who: &'static str,
    /// How long to wait after the next failure.
    pause: Duration,
    /// Nothing is tried before.
    until: Option<Instant>,
    /// When the log was told last.
    told: Option<Instant>,
}

impl Accept {
    /// At most `most` connections at once; above it, they wait to be accepted.
    #[must_use]
    pub fn new(listener: TcpListener, most: usize, who: &'static str) -> Self {
        let slots = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { listener, slots, who, pause: PAUSE, until: None, told: None }
    }

    /// The next connection, once there is room for it; it counts until its permit is dropped. Whoever stops waiting loses no
    /// connection, and a pause goes on where it was.
    pub async fn next(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        // Nobody closes the semaphore.
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return std::future::pending().await };
        loop {
            if let Some(until) = self.until {
                sleep_until(until).await;
                self.until = None;
            }
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = PAUSE;
                    return (stream, peer, slot);
                }
                // The client's own doing, and over.
                Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
                Err(error) => self.failed(&error),
            }
        }
    }

    /// Such as when there are no more file descriptors: to try again at once would only use up a processor. The log is told
    /// once a second, also where connections get through in between.
    fn failed(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.told.is_none_or(|told| now.duration_since(told) >= PAUSE_MAX) {
            self.told = Some(now);
            tracing::error!(%error, "{} can't accept connections; trying again", self.who);
        }
        self.until = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::FutureExt;

    use super::*;

    async fn listening(most: usize) -> (Accept, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (Accept::new(listener, most, "the test"), address)
    }

    #[tokio::test]
    async fn pauses_grow_until_a_connection_comes() {
        let (mut accept, address) = listening(1).await;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            pauses.push(accept.pause.as_millis());
            accept.failed(&io::Error::other("no descriptors"));
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000]);
        accept.until = None;
        let client = TcpStream::connect(address).await.unwrap();
        let (_stream, peer, _slot) = accept.next().await;
        assert_eq!((peer, accept.pause), (client.local_addr().unwrap(), PAUSE));
    }

    #[tokio::test]
    async fn whoever_stops_waiting_shortens_no_pause_and_keeps_no_room() {
        let (mut accept, address) = listening(1).await;
        let until = Instant::now() + Duration::from_secs(60 * 60);
        accept.until = Some(until);
        assert!(accept.next().now_or_never().is_none());
        assert_eq!((accept.until, accept.slots.available_permits()), (Some(until), 1));
        accept.until = None;
        let _clients = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let (_stream, _, slot) = accept.next().await;
        assert_eq!(accept.slots.available_permits(), 0);
        assert!(accept.next().now_or_never().is_none(), "there is no room");
        drop(slot);
        let _other = accept.next().await;
    }
}
