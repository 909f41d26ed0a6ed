//! Whose connection a request came on, and who sent it.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};

use super::wire::Watch;
use crate::peers::Proxies;

#[derive(Clone)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    /// The address, as upstreams are told it; behind it the proxies that were believed.
    pub(super) forwarded_for: HeaderValue,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// HTTP/1.1 only: what the bytes looked like.
    pub(super) watch: Option<Arc<Watch>>,
    /// Each of its requests may come from somebody else.
    proxy: bool,
}

impl Client {
    pub(super) fn new(peer: IpAddr, watch: Option<Arc<Watch>>, proxies: &Proxies) -> Self {
        Self { address: peer, forwarded_for: value(&peer.to_string()), scheme: "http", watch, proxy: proxies.trusts(peer) }
    }

    /// Who sent this request.
    pub(super) fn of_request(&self, headers: &HeaderMap, proxies: &Proxies) -> Self {
        if !self.proxy {
            return self.clone();
        }
        let sender = proxies.sender(self.address, headers);
        Self { address: sender.address, forwarded_for: value(&sender.forwarded_for()), scheme: sender.scheme, ..self.clone() }
    }
}

fn value(addresses: &str) -> HeaderValue {
    HeaderValue::try_from(addresses).unwrap_or(HeaderValue::from_static("unknown"))
}
