//! What stays whatever the key, the clock and the limit are at the next start, and what does not.

use super::clock::tests::{DAY, HOUR, T, told};
use super::*;

struct Rig {
    folder: tempfile::TempDir,
    options: Options,
}

impl Rig {
    fn new(options: Options) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), options }
    }

    /// A start over what lies there, which is counted.
    fn start(&self, key: u8, machine: Machine) -> Spool {
        let spool = Spool::with_machine(self.folder.path().join("spool"), Vault::from_key([key; 32]), self.options, machine);
        spool.owners().iter().for_each(|owner| spool.park(owner));
        spool
    }

    /// Every file but the clock's, with what is in it.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut out = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("clock") {
                    let bytes = fs::read(&path).unwrap();
                    out.push((path, bytes));
                }
            }
        }
        out.sort();
        out
    }

    fn bytes(&self) -> usize {
        self.files().iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// Files of two payloads.
fn small() -> Options {
    Options { segment_bytes: 500, ..Options::default() }
}

fn append(log: &mut Log, count: u32) {
    for _ in 0..count {
        log.append(Meta { records: 1, items: 1, ..Meta::default() }, None, &[7; 100]).unwrap().unwrap();
    }
}

/// A log of the owner with so many payloads, which is nobody's then.
fn leave(spool: &Spool, owner: &str, count: u32) {
    append(&mut spool.home(owner).log("logs").unwrap(), count);
}

fn left(spool: &Spool, owner: &str) -> Log {
    spool.home(owner).left("logs").logs.remove(0)
}

/// How many payloads come out, all of which are settled.
fn drain(log: &mut Log) -> usize {
    let mut count = 0;
    while let Some((ticket, body)) = log.read(None).unwrap() {
        assert_eq!(body, [7; 100]);
        log.settle(ticket);
        count += 1;
    }
    count
}

#[test]
fn what_another_key_sealed_is_left_alone_until_that_key_is_back() {
    let rig = Rig::new(small());
    leave(&rig.start(7, machine()), "operator", 5);
    let before = rig.files();

    let other = rig.start(8, machine());
    let found = other.home("operator").left("logs");
    assert!(found.logs.is_empty() && found.error.is_none());
    assert_eq!((other.other_key_bytes("operator"), other.total_used()), (rig.bytes(), rig.bytes()), "it counts");
    assert!(other.expire().is_empty());
    leave(&other, "operator", 3);
    assert!(before.iter().all(|file| rig.files().contains(file)), "nothing of it is touched");
    assert!(!rig.files().iter().any(|(path, _)| path.to_string_lossy().contains(Quarantine::NAME)));
    drop(other);

    let again = rig.start(7, machine());
    let mut logs = again.home("operator").left("logs").logs;
    assert_eq!((logs.len(), drain(&mut logs[0])), (1, 5));
    assert_eq!(again.other_key_bytes("operator"), rig.bytes(), "now it is the other's that waits");
    again.destroy("operator").unwrap();
    assert_eq!((again.other_key_bytes("operator"), again.total_used()), (0, 0));
}

#[test]
fn what_only_another_key_opens_goes_with_its_owner() {
    let rig = Rig::new(small());
    leave(&rig.start(7, machine()), "operator", 5);
    let other = rig.start(8, machine());
    leave(&other, "operator", 3);
    other.park("operator");
    assert!(other.other_key_bytes("operator") > 0);
    other.destroy_other_key("operator").unwrap();
    assert_eq!(other.other_key_bytes("operator"), 0);
    assert_eq!(other.total_used(), rig.bytes(), "and is not counted any more");
    assert_eq!(drain(&mut left(&other, "operator")), 3, "its own is not touched");
}

#[test]
fn what_names_no_key_is_read() {
    let rig = Rig::new(small());
    let spool = rig.start(7, machine());
    let folder = rig.folder.path().join("spool/operator/0001700000000000-000000-1/logs");
    append(&mut Log::open(Arc::clone(&spool.shared), folder, Arc::new(Budget::new(1 << 20))).unwrap(), 3);
    drop(spool);
    let again = rig.start(7, machine());
    assert_eq!(again.other_key_bytes("operator"), 0);
    assert_eq!(drain(&mut left(&again, "operator")), 3);
}

#[test]
fn a_clock_that_jumps_while_it_runs_expires_nothing() {
    let rig = Rig::new(small());
    let (clock, shown) = told(T);
    let spool = rig.start(7, clock);
    let mut log = spool.home("operator").log("logs").unwrap();
    append(&mut log, 2);
    *shown.lock().unwrap() = (T + 30 * DAY, DAY);
    append(&mut log, 2);
    *shown.lock().unwrap() = (T - 30 * DAY, 2 * DAY);
    append(&mut log, 2);
    assert!(log.read(None).unwrap().is_some());
    assert_eq!(log.take_losses(), Losses::default());
    // What was written first has waited for more than 7 days.
    *shown.lock().unwrap() = (T, 7 * DAY + 1);
    assert_eq!((drain(&mut log), log.take_losses().expired.payloads), (4, 2));
}

#[test]
fn starts_with_a_wrong_clock_expire_nothing_at_once_and_keep_nothing_for_ever() {
    let rig = Rig::new(small());
    leave(&rig.start(7, told(T).0), "operator", 2);
    let mut reads = Vec::new();
    // Ahead, back, and ahead again; each time it runs for two days.
    for day in [T + 30 * DAY, T - 30 * DAY, T + 60 * DAY] {
        let (machine, shown) = told(day);
        let spool = rig.start(7, machine);
        assert!(spool.expire().is_empty(), "{day}");
        let mut log = left(&spool, "operator");
        reads.push(log.read(None).unwrap().is_some());
        drop(log);
        *shown.lock().unwrap() = (day, 2 * DAY);
        assert!(spool.expire().is_empty(), "{day}");
    }
    assert_eq!(reads, [true; 3]);
    // An hour for each of the four starts, and the six days.
    let (machine, shown) = told(0);
    let spool = rig.start(7, machine);
    *shown.lock().unwrap() = (0, DAY - 4 * HOUR);
    assert!(spool.expire().is_empty());
    *shown.lock().unwrap() = (0, DAY - 4 * HOUR + 1);
    assert_eq!(spool.expire().into_values().map(|losses| losses.expired.payloads).collect::<Vec<_>>(), [2]);
    assert_eq!((fs::read_dir(rig.folder.path().join("spool")).unwrap().count(), spool.total_used()), (0, 0));
}

#[test]
fn a_clock_that_says_what_may_be_is_believed() {
    let rig = Rig::new(small());
    let (machine, shown) = told(T);
    let spool = rig.start(7, machine);
    let mut log = spool.home("operator").log("logs").unwrap();
    append(&mut log, 2);
    *shown.lock().unwrap() = (T + 3 * DAY, 3 * DAY);
    append(&mut log, 2);
    drop((log, spool));
    let spool = rig.start(7, told(T + 9 * DAY).0);
    let mut log = left(&spool, "operator");
    assert_eq!((drain(&mut log), log.take_losses().expired.payloads), (2, 2));
}

/// What is read from a log of an earlier start, and put elsewhere, is as old there.
#[test]
fn what_moves_to_another_log_keeps_its_age() {
    let rig = Rig::new(small());
    leave(&rig.start(7, told(T).0), "operator", 4);
    let (machine, shown) = told(T + 30 * DAY);
    let spool = rig.start(7, machine);
    let mut old = left(&spool, "operator");
    let mut own = spool.home("tenant").log("logs").unwrap();
    assert!(own.take_from(&mut old));
    *shown.lock().unwrap() = (0, 7 * DAY - HOUR);
    assert!(own.read(None).unwrap().is_some());
    *shown.lock().unwrap() = (0, 7 * DAY - HOUR + 1);
    assert_eq!((drain(&mut own), own.take_losses().expired.payloads), (0, 4));
}

#[test]
fn what_nobody_reads_grows_old_file_by_file() {
    let rig = Rig::new(small());
    let (clock, shown) = told(T);
    let spool = rig.start(7, clock);
    let mut log = spool.home("operator").log("logs").unwrap();
    append(&mut log, 4);
    *shown.lock().unwrap() = (T, 2 * DAY);
    append(&mut log, 2);
    drop(log);
    let expired = |spool: &Spool| spool.expire().get("operator").map_or(0, |losses| losses.expired.payloads);
    *shown.lock().unwrap() = (T, 7 * DAY);
    assert_eq!((expired(&spool), rig.files().len()), (0, 3));
    *shown.lock().unwrap() = (T, 8 * DAY);
    assert_eq!((expired(&spool), rig.files().len(), spool.total_used()), (4, 1, rig.bytes()));
    // Whoever has it open sees to it.
    let open = left(&spool, "operator");
    *shown.lock().unwrap() = (T, 20 * DAY);
    assert_eq!(expired(&spool), 0);
    drop(open);
    assert_eq!((expired(&spool), rig.files().len(), spool.total_used()), (2, 0, 0));
}

#[test]
fn a_lowered_limit_is_held_by_whoever_is_above_it() {
    let rig = Rig::new(small());
    let wide = rig.start(7, machine());
    leave(&wide, "large", 60);
    leave(&wide, "small", 5);
    drop(wide);
    let rig = Rig { options: Options { total: 8_000, ..small() }, ..rig };
    let spool = rig.start(7, machine());
    let [mut large, mut small] = ["large", "small"].map(|owner| left(&spool, owner));
    assert!(spool.total_used() > 8_000);
    let one = Meta { records: 1, items: 1, ..Meta::default() };
    assert_eq!(small.append(one, None, &[7; 100]).unwrap(), None, "there is no room for it, whatever is dropped here");
    assert_eq!((small.waiting().payloads, small.take_losses().full.payloads), (5, 1));
    assert!(large.append(one, None, &[7; 100]).unwrap().is_some(), "it makes room itself");
    assert!(large.take_losses().full.payloads > 0 && spool.total_used() <= 8_000);
    assert!(small.append(one, None, &[7; 100]).unwrap().is_some());
    assert_eq!((small.waiting().payloads, small.take_losses()), (6, Losses::default()));
}

/// None of them alone could make room.
#[test]
fn those_who_hold_a_lowered_limit_together_each_give_their_part() {
    let rig = Rig::new(small());
    let wide = rig.start(7, machine());
    let owners = ["a", "b", "c"];
    owners.iter().for_each(|owner| leave(&wide, owner, 60));
    drop(wide);
    let rig = Rig { options: Options { total: 8_000, ..small() }, ..rig };
    let spool = rig.start(7, machine());
    let mut logs = owners.map(|owner| left(&spool, owner));
    for log in &mut logs {
        let _ = log.append(Meta { records: 1, items: 1, ..Meta::default() }, None, &[7; 100]).unwrap();
        assert!(log.waiting().payloads >= 8, "{}", log.waiting().payloads);
    }
    assert!(spool.total_used() <= 8_000);
}
