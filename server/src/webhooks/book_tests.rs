use super::*;
use crate::live::TenantWebhooks;
use crate::store::DeliveryBody;
use crate::values::EventType;
use crate::webhooks::fixtures;

const LIMITS: Limits = Limits {
    waiting: 3,
    waiting_bytes: 2 * SIZE,
    all_waiting_bytes: 100 * SIZE,
    ended: 4,
    failed: 2,
    ended_bytes: 10 * SIZE,
    workspace_ended_bytes: 6 * SIZE,
    per_endpoint: 2,
    per_workspace: 4,
    at_once: 8,
};
const SIZE: usize = 100;

fn endpoint(n: u128) -> Arc<Webhook> {
    Arc::new(Webhook { id: Uuid::from_u128(n), ..fixtures::webhook() })
}

fn in_force(endpoints: &[&Arc<Webhook>]) -> Webhooks {
    let workspace = fixtures::webhook().workspace;
    let all = endpoints.iter().map(|one| Arc::clone(one)).collect();
    Webhooks { tenants: HashMap::from([(workspace, Arc::new(TenantWebhooks::new(all)))]) }
}

fn add(book: &mut Book, of: &Webhook, delivery: u128, at: UnixMillis) {
    assert!(book.reserve(of.workspace, of.id));
    book.add(of.id, Uuid::from_u128(delivery), SIZE, at);
}

fn started(starts: &[Start]) -> Vec<(u128, u128)> {
    starts.iter().map(|start| (start.endpoint.id.as_u128(), start.delivery.as_u128())).collect()
}

fn settled(of: &Webhook, delivery: u128, state: DeliveryState, failing: bool) -> Settled {
    let after = Delivery { state, ..stored(of, delivery) };
    let then = Then::of(&after);
    Settled { workspace: of.workspace, endpoint: of.id, delivery: after.id, then, failing: Some(failing), not_before: None }
}

#[test]
fn what_is_due_starts_in_order_and_within_the_limits() {
    let (mut book, a, b) = (Book::new(LIMITS), endpoint(1), endpoint(2));
    let both = in_force(&[&a, &b]);
    for (delivery, at) in [(11, 10), (12, 20), (13, 30)] {
        add(&mut book, &a, delivery, at);
    }
    add(&mut book, &b, 21, 40);
    assert_eq!(book.due(5, &both).1, Some(10));
    let (starts, next) = book.due(30, &both);
    assert_eq!((started(&starts), next), (vec![(1, 11), (1, 12)], Some(40)), "two at once for one endpoint");
    assert_eq!(started(&book.due(40, &both).0), [(2, 21)], "a busy endpoint holds up nobody else");
    book.settle(settled(&a, 11, DeliveryState::Delivered { at: 41 }, false));
    assert_eq!(started(&book.due(41, &both).0), [(1, 13)]);
    assert_eq!((book.waiting(a.id), book.waiting(b.id)), (2, 1));
}

#[test]
fn a_workspace_has_its_share_and_no_more_even_if_its_endpoints_come_and_go() {
    let limits = Limits { per_workspace: 2, ..LIMITS };
    let (mut book, a, b) = (Book::new(limits), endpoint(1), endpoint(2));
    let all = in_force(&[&a, &b]);
    for (of, delivery) in [(&a, 11), (&a, 12), (&b, 21), (&b, 22)] {
        add(&mut book, of, delivery, 10);
    }
    assert_eq!(started(&book.due(10, &all).0), [(1, 11), (1, 12)]);
    book.forget(a.id);
    let left = in_force(&[&b]);
    assert!(book.due(10, &left).0.is_empty(), "those of the endpoint that is gone still hang");
    book.settle(Settled { then: Then::Gone, ..settled(&a, 11, DeliveryState::Delivered { at: 11 }, false) });
    assert_eq!(started(&book.due(11, &left).0), [(2, 21)]);
    book.settle(Settled { then: Then::Gone, ..settled(&a, 12, DeliveryState::Delivered { at: 11 }, false) });
    assert_eq!(started(&book.due(11, &left).0), [(2, 22)]);
    for delivery in [21, 22] {
        book.settle(settled(&b, delivery, DeliveryState::Delivered { at: 12 }, false));
    }
    assert!(book.crews.is_empty(), "nothing is kept of whoever has nothing under way");
}

#[test]
fn a_failing_endpoint_is_tried_one_by_one() {
    let (mut book, a) = (Book::new(LIMITS), endpoint(1));
    let all = in_force(&[&a]);
    add(&mut book, &a, 11, 10);
    assert_eq!(started(&book.due(10, &all).0), [(1, 11)]);
    book.settle(settled(&a, 11, DeliveryState::Waiting { next_at: 50 }, true));
    add(&mut book, &a, 12, 20);
    add(&mut book, &a, 13, 20);
    assert_eq!(started(&book.due(60, &all).0), [(1, 12)]);
    assert!(book.due(60, &all).0.is_empty());
    book.settle(settled(&a, 12, DeliveryState::Delivered { at: 61 }, false));
    assert_eq!(started(&book.due(61, &all).0), [(1, 13), (1, 11)]);
}

#[test]
fn an_endpoint_that_is_off_keeps_what_waits_until_it_is_on() {
    let (mut book, a) = (Book::new(LIMITS), endpoint(1));
    add(&mut book, &a, 11, 10);
    assert_eq!((book.due(10, &Webhooks::default()).0.len(), book.waiting(a.id)), (0, 1));
    assert_eq!(book.unpark(&Webhooks::default()), [(a.workspace, a.id)]);
    let on = in_force(&[&a]);
    assert!(book.unpark(&on).is_empty());
    book.halt(&a);
    assert!(book.due(10, &on).0.is_empty(), "it was given up as it is");
    let again = Arc::new(Webhook { enabled_at: 9, ..fixtures::webhook() });
    let again = Arc::new(Webhook { id: a.id, enabled_at: again.enabled_at, ..fixtures::webhook() });
    let on = in_force(&[&again]);
    book.unpark(&on);
    assert_eq!(started(&book.due(10, &on).0), [(1, 11)]);
}

#[test]
fn a_receiver_that_asks_for_patience_is_left_alone() {
    let (mut book, a) = (Book::new(LIMITS), endpoint(1));
    let all = in_force(&[&a]);
    add(&mut book, &a, 11, 10);
    add(&mut book, &a, 12, 10);
    assert_eq!(book.due(10, &all).0.len(), 2);
    let asked = Settled { not_before: Some(500), ..settled(&a, 11, DeliveryState::Waiting { next_at: 500 }, true) };
    book.settle(asked);
    book.settle(settled(&a, 12, DeliveryState::Waiting { next_at: 20 }, true));
    let (starts, next) = book.due(20, &all);
    assert_eq!((starts.len(), next), (0, Some(500)));
}

fn ended(failed: bool) -> Ended {
    Ended { failed, size: SIZE }
}

fn ids(out: &[(Uuid, Ended)]) -> Vec<u128> {
    out.iter().map(|(id, _)| id.as_u128()).collect()
}

#[test]
fn both_piles_are_bounded() {
    let (mut book, a) = (Book::new(LIMITS), endpoint(1));
    for delivery in 11..=13 {
        add(&mut book, &a, delivery, 10);
    }
    assert!(!book.reserve(a.workspace, a.id));
    book.release(a.id);
    assert!(book.reserve(a.workspace, a.id));
    book.put_back(a.id, (1..=4).map(|id| (Uuid::from_u128(id), ended(false))));
    let out = book.crowd_out(a.id, 1, SIZE);
    assert_eq!(ids(&out), [1]);
    assert_eq!(book.pick(a.id, Uuid::from_u128(1)), None, "it is about to be removed");
    book.put_back(a.id, out);
    assert_eq!((book.pick(a.id, Uuid::from_u128(1)), book.pick(a.id, Uuid::from_u128(1))), (Some(ended(false)), None));
    assert!(book.crowd_out(a.id, 1, SIZE).is_empty(), "there is room again");
    assert_eq!(ids(&book.crowd_out(a.id, 1, 9 * SIZE)), [2, 3], "bodies count as well");
    book.forget(a.id);
    assert_eq!((book.waiting(a.id), book.due(99, &in_force(&[&a])).0.len()), (0, 0));
}

#[test]
fn those_that_failed_are_kept_while_others_make_room() {
    let (mut book, a) = (Book::new(LIMITS), endpoint(1));
    assert!(book.reserve(a.workspace, a.id));
    book.put_back(a.id, [(1, true), (2, false), (3, true), (4, false)].map(|(id, failed)| (Uuid::from_u128(id), ended(failed))));
    assert_eq!(ids(&book.crowd_out(a.id, 1, SIZE)), [2]);
    book.put_back(a.id, [(Uuid::from_u128(5), ended(false))]);
    assert_eq!(ids(&book.crowd_out(a.id, 1, SIZE)), [4], "the oldest of those that arrived");
    book.put_back(a.id, [(Uuid::from_u128(6), ended(true))]);
    assert_eq!(ids(&book.crowd_out(a.id, 1, SIZE)), [1], "of more than enough that failed the oldest goes");
    book.put_back(a.id, [(Uuid::from_u128(7), ended(true))]);
    assert_eq!(ids(&book.crowd_out(a.id, 4, 4 * SIZE)), [3, 5, 6, 7], "in the end all make room");
}

fn given(out: &[(Uuid, (Uuid, Ended))]) -> Vec<(u128, u128)> {
    out.iter().map(|(of, (id, _))| (of.as_u128(), id.as_u128())).collect()
}

#[test]
fn what_has_ended_is_bounded_over_all_endpoints_of_a_workspace() {
    let (mut book, a, b) = (Book::new(LIMITS), endpoint(1), endpoint(2));
    let other = Webhook { id: Uuid::from_u128(3), workspace: TenantId(Uuid::from_u128(77)), ..fixtures::webhook() };
    for (of, deliveries) in [(&*a, 11..=14), (&*b, 21..=22), (&other, 31..=34)] {
        assert!(book.reserve(of.workspace, of.id));
        book.put_back(of.id, deliveries.map(|id| (Uuid::from_u128(id), ended(false))));
    }
    assert!(book.crowd_out_of(a.workspace, 0).is_empty(), "it may have as much as this");
    let out = book.crowd_out_of(a.workspace, SIZE);
    assert_eq!(given(&out), [(1, 11)], "of the endpoint that has most the oldest");
    assert!(book.crowd_out_of(a.workspace, SIZE).is_empty(), "there is room now");
    assert_eq!(given(&book.crowd_out_of(a.workspace, 3 * SIZE)), [(1, 12), (2, 21)]);
    out.into_iter().for_each(|(of, one)| book.put_back(of, [one]));
    assert_eq!(book.pick(a.id, Uuid::from_u128(11)), Some(ended(false)));
    book.keep(&Delivery { state: DeliveryState::Delivered { at: 11 }, ..stored(&b, 23) });
    book.load(&Delivery { state: DeliveryState::Failed { at: 11 }, ..stored(&b, 24) });
    assert_eq!(given(&book.crowd_out_of(a.workspace, 2 * SIZE)), [(2, 22)], "13 and 14, 22 to 24");
    book.forget(b.id);
    assert!(book.crowd_out_of(a.workspace, 4 * SIZE).is_empty(), "what is gone takes no room");
    assert_eq!(given(&book.crowd_out_of(other.workspace, 3 * SIZE)), [(3, 31)], "each has its own");
    book.forget(a.id);
    book.forget(other.id);
    assert_eq!(book.piles.of(a.workspace) + book.piles.of(other.workspace), 0);
}

#[test]
fn what_waits_is_measured_until_it_has_ended() {
    let (mut book, a) = (Book::new(LIMITS), endpoint(1));
    let all = in_force(&[&a]);
    add(&mut book, &a, 11, 10);
    assert!(!book.crowded(a.id));
    add(&mut book, &a, 12, 10);
    assert!(book.crowded(a.id));
    assert_eq!(book.due(10, &all).0.len(), 2);
    book.settle(settled(&a, 11, DeliveryState::Waiting { next_at: 50 }, false));
    assert!(book.crowded(a.id), "it waits again");
    book.settle(settled(&a, 12, DeliveryState::Failed { at: 11 }, false));
    assert!(!book.crowded(a.id));
    assert_eq!(book.pick(a.id, Uuid::from_u128(12)), Some(ended(true)));
}

/// One that waits on disk.
fn stored(of: &Webhook, id: u128) -> Delivery {
    Delivery {
        id: Uuid::from_u128(id),
        workspace: of.workspace,
        endpoint: of.id,
        event: EventType::RequestError,
        body: DeliveryBody::Plain("x".repeat(SIZE)),
        created_at: 10,
        state: DeliveryState::Waiting { next_at: 10 },
        attempts: Vec::new(),
        earlier: 0,
        request_id: None,
        trace: None,
    }
}

#[test]
fn one_that_ended_is_kept_alike_before_and_after_a_restart() {
    let a = endpoint(1);
    let (delivered, failed) = (DeliveryState::Delivered { at: 11 }, DeliveryState::Failed { at: 11 });
    for (event, state, kept_as_failed) in [
        (EventType::RequestError, failed, true),
        (EventType::RequestError, delivered, false),
        (EventType::WebhookTest, failed, false),
        (EventType::WebhookTest, delivered, false),
    ] {
        let (mut before, mut after) = (Book::new(LIMITS), Book::new(LIMITS));
        let delivery = Delivery { event, state, ..stored(&a, 11) };
        // A test waits when somebody has it delivered again.
        add(&mut before, &a, 11, 10);
        assert_eq!(before.due(10, &in_force(&[&a])).0.len(), 1);
        before.settle(Settled { then: Then::of(&delivery), ..settled(&a, 11, state, false) });
        after.load(&delivery);
        for mut book in [before, after] {
            assert_eq!(book.pick(a.id, delivery.id), Some(ended(kept_as_failed)), "{event:?} {state:?}");
        }
    }
}

#[test]
fn what_waits_of_all_workspaces_is_bounded_whether_it_was_added_or_found_on_disk() {
    let limits = Limits { all_waiting_bytes: 4 * SIZE, ..LIMITS };
    let (a, other) = (endpoint(1), TenantId(Uuid::from_u128(77)));
    let all = in_force(&[&a]);
    let (mut added, mut found) = (Book::new(limits), Book::new(limits));
    for delivery in [11, 12] {
        assert!(added.has_room(a.workspace, 0) && found.has_room(a.workspace, 0));
        add(&mut added, &a, delivery, 10);
        found.load(&stored(&a, delivery));
        assert!(!added.has_room(a.workspace, SIZE) && !found.has_room(a.workspace, SIZE), "half of it at most");
    }
    for mut book in [added, found] {
        assert!(!book.has_room(a.workspace, 0) && book.has_room(other, 0), "there is room for others");
        assert_eq!(book.due(10, &all).0.len(), 2);
        book.settle(settled(&a, 11, DeliveryState::Waiting { next_at: 50 }, false));
        assert!(!book.has_room(a.workspace, 0), "it waits again");
        book.settle(settled(&a, 12, DeliveryState::Delivered { at: 11 }, false));
        assert!(book.has_room(a.workspace, 0));
        add(&mut book, &a, 13, 10);
        assert!(!book.has_room(a.workspace, 0));
        book.forget(a.id);
        assert!(book.has_room(a.workspace, 2 * SIZE - 1), "what is gone takes no room");
    }
}
