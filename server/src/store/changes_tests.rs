//! Sets of writes: whole or not at all, unique values, migrations.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::store::{MigrationError, ReadError, Reason};

/// A kind whose first version had no `on`, and whose version 1 called `label` `name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lamp {
    id: u8,
    label: String,
    on: bool,
}

impl Record for Lamp {
    const TREE: &'static str = "lamps";
    const VERSION: u16 = 2;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|lamp| vec![("label", lamp.label.as_bytes().to_vec())]);

    fn key(&self) -> Vec<u8> {
        vec![self.id]
    }

    fn migrate(from: u16, mut value: Value) -> Result<Value, MigrationError> {
        let fields = value.as_object_mut().ok_or(MigrationError { from })?;
        if from < 1 {
            fields.insert("on".to_owned(), Value::Bool(true));
        }
        let name = fields.remove("name").ok_or(MigrationError { from })?;
        fields.insert("label".to_owned(), name);
        Ok(value)
    }
}

fn lamp(id: u8, label: &str) -> Lamp {
    Lamp { id, label: label.to_owned(), on: false }
}

fn temporary() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("store")).unwrap();
    (dir, store)
}

/// sled would take nothing more, ever, once it has met a full disk.
#[tokio::test]
async fn with_little_room_on_the_disk_nothing_is_written_until_there_is_more() {
    let (_dir, mut store) = temporary();
    let least = std::mem::replace(&mut store.room.least, u64::MAX);
    let refused = store.commit(Changes::new().put(&lamp(1, "hall"))).await;
    assert_eq!(refused, Err(CommitError::NoRoom { mib: u64::MAX >> 20 }));
    assert!(store.check_saving().is_err());
    assert_eq!((store.scan::<Lamp>(&[]).unwrap(), store.commits().unwrap()), (vec![], 0));
    store.room.least = least;
    store.commit(Changes::new().put(&lamp(1, "hall"))).await.unwrap();
}

#[tokio::test]
async fn a_refused_set_writes_nothing() {
    let (_dir, store) = temporary();
    store.commit(Changes::new().put(&lamp(1, "hall"))).await.unwrap();
    let refused = store.commit(Changes::new().put(&lamp(2, "attic")).put(&lamp(3, "hall"))).await;
    assert_eq!(refused, Err(CommitError::Taken { tree: "lamps", index: "label" }));
    assert_eq!(store.scan::<Lamp>(&[]).unwrap(), [lamp(1, "hall")]);
    assert_eq!(store.by_unique::<Lamp>("label", b"attic").unwrap(), None);
}

#[tokio::test]
async fn a_unique_value_is_free_again_after_a_change_and_after_a_deletion() {
    let (_dir, store) = temporary();
    store.commit(Changes::new().put(&lamp(1, "hall"))).await.unwrap();
    store.commit(Changes::new().put(&lamp(1, "cellar")).put(&lamp(2, "hall"))).await.unwrap();
    assert_eq!(store.by_unique::<Lamp>("label", b"hall").unwrap(), Some(lamp(2, "hall")));
    store.commit(Changes::new().delete::<Lamp>(&[1]).put(&lamp(3, "cellar"))).await.unwrap();
    assert_eq!(store.by_unique::<Lamp>("label", b"cellar").unwrap(), Some(lamp(3, "cellar")));
}

#[tokio::test]
async fn expectations_refuse_the_whole_set() {
    let (_dir, store) = temporary();
    let first = lamp(1, "hall");
    store.commit(Changes::new().expect_absent::<Lamp>(&[1]).put(&first)).await.unwrap();
    let stale = Err(CommitError::Stale { tree: "lamps" });
    assert_eq!(store.commit(Changes::new().expect_absent::<Lamp>(&[1]).put(&lamp(2, "attic"))).await, stale);
    let second = Lamp { on: true, ..first.clone() };
    store.commit(Changes::new().expect_unchanged(&first).put(&second)).await.unwrap();
    assert_eq!(store.commit(Changes::new().expect_unchanged(&first).put(&lamp(2, "attic"))).await, stale);
    assert_eq!(store.scan::<Lamp>(&[]).unwrap(), [second]);
}

#[tokio::test]
async fn older_records_are_read_and_rewritten() {
    let (_dir, store) = temporary();
    let tree = store.tree("lamps").unwrap();
    tree.insert([1], br#"{"v":0,"data":{"id":1,"name":"hall"}}"#.as_slice()).unwrap();
    tree.insert([2], br#"{"v":1,"data":{"id":2,"name":"attic","on":false}}"#.as_slice()).unwrap();
    let expected = [Lamp { on: true, ..lamp(1, "hall") }, lamp(2, "attic")];
    assert_eq!(store.scan::<Lamp>(&[]).unwrap(), expected, "read before the rewrite");
    // A change that expects what it read is not stale only because the record is old.
    store.commit(Changes::new().expect_unchanged(&expected[0])).await.unwrap();
    store.check::<Lamp>().unwrap();
    assert_eq!(tree.get([1]).unwrap().unwrap().as_ref(), br#"{"v":2,"data":{"id":1,"label":"hall","on":true}}"#);
    assert_eq!(store.by_unique::<Lamp>("label", b"attic").unwrap(), Some(expected[1].clone()));
    assert!(store.problems().is_empty());
}

#[tokio::test]
async fn unreadable_records_are_left_out_reported_and_replaceable() {
    let (_dir, store) = temporary();
    store.commit(Changes::new().put(&lamp(1, "hall")).put(&lamp(2, "attic"))).await.unwrap();
    let tree = store.tree("lamps").unwrap();
    for (bytes, reason) in [
        (br#"{"v":2,"data":{"id":1,"label":5,"on":true}}"#.as_slice(), Reason::Shape { version: 2 }),
        (b"\0garbage", Reason::NotJson),
        (br#"{"v":3,"data":{}}"#, Reason::Newer { found: 3, known: 2 }),
        (br#"{"v":1,"data":{}}"#, Reason::Migration { from: 1 }),
        (br#"{"v":2,"data":{"id":9,"label":"x","on":true}}"#, Reason::WrongKey),
    ] {
        tree.insert([1], bytes).unwrap();
        assert_eq!(store.scan::<Lamp>(&[]).unwrap(), [lamp(2, "attic")]);
        assert_eq!(store.get::<Lamp>(&[1]), Err(ReadError::Undecodable { tree: "lamps", reason }));
        let problems = store.problems();
        assert_eq!((problems.len(), problems[0].reason, problems[0].key.as_str()), (1, reason, "01"));
    }
    // It keeps its label until it is gone.
    let taken = store.commit(Changes::new().put(&lamp(3, "hall"))).await;
    assert_eq!(taken, Err(CommitError::Taken { tree: "lamps", index: "label" }));
    store.commit(Changes::new().put(&lamp(1, "cellar"))).await.unwrap();
    assert!(store.problems().is_empty());
    store.commit(Changes::new().put(&lamp(3, "hall"))).await.unwrap();
    assert_eq!(store.by_unique::<Lamp>("label", b"hall").unwrap(), Some(lamp(3, "hall")));
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8),
    Delete(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![(0..4_u8, 0..4_u8).prop_map(|(id, label)| Step::Put(id, label)), (0..4_u8).prop_map(Step::Delete)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Against a plain map: the same sets are taken and refused, and every label leads to its one record.
    #[test]
    fn unique_indexes_follow_the_records(sets in prop::collection::vec(prop::collection::vec(step(), 1..4), 1..20)) {
        let (_dir, store) = temporary();
        let mut model = std::collections::BTreeMap::<u8, u8>::new();
        for set in sets {
            let mut next = model.clone();
            let mut refused = false;
            let mut changes = Changes::new();
            for step in set {
                match step {
                    Step::Put(id, label) => {
                        refused |= next.iter().any(|(other, held)| *other != id && *held == label);
                        next.insert(id, label);
                        changes = changes.put(&lamp(id, &label.to_string()));
                    }
                    Step::Delete(id) => {
                        next.remove(&id);
                        changes = changes.delete::<Lamp>(&[id]);
                    }
                }
            }
            prop_assert_eq!(store.apply(&changes, false).is_err(), refused);
            if !refused {
                model = next;
            }
            for label in 0..4_u8 {
                let found = store.by_unique::<Lamp>("label", label.to_string().as_bytes()).unwrap().map(|lamp| lamp.id);
                prop_assert_eq!(found, model.iter().find(|(_, held)| **held == label).map(|(id, _)| *id));
            }
        }
    }
}
