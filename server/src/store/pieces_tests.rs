//! Long records: read whole, replaced whole, gone whole, and nothing of them in a file of its own.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::record::{self, Record, Unique};
use crate::store::{Changes, CommitError, Reason};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scroll {
    id: u16,
    label: String,
    text: String,
}

impl Record for Scroll {
    const TREE: &'static str = "scrolls";
    const VERSION: u16 = 1;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|scroll| vec![("label", scroll.label.as_bytes().to_vec())]);

    fn key(&self) -> Vec<u8> {
        self.id.to_be_bytes().to_vec()
    }
}

/// With a text of so many bytes, all the same.
fn scroll(id: u16, of: char, length: usize) -> Scroll {
    Scroll { id, label: format!("scroll {id}"), text: of.to_string().repeat(length) }
}

fn temporary() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn pieces(store: &Store) -> usize {
    store.tree(TREE).unwrap().len()
}

#[tokio::test]
async fn a_record_of_any_length_is_read_replaced_and_removed_whole() {
    let (_dir, store) = temporary();
    for length in [0, LONGEST - 100, LONGEST, LONGEST + 1, 5 * LONGEST, 300_000, 17] {
        let written = scroll(1, 'x', length);
        store.commit(Changes::new().put(&written)).await.unwrap();
        let whole = Some(written.clone());
        assert_eq!(store.get::<Scroll>(&written.key()).unwrap(), whole, "{length}");
        assert_eq!(store.by_unique::<Scroll>("label", b"scroll 1").unwrap(), whole);
        assert_eq!(store.by_unique_prefix::<Scroll>("label", b"scroll").unwrap(), std::slice::from_ref(&written));
        assert_eq!(store.scan::<Scroll>(&[]).unwrap(), std::slice::from_ref(&written));
        let bytes = record::encode(&written).unwrap().len();
        assert_eq!(pieces(&store), if bytes > LONGEST { bytes.div_ceil(LONGEST) } else { 0 }, "those of the record before are gone");
        store.commit(Changes::new().expect_unchanged(&written)).await.unwrap();
        let other = Scroll { text: written.text.clone() + "y", ..written };
        assert_eq!(store.commit(Changes::new().expect_unchanged(&other)).await, Err(CommitError::Stale { tree: "scrolls" }));
    }
    let long = scroll(2, 'x', 50_000);
    store.commit(Changes::new().put(&long)).await.unwrap();
    let taken = store.commit(Changes::new().put(&Scroll { id: 3, ..long.clone() })).await;
    assert_eq!(taken, Err(CommitError::Taken { tree: "scrolls", index: "label" }));
    store.commit(Changes::new().delete::<Scroll>(&long.key())).await.unwrap();
    assert_eq!((pieces(&store), store.scan::<Scroll>(&[]).unwrap().len()), (0, 1));
    store.commit(Changes::new().put(&Scroll { id: 3, ..long })).await.unwrap();
}

#[tokio::test]
async fn only_the_pieces_that_change_are_written() {
    let (_dir, store) = temporary();
    let keys = || store.tree(TREE).unwrap().iter().keys().map(Result::unwrap).collect::<std::collections::BTreeSet<_>>();
    let mut text: String = (0..5_000).map(|n| format!("{n:04}")).collect();
    let whole = |text: &str| Scroll { text: text.to_owned(), ..scroll(1, 'x', 0) };
    store.commit(Changes::new().put(&whole(&text))).await.unwrap();
    let first = keys();
    assert_eq!(first.len(), 5);
    for (at, kept) in [(19_999, 4), (19_000, 4), (15_000, 3), (9_000, 2), (9_001, 2), (0, 0), (19_999, 4)] {
        let before = keys();
        text.replace_range(at..=at, if text.as_bytes()[at] == b'z' { "y" } else { "z" });
        store.commit(Changes::new().put(&whole(&text))).await.unwrap();
        assert_eq!(store.scan::<Scroll>(&[]).unwrap(), [whole(&text)]);
        assert_eq!((keys().len(), keys().intersection(&before).count()), (5, kept), "{at}");
    }
    for length in [12_000, 30_000, 8_000] {
        text = text.chars().cycle().take(length).collect();
        store.commit(Changes::new().put(&whole(&text))).await.unwrap();
        assert_eq!(store.scan::<Scroll>(&[]).unwrap(), [whole(&text)]);
    }
    store.commit(Changes::new().put(&whole("short"))).await.unwrap();
    assert!(keys().is_empty());
}

#[tokio::test]
async fn one_of_which_a_piece_is_missing_is_reported_left_out_and_replaceable() {
    let (_dir, store) = temporary();
    let long = scroll(1, 'x', 20_000);
    store.commit(Changes::new().put(&long).put(&scroll(2, 'x', 1))).await.unwrap();
    let tree = store.tree(TREE).unwrap();
    let (key, _) = tree.first().unwrap().unwrap();
    tree.remove(key).unwrap();
    assert_eq!(store.scan::<Scroll>(&[]).unwrap(), [scroll(2, 'x', 1)]);
    let missing = ReadError::Undecodable { tree: "scrolls", reason: Reason::Incomplete };
    assert_eq!(store.get::<Scroll>(&long.key()), Err(missing));
    assert_eq!(store.problems().len(), 1);
    store.commit(Changes::new().put(&long)).await.unwrap();
    assert_eq!(store.get::<Scroll>(&long.key()).unwrap(), Some(long));
    assert!(store.problems().is_empty());
}

#[tokio::test]
async fn what_earlier_versions_did_not_cut_is_cut_at_the_start() {
    let (_dir, store) = temporary();
    let long = scroll(1, 'x', 20_000);
    store.tree("scrolls").unwrap().insert(long.key(), record::encode(&long).unwrap()).unwrap();
    assert_eq!(store.get::<Scroll>(&long.key()).unwrap(), Some(long.clone()), "read before");
    store.check::<Scroll>().unwrap();
    assert!(pieces(&store) > 0);
    assert!(is_stub(&store.tree("scrolls").unwrap().get(long.key()).unwrap().unwrap()));
    assert_eq!(store.get::<Scroll>(&long.key()).unwrap(), Some(long));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_while_it_is_replaced_reads_one_of_them() {
    let (_dir, store) = temporary();
    let texts = [scroll(1, 'a', 30_000), scroll(1, 'b', 60_000), scroll(1, 'c', 10)];
    store.commit_relaxed(Changes::new().put(&texts[0])).await.unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = 0_usize;
            while !over.load(Ordering::Relaxed) {
                let read = store.get::<Scroll>(&texts[0].key()).unwrap().unwrap();
                assert!(texts.contains(&read), "{} bytes of {:?}", read.text.len(), read.text.chars().next());
                assert!(store.scan::<Scroll>(&[]).unwrap().iter().all(|read| texts.contains(read)));
                seen += 1;
            }
            seen
        });
        for text in texts.iter().cycle().take(300) {
            store.apply(&Changes::new().put(text), false).unwrap();
        }
        over.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert!(store.problems().is_empty());
}

/// sled keeps them in `blobs`, without syncing them, and hangs when one can't be made.
#[tokio::test]
async fn sled_makes_no_files_of_its_own_for_long_records() {
    let (dir, store) = temporary();
    for round in ['a', 'b'] {
        for id in 0..60 {
            store.commit_relaxed(Changes::new().put(&scroll(id, round, 150_000))).await.unwrap();
        }
    }
    for id in (0..60_u16).step_by(2) {
        store.commit(Changes::new().delete::<Scroll>(&id.to_be_bytes())).await.unwrap();
    }
    assert_eq!(store.scan::<Scroll>(&[]).unwrap().len(), 30);
    let files = std::fs::read_dir(dir.path().join("blobs")).unwrap().count();
    assert_eq!(files, 0, "a leaf was longer than what lies in the log");
}
