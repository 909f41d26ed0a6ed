//! A disk that does not answer for longer than anybody waits.

use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::live::hash_key;
use crate::settings::Error;
use crate::store::CommitError;

/// Stuck before its first write, so that nobody could read it when it was given up.
#[test]
fn what_the_disk_takes_late_is_in_force_then() {
    // The one thread that changes are made on can be kept busy.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let House { dir, settings } = house();
        let acme = settings.create_workspace(&operator(), "acme", "Acme").await.unwrap().id;
        let key = settings.create_key(&admin(acme), "k", "").await.unwrap();
        drop(settings);
        let settings = open_over(Store::open(dir.path()).unwrap().impatient(), [1; 32], &[]);
        let works = || settings.routing().load().keys.contains_key(&hash_key(&key.secret));
        let (answer, answered) = mpsc::channel::<()>();
        drop(tokio::task::spawn_blocking(move || answered.recv().is_err()));

        let deleted = settings.delete_key(&admin(acme), key.id).await;
        assert!(matches!(deleted, Err(Error::Unsaved(CommitError::Io(_)))), "{deleted:?}");
        assert!(works(), "nothing has been written");
        drop(answer);
        let gone = async {
            while works() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.expect("a key that is deleted does not go on working");
        assert!(settings.store().api_keys().get(acme, key.id).unwrap().is_none());
    });
}
