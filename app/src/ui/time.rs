//! Points in time: the exact one for everybody, and in the browser how long ago it was.
//!
//! The server renders the exact time in UTC; an effect then refines it, so that hydration finds what was rendered, and keeps it true,
//! by the server's clock ([`super::clock`]).

use leptos::prelude::*;

use super::clock::Clock;
use crate::contract::UnixMillis;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS: i64 = 86_400_000;

/// A date and time of day in the proleptic Gregorian calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i64,
    /// From 0.
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// Days to a date as Howard Hinnant's "chrono-compatible low-level date algorithms" count them: in eras of 400 years
    /// that start in March.
    fn at(at: UnixMillis) -> Self {
        let second_of_day = at.rem_euclid(DAY_MS) / 1000;
        let days = at.div_euclid(DAY_MS) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 2 } else { from_march - 10 };
        Self {
            year: year_of_era + era * 400 + i64::from(month < 2),
            month: usize::try_from(month).unwrap_or(0),
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }

    /// The way back, by the same algorithms.
    fn millis(self) -> UnixMillis {
        let month = i64::try_from(self.month).unwrap_or(0) + 1;
        let year = self.year - i64::from(month <= 2);
        let year_of_era = year.rem_euclid(400);
        let from_march = (month + 9) % 12;
        let day_of_year = (153 * from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = year.div_euclid(400) * 146_097 + day_of_era - 719_468;
        days * DAY_MS + ((self.hour * 60 + self.minute) * 60 + self.second) * 1000
    }

    fn month_name(self) -> &'static str {
        MONTHS.get(self.month).copied().unwrap_or("")
    }
}

/// "12 Nov 2026".
#[must_use]
pub fn exact_date(at: UnixMillis) -> String {
    let civil = Civil::at(at);
    format!("{} {} {}", civil.day, civil.month_name(), civil.year)
}

/// "12 Nov 2026, 14:02:11 UTC".
#[must_use]
pub fn exact_time(at: UnixMillis) -> String {
    let civil = Civil::at(at);
    format!("{}, {:02}:{:02}:{:02} UTC", exact_date(at), civil.hour, civil.minute, civil.second)
}

/// RFC 3339, for machines.
fn machine_time(at: UnixMillis) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::at(at);
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1)
}

/// What a date-and-time field holds, in UTC and to the minute: "2026-11-12T14:02".
#[must_use]
pub fn field_time(at: UnixMillis) -> String {
    let Civil { year, month, day, hour, minute, .. } = Civil::at(at);
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}", month + 1)
}

/// Reads what a date-and-time field holds, in UTC; seconds and a space in place of the T are fine, where somebody types it.
#[must_use]
pub fn parse_field_time(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.trim().split_once(['T', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let time = if time.matches(':').count() == 1 { format!("{time}:00") } else { time.to_owned() };
    let [hour, minute, second] = numbers(&time, ':')?;
    let civil = Civil { year, month: usize::try_from(month - 1).ok()?, day, hour, minute, second };
    // A day that the calendar doesn't have reads back as another one.
    let at = civil.millis();
    ((1970..10_000).contains(&year) && Civil::at(at) == civil).then_some(at)
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let digits = |part: &str| (part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i64>().ok()).flatten();
    let mut parts = text.split(between).map(digits);
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

/// "3 min ago"; beyond four weeks the date.
fn relative(at: UnixMillis, now: UnixMillis) -> String {
    let past = (now - at) / 1000;
    match past {
        ..-60 => exact_time(at),
        -60..5 => "just now".to_owned(),
        5..60 => format!("{past} s ago"),
        60..3_600 => format!("{} min ago", past / 60),
        3_600..86_400 => format!("{} h ago", past / 3_600),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_419_200 => format!("{} days ago", past / 86_400),
        _ => exact_date(at),
    }
}

/// A point in time, with the exact one on hover.
#[component]
pub fn Time(
    at: UnixMillis,
    /// The day is enough: for lists, where scripts may not be there to shorten it.
    #[prop(optional)]
    day: bool,
    /// Stays exact: where "since" or "until" asks for a point in time and not for how long ago.
    #[prop(optional)]
    exact: bool,
) -> impl IntoView {
    // In a sentence it may break, as the words around it.
    let class = if exact { "tabular-nums" } else { "whitespace-nowrap tabular-nums" };
    let text = RwSignal::new(if day { exact_date(at) } else { exact_time(at) });
    let clock = use_context::<Clock>();
    Effect::new(move |_| {
        let Some(clock) = clock.filter(|_| !exact) else { return };
        let now = relative(at, clock.now());
        if text.with_untracked(|text| *text != now) {
            text.set(now);
        }
    });
    view! {
        <time class=class datetime=machine_time(at) title=exact_time(at)>
            {text}
        </time>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_at_the_edges() {
        for (at, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59Z"),
            (1_767_225_599_000, "2025-12-31T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(machine_time(at), expected);
        }
        assert_eq!(exact_time(1_794_492_131_000), "12 Nov 2026, 14:02:11 UTC");
    }

    #[test]
    fn a_field_of_date_and_time_reads_what_it_shows() {
        for at in [0, 951_782_400_000, 1_709_251_140_000, 1_794_492_120_000, 4_107_542_400_000, 253_402_300_740_000] {
            assert_eq!(parse_field_time(&field_time(at)), Some(at), "{}", field_time(at));
        }
        assert_eq!(parse_field_time(" 2026-11-12 14:02:11 "), Some(1_794_492_131_000));
        for wrong in [
            "",
            "2026-11-12",
            "2026-02-29T10:00",
            "2026-13-01T10:00",
            "2026-00-01T10:00",
            "2026-11-12T24:00",
            "2026-11-12T10:00Z",
            "1969-12-31T23:59",
        ] {
            assert_eq!(parse_field_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn how_long_ago() {
        let now = 1_794_492_131_000;
        for (seconds, expected) in [
            (0, "just now"),
            (30, "30 s ago"),
            (180, "3 min ago"),
            (7_300, "2 h ago"),
            (90_000, "yesterday"),
            (400_000, "4 days ago"),
            (3_000_000, "8 Oct 2026"),
            (-20, "just now"),
            (-120, "12 Nov 2026, 14:04:11 UTC"),
        ] {
            assert_eq!(relative(now - seconds * 1000, now), expected, "{seconds}");
        }
    }
}
