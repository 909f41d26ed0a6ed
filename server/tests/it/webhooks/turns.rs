//! A workspace that has much to tell holds up no other's webhooks: neither what is made of their events, nor what came of
//! their attempts.

use std::sync::Arc;

use app::contract::WebhookForm;
use http::HeaderMap;
use server::capture::{Exchange, Recorder, Wanted};
use server::event::{Event, Failure, Request};
use server::store::{Delivery, DeliveryState, Workspace};
use uuid::Uuid;

use super::rig::{Rig, form, held, on_one_thread, quick, request, until_told};
use crate::support::receiver::{Answer, Receiver};
use crate::support::upstream::until;

/// Of the busy workspace. Each is told of one request four times, with its bodies.
const ENDPOINTS: usize = 20;
const TYPES: [&str; 4] = ["request.server_error", "request.timeout", "request.error", "request.completed"];
/// What one request makes: several transactions.
const DELIVERIES: usize = ENDPOINTS * TYPES.len();

struct House {
    rig: Rig,
    receiver: Receiver,
    busy: Workspace,
    endpoints: Vec<Uuid>,
    quiet: Workspace,
    /// The quiet workspace's endpoint.
    one: Uuid,
}

impl House {
    async fn start() -> Self {
        let (rig, receiver) = (Rig::start(quick()).await, Receiver::start().await);
        let (busy, quiet) = (rig.workspace("busy").await, rig.workspace("quiet").await);
        let operator = rig.services("op@example.test", None).await.webhooks;
        let mut endpoints = Vec::new();
        for number in 0..ENDPOINTS {
            let wanted = WebhookForm { include_bodies: Some("on".to_owned()), ..form(&receiver, &format!("/busy-{number}"), &TYPES) };
            endpoints.push(operator.create_webhook("busy", wanted).await.unwrap());
        }
        let one = operator.create_webhook("quiet", form(&receiver, "/quiet", &["request.completed"])).await.unwrap();
        Self { rig, receiver, busy, endpoints, quiet, one }
    }

    /// Tells of a request of the busy workspace, with what was copied of it.
    fn much(&self) {
        let failure = Some(Failure::new("timeout", String::new()));
        let ended = Request { status: Some(504), failure, ..request(&self.busy) };
        let wanted = Wanted { headers: false, bodies: true };
        let mut recorder = Recorder::new(wanted, self.busy.id, &Arc::default(), None, &HeaderMap::new());
        let words = "some words ".repeat(1_500);
        recorder.upload(&HeaderMap::new(), false).unwrap().data(words.as_bytes());
        recorder.answered(&HeaderMap::new());
        recorder.data(words.as_bytes());
        let copies: Exchange = recorder.finish(true);
        self.rig.bus.hand_over_copied(&Arc::new(Event::Request(ended)), copies);
    }

    /// What was made for the busy workspace.
    fn made(&self) -> Vec<Delivery> {
        let of = |endpoint: &Uuid| self.rig.store.webhooks().deliveries(self.busy.id, *endpoint).unwrap();
        self.endpoints.iter().flat_map(of).collect()
    }

    /// The quiet workspace's only delivery.
    fn only(&self) -> Delivery {
        let mut all = self.rig.store.webhooks().deliveries(self.quiet.id, self.one).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

#[test]
fn an_event_waits_for_a_piece_of_the_work_for_another_workspace_and_not_for_all_of_it() {
    on_one_thread(async {
        let house = House::start().await;
        let thread = held().await;
        for _ in 0..3 {
            house.much();
        }
        house.rig.ended(&house.quiet, 200);
        drop(thread);
        house.receiver.wait("/quiet", 1).await;
        let (told, made) = (house.only().id, house.made());
        let before = made.iter().filter(|delivery| delivery.id < told).count();
        assert!(before < DELIVERIES / 2, "{before} deliveries were made before it");
    });
}

#[test]
fn what_came_of_an_attempt_is_written_down_between_the_deliveries_of_one_event() {
    on_one_thread(async {
        let house = House::start().await;
        house.receiver.script("/quiet", [Answer::Stall]);
        house.rig.ended(&house.quiet, 200);
        house.receiver.wait("/quiet", 1).await;
        let thread = held().await;
        house.much();
        house.receiver.release();
        until_told(&house.rig.told, 1).await;
        drop(thread);
        until("it has ended", || house.rig.webhooks.waiting(house.one) == 0).await;
        until("all are made", || house.made().len() == DELIVERIES).await;
        let DeliveryState::Delivered { at } = house.only().state else { panic!("it has not arrived") };
        let after = house.made().iter().filter(|delivery| delivery.created_at > at).count();
        assert!(after > 0, "all deliveries were made before it");
    });
}
