//! Accepts connections for whoever serves them: so many at once, of which one address can't take all, and with patience while the
//! system gives none. Knows nothing of what is said on them; when to stop is up to whoever asks.

mod shares;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use self::shares::{Share, Shares};
use crate::peers::{Proxies, network_of};

/// After the first failure; each further one in a row doubles it.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Of IPv6, what counts as one address: a house's network.
const NETWORK_BITS: u32 = 56;
/// One in so many places is for loopback and trusted proxies alone: whoever runs the gateway gets in.
const RESERVED: usize = 64;
/// How often the log is told of connections that are closed because their address has its share.
const CROWDED_EVERY: Duration = Duration::from_secs(60);

pub struct Accept {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    most: usize,
    shares: Shares,
    proxies: Proxies,
    /// For the log, such as `the gateway`.
    who: &'static str,
    /// How long to wait after the next failure.
    pause: Duration,
    /// Nothing is tried before.
    until: Option<Instant>,
    /// When the log was told last.
    told: Option<Instant>,
    /// Connections that were closed since the log was told of any, and when that was.
    crowded: u64,
    crowded_told: Option<Instant>,
    /// A test's connections come from there.
    #[cfg(test)]
    loopback_counts: bool,
}

/// A connection's place; somebody else's once it is dropped.
#[derive(Debug)]
pub struct Place {
    _slot: OwnedSemaphorePermit,
    /// `None`: it counts for nobody.
    _share: Option<Share>,
}

impl Accept {
    /// At most `most` connections at once; above it, they wait to be accepted. An address (of IPv6, a network of 56 bits) has no more
    /// of them than are still free, so that others always get some, and the last ones are not for it: what it opens beyond that is
    /// closed. Loopback and trusted proxies may have all.
    #[must_use]
    pub fn new(listener: TcpListener, most: usize, who: &'static str) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self {
            listener,
            slots: Arc::new(Semaphore::new(most)),
            most,
            shares: Shares::default(),
            proxies: Proxies::default(),
            who,
            pause: PAUSE,
            until: None,
            told: None,
            crowded: 0,
            crowded_told: None,
            #[cfg(test)]
            loopback_counts: false,
        }
    }

    #[must_use]
    pub fn trusting(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// The next connection, once there is room for it; it counts until its place is dropped. Whoever stops waiting loses no
    /// connection, and a pause goes on where it was.
    pub async fn next(&mut self) -> (TcpStream, SocketAddr, Place) {
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
                    let address = peer.ip().to_canonical();
                    match self.share(address) {
                        Ok(share) => return (stream, peer, Place { _slot: slot, _share: share }),
                        Err(Crowded) => self.closed(address),
                    }
                }
                // The client's own doing, and over.
                Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
                Err(error) => self.failed(&error),
            }
        }
    }

    /// One more of this address's share. What is asked for has its slot already.
    fn share(&self, address: IpAddr) -> Result<Option<Share>, Crowded> {
        if self.is_exempt(address) {
            return Ok(None);
        }
        let free = self.slots.available_permits() + 1;
        self.shares.take(network_of(address, NETWORK_BITS), free.saturating_sub(self.most / RESERVED)).map(Some).ok_or(Crowded)
    }

    /// Whether connections from there are many people's, or the machine's own.
    fn is_exempt(&self, address: IpAddr) -> bool {
        #[cfg(test)]
        if self.loopback_counts {
            return false;
        }
        address.is_loopback() || self.proxies.trusts(address)
    }

    fn closed(&mut self, address: IpAddr) {
        self.crowded += 1;
        let now = Instant::now();
        if self.crowded_told.is_none_or(|told| now.duration_since(told) >= CROWDED_EVERY) {
            tracing::warn!(%address, closed = self.crowded, "{} closes connections: this address has as many as are still free, or none but the last are", self.who);
            (self.crowded, self.crowded_told) = (0, Some(now));
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

/// The address has its share.
struct Crowded;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures::FutureExt;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpSocket;

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

    #[tokio::test]
    async fn an_address_has_no_more_places_than_are_still_free() {
        let (accept, _) = listening(8).await;
        let take = |last: u8| {
            let slot = Arc::clone(&accept.slots).try_acquire_owned().unwrap();
            accept.share([198, 51, 100, last].into()).ok().map(|share| Place { _slot: slot, _share: share })
        };
        let first: Vec<Place> = (0..4).map_while(|_| take(1)).collect();
        assert_eq!(first.len(), 4);
        assert!(take(1).is_none());
        let mut second: Vec<Place> = (0..3).map_while(|_| take(2)).collect();
        assert_eq!(second.len(), 2, "half of the rest");
        let third = take(3);
        assert!(third.is_some() && take(2).is_none(), "another has its own");
        drop(second.pop());
        second.extend(take(2));
        assert_eq!((second.len(), accept.shares.lock().len()), (2, 3));
        drop((first, second));
        assert_eq!(accept.shares.lock().len(), 1, "nothing is kept of whoever has none");
    }

    /// A client at this address of the machine's own network.
    async fn from(last: u8, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        socket.connect(to).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_beyond_a_share_is_closed_and_somebody_else_gets_the_place() {
        let (mut accept, address) = listening(4).await;
        accept.loopback_counts = true;
        let (mut clients, mut places) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            clients.push(from(1, address).await);
            places.push(accept.next().await);
        }
        let mut beyond = from(1, address).await;
        let other = from(2, address).await;
        let (_stream, peer, _place) = accept.next().await;
        assert_eq!(peer, other.local_addr().unwrap());
        assert!(matches!(beyond.read(&mut [0]).await, Ok(0) | Err(_)), "closed");
        assert_eq!(accept.slots.available_permits(), 1);
    }

    /// However many addresses there are.
    #[tokio::test]
    async fn the_last_places_are_for_whoever_runs_it() {
        let (accept, _) = listening(2 * RESERVED).await;
        let take = |address: [u8; 4]| {
            let slot = Arc::clone(&accept.slots).try_acquire_owned().unwrap();
            accept.share(address.into()).ok().map(|share| Place { _slot: slot, _share: share })
        };
        let others: Vec<Place> = (1..=255).map_while(|last| take([198, 51, 100, last])).collect();
        assert_eq!(others.len(), 2 * RESERVED - 2);
        assert!(take([198, 51, 101, 1]).is_none());
        assert_eq!(accept.shares.lock().len(), others.len(), "nothing is kept of whoever is refused");
        let own: Vec<Place> = (0..2).map_while(|_| take([127, 0, 0, 1])).collect();
        assert_eq!(own.len(), 2);
    }

    #[tokio::test]
    async fn loopback_and_trusted_proxies_may_have_all_places() {
        let (accept, address) = listening(4).await;
        let mut accept = accept.trusting(Proxies::new(["192.0.2.0/24".parse().unwrap()]));
        let (mut clients, mut places) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            clients.push(TcpStream::connect(address).await.unwrap());
            places.push(accept.next().await);
        }
        assert_eq!(accept.slots.available_permits(), 0);
        assert!(matches!(accept.share([192, 0, 2, 1].into()), Ok(None)));
        let others = [accept.share([198, 51, 100, 1].into()), accept.share([198, 51, 100, 1].into())];
        assert!(matches!(others, [Ok(Some(_)), Err(Crowded)]));
    }
}
