//! What is written is there again after whatever happens to the process, and what is lost is counted.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
use crate::spool::record::HEAD;
use crate::spool::segment::EXTENSION;
use crate::spool::{Home, Options, Spool};
use crate::vault::Vault;

struct Rig {
    folder: tempfile::TempDir,
    options: Options,
}

impl Rig {
    fn new(options: Options) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), options }
    }

    /// A fresh start over what lies there.
    fn home(&self) -> Home {
        Spool::new(self.folder.path().join("spool"), Vault::from_key([7; 32]), self.options).home("operator")
    }

    fn files(&self) -> Vec<PathBuf> {
        fn below(folder: &Path, out: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    below(&entry.path(), out);
                } else {
                    out.push(entry.path());
                }
            }
        }
        let mut out = Vec::new();
        below(self.folder.path(), &mut out);
        out.sort();
        out
    }

    fn segments(&self) -> Vec<PathBuf> {
        self.files().into_iter().filter(|file| file.extension().is_some_and(|extension| extension == EXTENSION)).collect()
    }
}

fn small() -> Options {
    Options { segment_bytes: 500, ..Options::default() }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn meta(records: u32) -> Meta {
    Meta { records, items: records, at: now(), gzip: true }
}

fn body(n: u32) -> Vec<u8> {
    format!("canary payload {n:04}").into_bytes()
}

fn filled(home: &Home, count: u32) -> Log {
    let mut log = home.log("logs").unwrap();
    for n in 1..=count {
        log.append(meta(n), &body(n)).unwrap().unwrap();
    }
    log
}

/// Everything that waits, settled on the way.
fn drain(log: &mut Log) -> Vec<(u32, Vec<u8>)> {
    let mut out = Vec::new();
    while let Some((ticket, body)) = log.read(None).unwrap() {
        out.push((ticket.meta().records, body));
        log.settle(ticket);
    }
    out
}

fn expected(numbers: impl Iterator<Item = u32>) -> Vec<(u32, Vec<u8>)> {
    numbers.map(|n| (n, body(n))).collect()
}

#[test]
fn nothing_is_made_before_something_is_written_and_nothing_stays() {
    let rig = Rig::new(small());
    let home = rig.home();
    let mut log = home.log("logs").unwrap();
    assert!(log.read(None).unwrap().is_none() && rig.files().is_empty() && !home.has_left());
    log.append(meta(1), &body(1)).unwrap();
    assert!(home.has_left());
    log.sync().unwrap();
    assert_eq!(drain(&mut log), expected(1..=1));
    assert!(!home.has_left() && fs::read_dir(rig.folder.path().join("spool")).unwrap().next().is_none());
    assert_eq!((log.bytes(), home.budget().used()), (0, 0));
}

#[test]
fn the_order_is_that_of_writing_over_segments_and_starts() {
    let rig = Rig::new(small());
    let mut log = filled(&rig.home(), 20);
    assert!(rig.segments().len() > 3);
    let (first, _) = log.read(None).unwrap().unwrap();
    log.settle(first);
    let waiting = log.waiting();
    drop(log);

    let home = rig.home();
    let mut logs = home.left("logs").logs;
    assert_eq!((logs.len(), home.left("logs").logs.len(), home.left("traces").logs.len()), (1, 0, 0), "a log has one owner at a time");
    let mut log = logs.remove(0);
    assert_eq!((log.waiting(), home.budget().used()), (waiting, log.bytes()));
    log.append(meta(21), &body(21)).unwrap();
    assert_eq!(drain(&mut log), expected(2..=21));
    assert_eq!(log.take_losses(), Losses::default());
}

#[test]
fn what_was_settled_is_not_there_again() {
    let rig = Rig::new(Options::default());
    let mut log = filled(&rig.home(), 5);
    let (first, _) = log.read(None).unwrap().unwrap();
    let (second, bytes) = log.read(Some(first)).unwrap().unwrap();
    assert_eq!(bytes, body(2));
    log.settle(second);
    drop(log);
    assert_eq!(drain(&mut rig.home().left("logs").logs[0]).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 3, 4, 5]);
}

#[test]
fn the_oldest_make_room_and_are_counted_but_for_what_somebody_holds() {
    let rig = Rig::new(Options { per_destination: 4_000, ..small() });
    let home = rig.home();
    let mut log = filled(&home, 3);
    let (held, _) = log.read(None).unwrap().unwrap();
    log.hold(&[held]);
    for n in 4..=100 {
        log.append(meta(n), &body(n)).unwrap().unwrap();
    }
    assert!(log.bytes() <= 2_000 && home.budget().used() == log.bytes());
    assert!(!log.has(held));
    let lost = log.take_losses().full;
    let left = drain(&mut log);
    assert_eq!(lost.payloads + left.len() as u64 + 1, 100, "the one that is held is its holder's");
    assert_eq!(left, expected(101 - left.len() as u32..=100));
    log.settle(held);
    assert_eq!(log.waiting(), Count::default());
}

#[test]
fn what_is_larger_than_all_the_room_is_lost_itself() {
    let rig = Rig::new(Options { total: 100, ..small() });
    let mut log = rig.home().log("logs").unwrap();
    assert_eq!(log.append(meta(7), &[0; 200]).unwrap(), None);
    assert_eq!((log.take_losses().full.records, log.waiting().payloads), (7, 0));
}

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

#[test]
fn it_is_sealed_and_opens_in_its_own_place_alone() {
    let rig = Rig::new(Options::default());
    drop(filled(&rig.home(), 2));
    let file = rig.segments().remove(0);
    let bytes = fs::read(&file).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"canary"));
    // Moved to another destination.
    let elsewhere = rig.folder.path().join("spool/other/0/logs");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::rename(&file, elsewhere.join("00000000000000000000.seg")).unwrap();
    let other = Spool::new(rig.folder.path().join("spool"), Vault::from_key([7; 32]), rig.options).home("other");
    let mut log = other.left("logs").logs.remove(0);
    assert_eq!(drain(&mut log), []);
    assert_eq!(log.take_losses().damaged.payloads, 2);
}

#[test]
fn what_waited_too_long_expires() {
    let rig = Rig::new(Options::default());
    let mut log = rig.home().log("logs").unwrap();
    let old = now() - 8 * 24 * 60 * 60 * 1000;
    log.append(Meta { at: old, ..meta(3) }, &body(3)).unwrap();
    log.append(meta(4), &body(4)).unwrap();
    assert_eq!(drain(&mut log), expected(4..=4));
    assert_eq!(log.take_losses().expired.records, 3);
}

/// Whatever keeps a folder from being written to: it is an error, changes nothing, and passes.
#[test]
fn a_disk_that_does_not_take_it_is_an_error_and_later_it_does() {
    let rig = Rig::new(small());
    let mut log = rig.home().log("logs").unwrap();
    fs::write(rig.folder.path().join("spool"), "in the way").unwrap();
    assert!(log.append(meta(1), &body(1)).is_err());
    assert_eq!((log.waiting(), log.bytes(), log.take_losses()), (Count::default(), 0, Losses::default()));
    fs::remove_file(rig.folder.path().join("spool")).unwrap();
    log.append(meta(2), &body(2)).unwrap().unwrap();
    assert_eq!(drain(&mut log), expected(2..=2));
}

#[test]
fn destroying_leaves_nothing() {
    let rig = Rig::new(small());
    let home = rig.home();
    let (waiting, losses) = filled(&home, 10).destroy();
    assert_eq!((waiting.payloads, waiting.records, losses), (10, 55, Losses::default()));
    assert!(rig.files().is_empty() && home.budget().used() == 0);
}

#[test]
fn what_somebody_removed_is_damage_and_what_comes_next_is_kept() {
    let rig = Rig::new(small());
    let home = rig.home();
    let mut log = filled(&home, 10);
    let held = log.read(None).unwrap().unwrap().0;
    log.hold(&[held]);
    fs::remove_dir_all(rig.folder.path().join("spool/operator")).unwrap();
    log.append(meta(11), &body(11)).unwrap().unwrap();
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

#[test]
fn what_was_written_before_the_clock_was_set_does_not_expire() {
    let rig = Rig::new(small());
    let mut log = rig.home().log("logs").unwrap();
    for at in [5, now() - 8 * 24 * 60 * 60 * 1000, now()] {
        log.append(Meta { at, ..meta(1) }, &body(1)).unwrap();
    }
    assert_eq!(drain(&mut log).len(), 2);
    assert_eq!(log.take_losses().expired.payloads, 1);
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

/// What is left for later is not free for others meanwhile.
#[test]
fn what_stays_on_disk_counts_whoever_has_it() {
    let rig = Rig::new(small());
    let spool = Spool::new(rig.folder.path().join("spool"), Vault::from_key([7; 32]), rig.options);
    let home = spool.home("operator");
    let log = filled(&home, 10);
    let (bytes, used) = (log.bytes(), || spool.total_used());
    assert_eq!(used(), bytes);
    drop(log);
    assert_eq!((used(), home.budget().used()), (bytes, 0));
    let mut log = spool.home("operator").left("logs").logs.remove(0);
    assert_eq!(used(), bytes);
    assert_eq!(drain(&mut log).len(), 10);
    assert_eq!(used(), 0);
    drop(filled(&home, 10));
    assert!(used() > 0);
    spool.destroy("operator").unwrap();
    assert_eq!(used(), 0);

    // Another start, at which it is nobody's.
    drop(filled(&home, 10));
    let again = Spool::new(rig.folder.path().join("spool"), Vault::from_key([7; 32]), rig.options);
    assert_eq!(again.total_used(), 0);
    again.park("operator");
    assert_eq!(again.total_used(), used());
    drop(again.home("operator").left("logs"));
    assert_eq!(again.total_used(), used());
}

#[test]
fn many_segments_are_synced_and_listed_again() {
    let rig = Rig::new(small());
    let mut log = filled(&rig.home(), 20);
    log.sync().unwrap();
    assert_eq!(log.unsynced, None);
    assert!(log.segments.iter().filter(|segment| segment.entries.is_some()).count() <= 2, "of others nothing is in memory");
    fs::remove_file(rig.segments().remove(1)).unwrap();
    log.append(meta(21), &body(21)).unwrap();
    log.unsynced = Some(0);
    assert!(log.sync().is_err() && log.unsynced == Some(0), "it is tried again");
}
