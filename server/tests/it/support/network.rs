//! What tests let workspaces reach, and a network that is not there.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use server::egress::Policy;
use server::outbound::{Network, Outbound, Turn, Whose};
use server::values::TenantId;
use tokio::net::{TcpSocket, TcpStream};
use uuid::Uuid;

/// Where the servers of the tests are, as the flag has it.
pub const LOOPBACK: &str = "127.0.0.0/8,::1/128";

/// Some workspace.
pub const SOMEONE_ID: TenantId = TenantId(Uuid::from_u128(1));
pub const SOMEONE: Whose = Whose::Workspace(SOMEONE_ID);

/// A port of loopback where nobody listens, and that nobody else gets meanwhile.
pub struct Closed(TcpSocket);

impl Closed {
    pub fn port() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self(socket)
    }
}

/// Its address.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.local_addr().unwrap().fmt(f)
    }
}

/// Networks separated by commas.
pub fn policy(networks: &str) -> Policy {
    Policy::new(networks.split(',').filter(|network| !network.is_empty()).map(|network| network.parse().unwrap()))
}

/// The one client, with loopback open to workspaces.
pub fn outbound() -> Outbound {
    Outbound::new(policy(LOOPBACK)).unwrap()
}

/// Names that mean what the test says, and connections that are written down. Only those to loopback are made, and those
/// to an address that stands for a server of the test; all others fail, so that no test reaches out.
#[derive(Default)]
pub struct FakeNetwork {
    /// The answers of each name in turn; the last one stays.
    names: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    stand_ins: Mutex<HashMap<IpAddr, SocketAddr>>,
    asked: Mutex<Vec<String>>,
    connected: Mutex<Vec<SocketAddr>>,
}

impl FakeNetwork {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn outbound(self: &Arc<Self>, networks: &str) -> Outbound {
        Outbound::over(policy(networks), Arc::clone(self) as Arc<dyn Network>).unwrap()
    }

    /// What a name answers the first time, the second, and so on.
    pub fn name(&self, name: &str, answers: &[&[&str]]) {
        let answers = answers.iter().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        self.names.lock().unwrap().insert(name.to_owned(), answers);
    }

    /// Connections to `address` end at this server on loopback instead.
    pub fn stand_in(&self, address: &str, server: SocketAddr) {
        assert!(server.ip().is_loopback());
        self.stand_ins.lock().unwrap().insert(address.parse().unwrap(), server);
    }

    /// Names that were looked up.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Addresses that were connected to, or would have been.
    pub fn connected(&self) -> Vec<SocketAddr> {
        self.connected.lock().unwrap().clone()
    }
}

#[async_trait]
impl Network for FakeNetwork {
    async fn resolve(&self, name: &str, port: u16, _: Turn) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut names = self.names.lock().unwrap();
        let answers = names.get_mut(name).ok_or_else(|| io::Error::other("the test knows no such name"))?;
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(answer.unwrap_or_default().into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.connected.lock().unwrap().push(address);
        let stand_in = self.stand_ins.lock().unwrap().get(&address.ip()).copied();
        match stand_in {
            Some(server) => TcpStream::connect(server).await,
            None if address.ip().is_loopback() => TcpStream::connect(address).await,
            None => Err(io::Error::from(io::ErrorKind::NetworkUnreachable)),
        }
    }
}
