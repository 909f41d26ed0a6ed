//! What is written is there again after whatever happens to the process, and what is lost is counted.

mod damage;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;
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

    /// But for the clock's.
    fn files(&self) -> Vec<PathBuf> {
        fn below(folder: &Path, out: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    below(&entry.path(), out);
                } else if entry.file_name() != "clock" {
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
    Meta { records, items: records, gzip: true }
}

fn body(n: u32) -> Vec<u8> {
    format!("canary payload {n:04}").into_bytes()
}

fn filled(home: &Home, count: u32) -> Log {
    let mut log = home.log("logs").unwrap();
    for n in 1..=count {
        log.append(meta(n), None, &body(n)).unwrap().unwrap();
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
    log.append(meta(1), None, &body(1)).unwrap();
    assert!(home.has_left() && rig.folder.path().join("spool/clock").exists());
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
    log.append(meta(21), None, &body(21)).unwrap();
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
        log.append(meta(n), None, &body(n)).unwrap().unwrap();
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
    assert_eq!(log.append(meta(7), None, &[0; 200]).unwrap(), None);
    assert_eq!((log.take_losses().full.records, log.waiting().payloads), (7, 0));
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
    log.append(meta(3), Some(old), &body(3)).unwrap();
    log.append(meta(4), None, &body(4)).unwrap();
    assert_eq!(drain(&mut log), expected(4..=4));
    assert_eq!(log.take_losses().expired.records, 3);
}

#[test]
fn destroying_leaves_nothing() {
    let rig = Rig::new(small());
    let home = rig.home();
    let (waiting, losses) = filled(&home, 10).destroy();
    assert_eq!((waiting.payloads, waiting.records, losses), (10, 55, Losses::default()));
    assert!(rig.files().is_empty() && home.budget().used() == 0);
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
    log.append(meta(21), None, &body(21)).unwrap();
    log.unsynced = Some(0);
    assert!(log.sync().is_err() && log.unsynced == Some(0), "it is tried again");
}
