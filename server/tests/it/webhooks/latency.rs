//! Requests do not wait for webhooks: not for a receiver that hangs, not for the disk, not for a queue that is full.

use std::time::Duration;

use http::Method;
use server::store::DeliveryState;
use server::values::Role;
use server::webhooks::{Limits, Options};
use tokio::time::timeout;

use super::rig::{Rig, form, held, on_one_thread, quick};
use crate::gateway::{Rig as Gateway, TENANT, Table, client};
use crate::support::network::outbound;
use crate::support::receiver::{Answer, Receiver};
use crate::support::upstream::{Upstream, until};

/// More than may wait for the disk.
const FLOOD: usize = 2_000;
/// How long a request may take that waits for nobody; what is held here is never released in time.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_request_completes_while_the_receiver_and_the_disk_are_held() {
    on_one_thread(async {
        let options = Options { limits: Limits { waiting: 20, ..Limits::default() }, ..quick() };
        let (rig, receiver, upstream) = (Rig::start(options).await, Receiver::start().await, Upstream::start().await);
        let acme = rig.workspace_as(TENANT, "acme").await;
        let admin = rig.services("admin@acme.test", Some((&acme, Role::Admin))).await.webhooks;
        let gateway = Gateway::on(&rig.bus, &Table::to(&upstream.url()), outbound()).await;
        let client = client();
        let request = async |path: &str| {
            let sent = gateway.request(&client, Method::GET, path).send();
            let answer = timeout(PATIENCE, sent).await.unwrap_or_else(|_| panic!("{path} waits for something")).unwrap();
            assert_eq!(answer.status(), 200);
            timeout(PATIENCE, answer.bytes()).await.unwrap_or_else(|_| panic!("{path} has no end")).unwrap();
        };
        let wanted = form(&receiver, "/hook", &["request.received", "request.completed"]);
        let id = admin.create_webhook("acme", wanted).await.unwrap();
        receiver.script("/hook", vec![Answer::Stall; 2 * FLOOD]);
        request("/first").await;
        receiver.wait("/hook", 2).await;
        request("/while-the-receiver-hangs").await;
        let on_disk = || rig.store.webhooks().deliveries(TENANT, id).unwrap().len();
        until("the second is on disk", || on_disk() == 4).await;

        let disk = held().await;
        request("/while-the-disk-is-held").await;
        for _ in 0..FLOOD {
            rig.ended(&acme, 200);
        }
        request("/while-nothing-more-may-wait").await;
        assert_eq!(on_disk(), 4, "nothing was written meanwhile");

        drop(disk);
        until("what waited for the disk is there", || on_disk() > 6).await;
        receiver.release();
        until("all is delivered", || rig.webhooks.waiting(id) == 0).await;
        let deliveries = rig.store.webhooks().deliveries(TENANT, id).unwrap();
        assert!(!deliveries.is_empty() && deliveries.iter().all(|delivery| matches!(delivery.state, DeliveryState::Delivered { .. })));
        assert!(receiver.got("/hook").iter().any(|got| got.json()["data"]["request"]["path"] == "/while-the-disk-is-held"));
    });
}
