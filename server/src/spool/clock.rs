//! What time it is in the spool, by which what waits there grows old: a clock that is wrong by more than a payload may wait destroys
//! nothing, and none keeps anything for ever.
//!
//! It only goes on. Within a process it is the time that passes, whatever the machine's clock is set to meanwhile. A start goes on
//! from what was written down last, with what the machine's clock says has passed since. Where that is less than nothing, or more than
//! a payload may wait, nobody can tell a clock that is wrong from a process that did not run, and it counts as an hour. Every start
//! counts for something, so that what waits grows older however many have a clock that is wrong. Where nothing was written down, or it is
//! lost, the machine's clock is all there is.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time is written down at most this often, and a start counts as this much at least: a clock that shows the same at each.
const MINUTE: Duration = Duration::from_secs(60);

/// What a start counts as whose clock is not believed.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Where it is written down, in the spool's folder: the spool's time, the machine's, and a checksum.
const NAME: &str = "clock";
const DRAFT: &str = "clock.new";

/// A machine's clocks: the time of day, and one that only goes on.
pub type Machine = Box<dyn Fn() -> (SystemTime, Instant) + Send + Sync>;

/// This one's.
#[must_use]
pub fn machine() -> Machine {
    Box::new(|| (SystemTime::now(), Instant::now()))
}

pub struct Clock {
    machine: Machine,
    root: PathBuf,
    /// What time it was when this process began, and when that was.
    start: (u64, Instant),
    /// When it was last written down.
    kept: Mutex<Option<Instant>>,
}

impl Clock {
    /// Of the spool in this folder, where nothing waits for longer than `max_age`. Changes nothing there.
    #[must_use]
    pub fn new(root: PathBuf, max_age: Duration, machine: Machine) -> Self {
        let (day, begun) = machine();
        let day = of_day(day);
        let time = written_down(&root).map_or(day, |(time, then)| time.saturating_add(passed(then, day, max_age)));
        Self { machine, root, start: (time, begun), kept: Mutex::default() }
    }

    /// In milliseconds: since 1970, as far as the machine's clock was believed.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.at((self.machine)().1)
    }

    fn at(&self, steady: Instant) -> u64 {
        let (time, begun) = self.start;
        time.saturating_add(millis(steady.saturating_duration_since(begun)))
    }

    /// Whether a moment is longer ago than that.
    #[must_use]
    pub fn is_older(&self, at: u64, than: Duration) -> bool {
        self.now().saturating_sub(at) > millis(than)
    }

    /// Writes down what time it is, for the next start, unless that was done a moment ago. Where the disk does not take it that start
    /// goes on from an earlier time, or from the machine's.
    pub fn keep(&self) {
        let mut kept = self.lock();
        let (day, steady) = (self.machine)();
        let is_fresh = |at: Instant| steady.saturating_duration_since(at) < MINUTE;
        if kept.is_some_and(is_fresh) && self.root.join(NAME).exists() {
            return;
        }
        match write_down(&self.root, self.at(steady), of_day(day)) {
            Ok(()) => *kept = Some(steady),
            Err(error) => tracing::debug!(root = %self.root.display(), %error, "what time it is in the spool can't be written down"),
        }
    }

    /// Nothing waits any more that could grow old: where nothing else lies in the folder, what was written down goes too.
    pub fn forget(&self) {
        let _kept = self.lock();
        // Nobody knows what lies in a folder that can't be listed.
        let Ok(mut entries) = fs::read_dir(&self.root) else { return };
        if entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == NAME || entry.file_name() == DRAFT)) {
            for name in [NAME, DRAFT] {
                let _ = fs::remove_file(self.root.join(name));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has passed between two readings of the machine's clock, in milliseconds.
fn passed(then: u64, now: u64, max_age: Duration) -> u64 {
    now.checked_sub(then).filter(|passed| *passed <= millis(max_age)).map_or(millis(HOUR), |passed| passed.max(millis(MINUTE)))
}

/// The spool's time and the machine's. One that was damaged is none.
fn written_down(root: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(root.join(NAME)).ok()?;
    let (times, sum) = text.trim_end().rsplit_once(' ')?;
    let (time, day) = times.split_once(' ').filter(|_| sum == checksum(times))?;
    Some((time.parse().ok()?, day.parse().ok()?))
}

fn write_down(root: &Path, time: u64, day: u64) -> io::Result<()> {
    let times = format!("{time} {day}");
    let draft = root.join(DRAFT);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(file, "{times} {}", checksum(&times))?;
    file.sync_data()?;
    fs::rename(&draft, root.join(NAME))
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

fn of_day(time: SystemTime) -> u64 {
    millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub mod tests {
    use std::sync::Arc;

    use super::*;

    const MINUTE: u64 = 60 * 1000;
    pub const HOUR: u64 = 60 * MINUTE;
    pub const DAY: u64 = 24 * HOUR;
    pub const T: u64 = 1_800_000_000_000;
    const WEEK: Duration = Duration::from_millis(7 * DAY);

    /// A machine's clocks that show what they are told to, and how to tell them: the time of day, and what has passed since the start.
    pub fn told(day: u64) -> (Machine, Arc<Mutex<(u64, u64)>>) {
        let shown = Arc::new(Mutex::new((day, 0)));
        let (read, begun) = (Arc::clone(&shown), Instant::now());
        let machine = move || {
            let (day, passed) = *read.lock().unwrap();
            (UNIX_EPOCH + Duration::from_millis(day), begun + Duration::from_millis(passed))
        };
        (Box::new(machine), shown)
    }

    /// A start at this time of day over what lies in the folder, which is written down.
    fn start(folder: &Path, day: u64) -> (Clock, Arc<Mutex<(u64, u64)>>) {
        let (machine, shown) = told(day);
        let clock = Clock::new(folder.to_owned(), WEEK, machine);
        clock.keep();
        (clock, shown)
    }

    #[test]
    fn while_it_runs_only_time_that_passed_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, shown) = start(folder.path(), T);
        for day in [T + 1000 * DAY, T - 1000 * DAY, 0, T] {
            *shown.lock().unwrap() = (day, DAY);
            assert_eq!(clock.now(), T + DAY, "{day}");
            assert!(!clock.is_older(T, WEEK) && clock.is_older(T - 6 * DAY - 1, WEEK));
        }
    }

    #[test]
    fn what_passed_between_two_runs_is_the_machines_to_say_unless_it_can_not_be() {
        let believed = [(T, T + MINUTE), (T + 5, T + MINUTE), (T + 2 * MINUTE, T + 2 * MINUTE), (T + 7 * DAY, T + 7 * DAY)];
        let not = [(T + 7 * DAY + 1, T + HOUR), (T - 1, T + HOUR), (0, T + HOUR)];
        for (day, expected) in believed.into_iter().chain(not) {
            let folder = tempfile::tempdir().unwrap();
            drop(start(folder.path(), T));
            assert_eq!(start(folder.path(), day).0.now(), expected, "{day}");
        }
    }

    #[test]
    fn no_number_of_starts_with_a_wrong_clock_stops_it() {
        for days in [[T, T], [T + 30 * DAY, T], [0, 0]] {
            let folder = tempfile::tempdir().unwrap();
            let started = |day: u64| {
                let (clock, shown) = start(folder.path(), day);
                *shown.lock().unwrap() = (day + 2 * HOUR, 2 * HOUR);
                clock.keep();
                clock.is_older(T, WEEK)
            };
            assert!(!started(T));
            let needed = days.iter().cycle().take(100).position(|day| started(*day));
            // An hour each, and the two that it ran.
            assert_eq!(needed, Some(55), "{days:?}");
        }
    }

    #[test]
    fn starts_that_last_a_moment_count_too() {
        let folder = tempfile::tempdir().unwrap();
        drop(start(folder.path(), T));
        let quarter = Duration::from_millis(15 * MINUTE);
        assert_eq!((0..100).position(|_| start(folder.path(), T).0.is_older(T, quarter)), Some(15));
    }

    #[test]
    fn a_machine_that_is_told_the_time_late_goes_on_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, shown) = start(folder.path(), 1_000);
        *shown.lock().unwrap() = (T, 2 * HOUR);
        assert_eq!(clock.now(), 1_000 + 2 * HOUR);
        clock.keep();
        assert_eq!(start(folder.path(), T + DAY).0.now(), 1_000 + 2 * HOUR + DAY);
    }

    #[test]
    fn it_is_written_down_once_a_minute_and_goes_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let text = || fs::read_to_string(folder.path().join(NAME)).ok();
        let (clock, shown) = start(folder.path(), T);
        let first = text().unwrap();
        assert_eq!(written_down(folder.path()), Some((T, T)));
        *shown.lock().unwrap() = (T + 5, MINUTE - 1);
        clock.keep();
        assert_eq!(text().unwrap(), first);
        *shown.lock().unwrap() = (T + 5, MINUTE);
        clock.keep();
        assert_eq!(written_down(folder.path()), Some((T + MINUTE, T + 5)));

        let other = folder.path().join("operator");
        fs::create_dir(&other).unwrap();
        clock.forget();
        assert!(text().is_some());
        fs::remove_dir(&other).unwrap();
        clock.forget();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        clock.keep();
        assert!(text().is_some(), "something waits again");
    }

    #[test]
    fn one_that_was_damaged_is_none() {
        let folder = tempfile::tempdir().unwrap();
        drop(start(folder.path(), T));
        let file = folder.path().join(NAME);
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() - 1 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            assert_eq!(written_down(folder.path()), None, "byte {at}");
        }
        for length in 0..whole.len() - 1 {
            fs::write(&file, &whole[..length]).unwrap();
            assert_eq!(written_down(folder.path()), None, "cut at {length}");
        }
    }
}
