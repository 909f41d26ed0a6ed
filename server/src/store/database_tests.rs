//! What sled does not do: opening after an interrupted start, a disk that refuses, and one that does not answer.

use tokio::sync::oneshot;

use super::*;
use crate::store::{Changes, Session, Store};

fn session(hash: &str) -> Session {
    Session { hash: hash.to_owned(), data: String::new(), expires_at: 1 }
}

fn count(store: &Store) -> usize {
    store.sessions().all().unwrap().len()
}

async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.commit(Changes::new().put(&session("a"))).await.unwrap();
    (dir, store)
}

#[tokio::test]
async fn an_unfinished_snapshot_does_not_keep_it_from_opening() {
    let (dir, store) = store().await;
    drop(store);
    let unfinished = dir.path().join(format!("snap.{:016X}.generating", u32::MAX));
    fs::write(&unfinished, b"half of").unwrap();
    assert!(sled::open(dir.path()).is_err(), "sled alone opens it: nothing needs to be removed any more");
    let store = Store::open(dir.path()).unwrap();
    assert_eq!((count(&store), unfinished.exists()), (1, false));
}

#[tokio::test]
async fn who_has_it_is_left_alone() {
    let (dir, store) = store().await;
    let unfinished = dir.path().join("snap.0.generating");
    fs::write(&unfinished, b"is being written").unwrap();
    assert!(matches!(Store::open(dir.path()), Err(OpenError::InUse { .. })));
    assert!(unfinished.exists());
    assert_eq!(count(&store), 1);
}

#[tokio::test]
async fn once_the_disk_has_refused_nothing_is_written_and_all_is_read() {
    let (_dir, store) = store().await;
    store.database.broken("no such device");
    for _ in 0..2 {
        let Err(CommitError::Io(why)) = store.commit(Changes::new().put(&session("b"))).await else { panic!("it was written") };
        assert_eq!(why, "no such device; nothing is saved until KnoxCall is restarted");
    }
    assert_eq!(count(&store), 1);
}

/// sled may panic where a write fails.
#[tokio::test]
async fn a_panic_while_writing_counts_as_a_refusal() {
    let (_dir, store) = store().await;
    let change = tokio::task::spawn_blocking(|| -> Result<(), CommitError> { panic!("as sled does") });
    assert!(Arc::clone(&store.database).watched(change).await.is_err());
    assert!(store.commit(Changes::new().put(&session("b"))).await.is_err());
}

/// One that has no patience.
fn impatient(folder: &Path) -> Arc<Database> {
    let mut database = Database::open(folder, &["lamps"]).unwrap();
    Database::lose_patience(&mut database);
    database
}

#[tokio::test]
async fn who_waits_for_a_disk_that_does_not_answer_is_told_so_until_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let database = impatient(dir.path());
    let (answer, answered) = oneshot::channel::<()>();
    let turn = database.turn().await.unwrap();
    let change = tokio::spawn(async move {
        let _turn = turn;
        answered.await.unwrap();
        Ok(())
    });
    let late = Err(CommitError::Io("the disk has not answered for 0 s".to_owned()));
    assert_eq!(Arc::clone(&database).watched(change).await, late);
    let at_once = Some(CommitError::Io("the disk does not answer".to_owned()));
    assert_eq!(database.turn().await.err(), at_once);
    assert!(database.tree("lamps").unwrap().is_empty(), "reading goes on");
    assert!(database.is_writing(), "it may still be written");
    answer.send(()).unwrap();
    database.written().await;
    assert!(!database.is_writing());
    while database.turn().await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_that_wait_for_their_turn_are_not_a_disk_that_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let database = impatient(dir.path());
    let turn = database.turn().await.unwrap();
    assert!(database.turn().await.is_err(), "it waited in vain");
    drop(turn);
    drop(database.turn().await.unwrap());
}

/// By whomever it was made.
#[tokio::test]
async fn nobody_but_its_owner_reads_it() {
    let (dir, store) = store().await;
    drop(store);
    for path in files(dir.path()).unwrap() {
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    }
    let _store = Store::open(dir.path()).unwrap();
    let files = files(dir.path()).unwrap();
    assert!(files.iter().any(|path| path.ends_with(LOG)) && files.iter().any(|path| path.ends_with("conf")), "{files:?}");
    assert!(files.iter().all(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0o600), "{files:?}");
}

#[tokio::test]
async fn what_else_lies_beside_it_is_not_read() {
    let (dir, store) = store().await;
    drop(store);
    std::os::unix::fs::symlink(dir.path().join("gone"), dir.path().join("backup.tar")).unwrap();
    assert_eq!(count(&Store::open(dir.path()).unwrap()), 1);
}

/// sled would take what it can't read for empty, and write that down.
#[tokio::test]
async fn a_file_that_cannot_be_read_keeps_it_from_opening() {
    let (dir, store) = store().await;
    drop(store);
    // It opens, and reading it fails, as on a bad sector.
    let unreadable = dir.path().join("blobs/1");
    fs::create_dir(&unreadable).unwrap();
    let Err(OpenError::Io { detail, .. }) = Store::open(dir.path()) else { panic!("it was opened") };
    assert!(detail.contains("blobs/1"), "{detail}");
    drop(sled::open(dir.path()).expect("sled alone refuses it: nothing needs to be read before"));
    fs::remove_dir(&unreadable).unwrap();
    assert_eq!(count(&Store::open(dir.path()).unwrap()), 1);
}
