//! Whatever was damaged, removed or can't be reached is counted, or there later; the rest is read.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};

use super::{Rig, body, drain, expected, filled, meta, small};
use crate::spool::record::HEAD;
use crate::spool::{Count, Losses, Options, Spool};
use crate::vault::Vault;

#[test]
fn damage_is_counted_and_kept_apart_and_the_rest_is_read() {
    let rig = Rig::new(Options::default());
    drop(filled(&rig.home(), 5));
    let file = rig.segments().remove(0);
    let mut bytes = fs::read(&file).unwrap();
    let length = bytes.len();
    // In the body of the third, and a torn end.
    bytes[length * 2 / 5 + HEAD + 10] ^= 1;
    bytes.truncate(length - 3);
    fs::write(&file, &bytes).unwrap();

    let mut log = rig.home().left("logs").logs.remove(0);
    let lost = log.take_losses().damaged;
    assert_eq!((lost.payloads, lost.records), (2, 3 + 5));
    assert_eq!(log.waiting().payloads, 3);
    drop(log);
    let quarantined = rig.files().into_iter().filter(|file| file.parent().unwrap().ends_with("quarantine")).count();
    assert_eq!(quarantined, 2);

    // It is told once.
    let mut log = rig.home().left("logs").logs.remove(0);
    assert_eq!(log.take_losses(), Losses::default());
    assert_eq!(drain(&mut log), expected([1, 2, 4].into_iter()));
}

/// Sealed as they are, they are not kept for whoever is no more.
#[test]
fn what_is_kept_of_damage_goes_with_its_owner() {
    let rig = Rig::new(Options::default());
    let damaged = || {
        drop(filled(&rig.home(), 3));
        let file = rig.segments().remove(0);
        let length = fs::metadata(&file).unwrap().len();
        OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 3).unwrap();
        drop(rig.home().left("logs"));
    };
    let kept = || rig.files().into_iter().filter(|file| file.parent().unwrap().ends_with("quarantine")).count();
    let spool = Spool::new(rig.folder.path().join("spool"), Vault::from_key([7; 32]), rig.options);
    damaged();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<HashSet<_>>();
    spool.forget_damaged("oper");
    spool.forget_damaged_but(&names(&["other", "operator"]));
    assert_eq!(kept(), 1);
    spool.forget_damaged_but(&names(&["other", "oper"]));
    assert_eq!(kept(), 0);
    damaged();
    assert_eq!(kept(), 1);
    spool.destroy("operator").unwrap();
    assert!(rig.files().is_empty(), "{:?}", rig.files());
}

#[test]
fn damage_while_it_waits_is_found_when_it_is_read() {
    let rig = Rig::new(Options::default());
    let mut log = filled(&rig.home(), 3);
    let file = rig.segments().remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[HEAD + 3] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_eq!(drain(&mut log), expected(2..=3));
    assert_eq!(log.take_losses().damaged.records, 1);
}

#[test]
fn segments_that_somebody_removed_are_counted_as_damaged() {
    let rig = Rig::new(small());
    let mut log = filled(&rig.home(), 10);
    let first = rig.segments().remove(0);
    fs::remove_file(first).unwrap();
    let left = drain(&mut log);
    assert_eq!(log.take_losses().damaged.payloads + left.len() as u64, 10);
    assert_eq!(log.waiting(), Count::default());
}

/// Whatever keeps a folder from being written to: it is an error, changes nothing, and passes.
#[test]
fn a_disk_that_does_not_take_it_is_an_error_and_later_it_does() {
    let rig = Rig::new(small());
    let mut log = rig.home().log("logs").unwrap();
    fs::write(rig.folder.path().join("spool"), "in the way").unwrap();
    assert!(log.append(meta(1), None, &body(1)).is_err());
    assert_eq!((log.waiting(), log.bytes(), log.take_losses()), (Count::default(), 0, Losses::default()));
    fs::remove_file(rig.folder.path().join("spool")).unwrap();
    log.append(meta(2), None, &body(2)).unwrap().unwrap();
    assert_eq!(drain(&mut log), expected(2..=2));
}

#[test]
fn what_somebody_removed_is_damage_and_what_comes_next_is_kept() {
    let rig = Rig::new(small());
    let home = rig.home();
    let mut log = filled(&home, 10);
    let held = log.read(None).unwrap().unwrap().0;
    log.hold(&[held]);
    fs::remove_dir_all(rig.folder.path().join("spool/operator")).unwrap();
    log.append(meta(11), None, &body(11)).unwrap().unwrap();
    let lost = log.take_losses();
    assert_eq!((lost.damaged.payloads, lost.damaged.records), (9, 54), "not what somebody has in hand");
    assert_eq!((lost.full, lost.expired), (Count::default(), Count::default()));
    log.hold(&[]);
    log.settle(held);
    assert_eq!((log.waiting().payloads, drain(&mut log)), (1, expected(11..=11)));
    assert_eq!((log.bytes(), home.budget().used()), (0, 0));

    let log = filled(&home, 3);
    fs::remove_dir_all(rig.folder.path().join("spool/operator")).unwrap();
    let (waiting, losses) = log.destroy();
    assert_eq!((waiting, losses.damaged.payloads), (Count::default(), 3), "it was not removed because nobody wants it");
}

#[test]
fn what_can_not_be_opened_for_now_is_there_later() {
    let rig = Rig::new(small());
    drop(filled(&rig.home(), 10));
    let spool = Spool::new(rig.folder.path().join("spool"), Vault::from_key([7; 32]), rig.options);
    spool.park("operator");
    let (home, used) = (spool.home("operator"), spool.total_used());
    let (file, aside) = (rig.segments().remove(1), rig.folder.path().join("aside"));
    fs::rename(&file, &aside).unwrap();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    for _ in 0..2 {
        let left = home.left("logs");
        assert!(left.logs.is_empty() && left.error.is_some());
        assert_eq!((spool.total_used(), home.budget().used()), (used, 0), "it counts as it did");
    }
    fs::remove_file(&file).unwrap();
    fs::rename(&aside, &file).unwrap();
    let mut left = home.left("logs");
    assert!(left.error.is_none());
    assert_eq!(drain(&mut left.logs[0]), expected(1..=10));
}

/// A process that dies between two bytes of a write leaves a file that ends anywhere.
#[test]
fn wherever_a_write_was_cut_short_what_was_whole_is_there() {
    let rig = Rig::new(Options::default());
    drop(filled(&rig.home(), 3));
    let file = rig.segments().remove(0);
    let whole = fs::read(&file).unwrap();
    let each = whole.len() / 3;
    for length in (0..whole.len()).step_by(7) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &whole[..length]).unwrap();
        let home = rig.home();
        for mut log in home.left("logs").logs {
            assert_eq!(drain(&mut log), expected(1..=(length / each) as u32), "cut at {length}");
        }
    }
}
