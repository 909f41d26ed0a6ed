//! The two things that touch the network before a connection stands: looking up a name, and connecting to an address.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::turns::Turn;

/// Resolves and connects. An argument, so that tests decide what names mean and see what would have been reached.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// Every address of a name, in the order they are to be tried. `turn` is kept for as long as this takes anything.
    async fn resolve(&self, name: &str, port: u16, turn: Turn) -> io::Result<Vec<SocketAddr>>;
    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream>;
}

/// The machine's own resolver and sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

#[async_trait]
impl Network for SystemNetwork {
    async fn resolve(&self, name: &str, port: u16, turn: Turn) -> io::Result<Vec<SocketAddr>> {
        let name = name.to_owned();
        let looking = tokio::task::spawn_blocking(move || {
            let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
            drop(turn);
            found
        });
        looking.await.map_err(io::Error::other)?
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }
}
