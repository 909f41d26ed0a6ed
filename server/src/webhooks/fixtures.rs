//! A request and an endpoint for the tests of this room.

use std::time::Duration;

use http::HeaderMap;
use uuid::Uuid;

use crate::capture::Wanted;
use crate::event::{Request, sample};
use crate::live::Webhook;
use crate::values::{DeliveryMethod, EventType, WebhookUrl};

/// One that has just come in.
pub fn request() -> Request {
    Request { duration: Duration::ZERO, status: None, ..sample::request() }
}

pub fn webhook() -> Webhook {
    Webhook {
        id: Uuid::from_u128(9),
        workspace: sample::TENANT,
        generation: 1,
        name: "errors".into(),
        url: WebhookUrl::parse("http://127.0.0.1:9/hook").unwrap(),
        events: [EventType::RequestError].into_iter().collect(),
        method: DeliveryMethod::Post,
        headers: HeaderMap::new(),
        signing: Vec::new(),
        routes: Vec::new(),
        include: Wanted::default(),
        timeout: Duration::from_secs(15),
        retries: 3,
        enabled_at: 0,
    }
}
