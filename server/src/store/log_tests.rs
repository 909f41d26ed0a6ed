//! Entries and what they tell of are one transaction, logs are apart, and harm to what lies there is found.

use std::net::IpAddr;

use uuid::Uuid;

use super::*;
use crate::audit::{Action, Actor, Resource, Who};
use crate::store::{AuditFloor, Changes, Workspace};
use crate::values::{DisplayName, Email, Slug, TenantId};

const ACME: Log = Log::Workspace(TenantId(Uuid::from_u128(5)));
const BLUE: Log = Log::Workspace(TenantId(Uuid::from_u128(6)));

fn temporary() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    (dir, store)
}

fn told(log: Log, handle: &str) -> Told {
    let actor = Actor::User { id: Uuid::from_u128(1), email: Email::parse("ana@acme.test").unwrap() };
    let who = Who { address: Some(IpAddr::from([127, 0, 0, 1])), ..Who::from(actor) };
    Told::new(&who, log, Action::RouteCreated, Resource::new("route", handle, None)).change("Name", "", handle)
}

fn workspace(slug: &str) -> Workspace {
    Workspace {
        id: TenantId(Uuid::now_v7()),
        slug: Slug::parse(slug).unwrap(),
        name: DisplayName::parse(slug).unwrap(),
        enabled: true,
        created_at: 0,
    }
}

async fn write(store: &Store, log: Log, handles: impl IntoIterator<Item = &str>) {
    for handle in handles {
        store.commit_told(Changes::new(), told(log, handle)).await.unwrap();
    }
}

fn listed(store: &Store, log: Log, filter: &Filter, before: Option<u64>, limit: usize) -> (Vec<u64>, Option<u64>) {
    let listing = store.audit().page(log, filter, before, limit).unwrap();
    (listing.entries.iter().map(|written| written.entry.sequence).collect(), listing.next)
}

fn broken(store: &Store, log: Log) -> Option<u64> {
    match store.audit().verify(log).unwrap() {
        Verdict::Intact { .. } => None,
        Verdict::Broken { sequence } => Some(sequence),
    }
}

#[tokio::test]
async fn a_change_and_its_entry_are_written_together_or_not_at_all() {
    let (_dir, store) = temporary();
    let mut tail = store.audit().listen();
    let first = workspace("acme");
    store.commit_told(Changes::new().put(&first), told(Log::Global, "first")).await.unwrap();
    let twin = Workspace { id: TenantId(Uuid::now_v7()), ..first.clone() };
    let refused = store.commit_told(Changes::new().put(&twin), told(Log::Global, "second")).await;
    assert!(matches!(refused, Err(CommitError::Taken { .. })));
    let stale = store.commit_told(Changes::new().expect_unchanged(&twin), told(Log::Global, "third")).await;
    assert!(matches!(stale, Err(CommitError::Stale { .. })));
    assert_eq!(listed(&store, Log::Global, &Filter::default(), None, 9), (vec![1], None));
    assert_eq!(store.workspaces().all().unwrap().len(), 1);
    assert_eq!(broken(&store, Log::Global), None);
    let said = tail.recv().await.unwrap();
    assert_eq!((said.entry.sequence, said.entry.resource.handle.as_str()), (1, "first"));
    assert!(tail.try_recv().is_err(), "what was refused is not told of");
}

#[tokio::test]
async fn several_logs_are_told_in_one_transaction_or_none_is() {
    let (_dir, store) = temporary();
    let mut tail = store.audit().listen();
    let first = workspace("acme");
    store.commit_all_told(Changes::new().put(&first), vec![told(ACME, "a"), told(BLUE, "b"), told(ACME, "c")]).await.unwrap();
    assert_eq!(store.commits().unwrap(), 1);
    assert_eq!(listed(&store, ACME, &Filter::default(), None, 9).0, [2, 1], "one after the other in the same log");
    assert_eq!(listed(&store, BLUE, &Filter::default(), None, 9).0, [1]);
    let stale = Changes::new().expect_absent::<Workspace>(&first.key());
    let refused = store.commit_all_told(stale, vec![told(ACME, "d"), told(BLUE, "e")]).await;
    assert!(matches!(refused, Err(CommitError::Stale { .. })));
    assert_eq!(
        (listed(&store, ACME, &Filter::default(), None, 9).0.len(), listed(&store, BLUE, &Filter::default(), None, 9).0.len()),
        (2, 1)
    );
    assert_eq!((broken(&store, ACME), broken(&store, BLUE)), (None, None));
    for handle in ["a", "b", "c"] {
        assert_eq!(tail.recv().await.unwrap().entry.resource.handle, handle);
    }
    assert!(tail.try_recv().is_err());
}

#[tokio::test]
async fn logs_are_apart_and_go_on_after_reopening() {
    let (dir, store) = temporary();
    write(&store, ACME, ["a", "b", "c"]).await;
    write(&store, BLUE, ["x"]).await;
    drop(store);
    let store = Store::open(&dir.path().join("store")).unwrap();
    write(&store, ACME, ["d"]).await;
    assert_eq!(listed(&store, ACME, &Filter::default(), None, 9).0, [4, 3, 2, 1]);
    assert_eq!(listed(&store, BLUE, &Filter::default(), None, 9).0, [1]);
    assert_eq!(listed(&store, Log::Global, &Filter::default(), None, 9).0, [0; 0]);
    assert_eq!(store.audit().logs().unwrap(), BTreeSet::from([ACME.id(), BLUE.id()]));
    for log in [ACME, BLUE, Log::Global] {
        assert_eq!(broken(&store, log), None);
    }
    let head = store.audit().head(ACME).unwrap().unwrap();
    let last = store.audit().page(ACME, &Filter::default(), None, 1).unwrap().entries.remove(0);
    assert_eq!((head.sequence, head.hash), (4, last.hash.to_string()));
    assert_eq!(store.audit().page(ACME, &Filter::default(), None, 1).unwrap().actions, ["route.created"]);
}

#[tokio::test]
async fn pages_and_exports_go_through_the_whole_log_once() {
    let (_dir, store) = temporary();
    let handles: Vec<String> = (1..=7).map(|n| format!("r{n}")).collect();
    write(&store, ACME, handles.iter().map(String::as_str)).await;
    let any = Filter::default();
    assert_eq!(listed(&store, ACME, &any, None, 3), (vec![7, 6, 5], Some(5)));
    assert_eq!(listed(&store, ACME, &any, Some(5), 3), (vec![4, 3, 2], Some(2)));
    assert_eq!(listed(&store, ACME, &any, Some(2), 3), (vec![1], None));
    let one = Filter { resource: "r3".to_owned(), ..Filter::default() };
    assert_eq!(listed(&store, ACME, &one, None, 3), (vec![3], None));
    let sequences =
        |found: Option<(Vec<Written>, u64)>| found.map(|(some, last)| (some.iter().map(|w| w.entry.sequence).collect::<Vec<_>>(), last));
    assert_eq!(sequences(store.audit().after(ACME, &any, 0, 6).unwrap()), Some((vec![1, 2, 3, 4, 5, 6], 6)));
    assert_eq!(sequences(store.audit().after(ACME, &one, 0, 6).unwrap()), Some((vec![3], 6)));
    assert_eq!(sequences(store.audit().after(ACME, &any, 6, 6).unwrap()), None);
}

#[tokio::test]
async fn harm_to_what_lies_there_is_found() {
    type Harm = fn(&Store);
    let cases: [(&str, Harm, u64); 7] = [
        ("an entry that says something else", |store| change(store, 2, |text| text.replace("\"b\"", "\"q\"")), 2),
        ("a hash that fits it", forge_second, 3),
        ("one removed", |store| drop(entries(store).remove(AuditEntry::key_of(ACME.id(), 2)).unwrap()), 2),
        ("the end removed", |store| drop(entries(store).remove(AuditEntry::key_of(ACME.id(), 4)).unwrap()), 4),
        ("two in each other's place", swap, 2),
        ("not an entry at all", |store| drop(entries(store).insert(AuditEntry::key_of(ACME.id(), 3), b"{}".as_slice()).unwrap()), 3),
        ("something beside", beside, 5),
    ];
    for (what, harm, sequence) in cases {
        let (_dir, store) = temporary();
        write(&store, ACME, ["a", "b", "c", "d"]).await;
        write(&store, BLUE, ["x"]).await;
        assert_eq!(broken(&store, ACME), None);
        harm(&store);
        assert_eq!(broken(&store, ACME), Some(sequence), "{what}");
        assert_eq!(broken(&store, BLUE), None, "{what}: the other log");
    }
}

/// Nobody is kept from working by it, and what comes after does not heal it.
#[tokio::test]
async fn a_log_without_its_head_goes_on_and_stays_broken() {
    let (_dir, store) = temporary();
    write(&store, ACME, ["a", "b", "c"]).await;
    store.tree(AuditHead::TREE).unwrap().remove(AuditHead::key_of(ACME.id())).unwrap();
    entries(&store).remove(AuditEntry::key_of(ACME.id(), 3)).unwrap();
    assert!(broken(&store, ACME).is_some());
    write(&store, ACME, ["d", "e"]).await;
    assert_eq!(listed(&store, ACME, &Filter::default(), None, 9).0, [4, 3, 2, 1]);
    assert_eq!(broken(&store, ACME), Some(3), "the first that does not follow from the one before");
}

#[tokio::test]
async fn a_log_is_followed_while_it_grows() {
    let (_dir, store) = temporary();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..60 {
                write(&store, ACME, ["a"]).await;
            }
        }
    });
    while !writer.is_finished() {
        let following = store.clone();
        let found = tokio::task::spawn_blocking(move || broken(&following, ACME)).await.unwrap();
        assert_eq!(found, None);
    }
    writer.await.unwrap();
    assert!(matches!(store.audit().verify(ACME).unwrap(), Verdict::Intact { entries: 60, .. }));
}

/// What is broken is not taken away with what is old, and a log that grows and loses entries is followed all the same.
#[tokio::test]
async fn what_leaves_is_whole_and_so_is_what_stays() {
    let (_dir, store) = temporary();
    write(&store, ACME, ["a", "b", "c", "d"]).await;
    let soon = now() + 1_000;
    let expired = |store: &Store| store.audit().expired(ACME, soon).unwrap().map(|expired| (expired.first, expired.last));
    assert_eq!(expired(&store), Some((1, 4)));
    change(&store, 3, |text| text.replace("\"c\"", "\"q\""));
    assert_eq!(expired(&store), Some((1, 2)), "the third does not follow");
    let gone = store.audit().expired(ACME, soon).unwrap().unwrap();
    store.commit_told(gone.changes(), told(ACME, "e")).await.unwrap();
    assert_eq!(listed(&store, ACME, &Filter::default(), None, 9).0, [5, 4, 3]);
    assert_eq!((broken(&store, ACME), expired(&store)), (Some(3), None));
    store.tree(AuditFloor::TREE).unwrap().remove(AuditFloor::key_of(ACME.id())).unwrap();
    assert_eq!(broken(&store, ACME), Some(1), "nothing says that they left");

    let trimmer = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..40 {
                write(&store, BLUE, ["a", "b"]).await;
                let gone = store.audit().expired(BLUE, soon + 60_000).unwrap().unwrap();
                store.commit_told(gone.changes(), told(BLUE, "trimmed")).await.unwrap();
            }
        }
    });
    while !trimmer.is_finished() {
        let following = store.clone();
        assert_eq!(tokio::task::spawn_blocking(move || broken(&following, BLUE)).await.unwrap(), None);
    }
    trimmer.await.unwrap();
    // Each time but the first, the one that told of it left too.
    assert!(matches!(store.audit().verify(BLUE).unwrap(), Verdict::Intact { entries: 1, removed: 119, .. }));
}

fn entries(store: &Store) -> sled::Tree {
    store.tree(AuditEntry::TREE).unwrap()
}

fn read(store: &Store, sequence: u64) -> AuditEntry {
    let key = AuditEntry::key_of(ACME.id(), sequence);
    record::decode(&key, &entries(store).get(&key).unwrap().unwrap()).ok().unwrap().record
}

fn overwrite(store: &Store, entry: &AuditEntry) {
    entries(store).insert(entry.key(), record::encode(entry).unwrap()).unwrap();
}

fn change(store: &Store, sequence: u64, change: impl FnOnce(&str) -> String) {
    let mut entry = read(store, sequence);
    let changed = change(&entry.text);
    assert_ne!(changed, entry.text);
    entry.text = changed;
    overwrite(store, &entry);
}

fn forge_second(store: &Store) {
    let before: Hash = read(store, 1).hash.parse().unwrap();
    change(store, 2, |text| text.replace("\"b\"", "\"q\""));
    let mut entry = read(store, 2);
    entry.hash = before.next(&entry.text).to_string();
    overwrite(store, &entry);
}

fn swap(store: &Store) {
    let (second, third) = (read(store, 2), read(store, 3));
    overwrite(store, &AuditEntry { sequence: 3, ..second });
    overwrite(store, &AuditEntry { sequence: 2, ..third });
}

fn beside(store: &Store) {
    let mut key = AuditEntry::key_of(ACME.id(), 4);
    key.push(1);
    entries(store).insert(key, b"{}".as_slice()).unwrap();
}
