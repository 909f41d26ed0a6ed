//! The last hour, a bar for each minute: what was sent, and on top what was lost. Drawn on the server as it is in the
//! browser; a screen reader gets the same as a table.

use leptos::prelude::*;

use super::view_model::failed_in;
use crate::contract::{ExportMinute, UnixMillis};
use crate::ui::thousands;

const MINUTES: i64 = 60;
const MINUTE_MS: i64 = 60_000;
/// Of the drawing, in its own units.
const STEP: u64 = 6;
const HEIGHT: u64 = 56;

/// One bar: heights in the drawing's units, at least 1 where there is something at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bar {
    x: u64,
    sent: u64,
    failed: u64,
}

fn bars(hour: &[ExportMinute], now: UnixMillis) -> Vec<Bar> {
    let last = now.div_euclid(MINUTE_MS);
    let most = hour.iter().map(|minute| minute.sent + failed_in(minute)).max().unwrap_or(0).max(1);
    let height = |value: u64| if value == 0 { 0 } else { (u128::from(value) * u128::from(HEIGHT) / u128::from(most)).max(1) as u64 };
    hour.iter()
        .filter_map(|minute| {
            let ago = last - minute.at.div_euclid(MINUTE_MS);
            let place = u64::try_from(MINUTES - 1 - ago).ok().filter(|_| ago >= 0)?;
            let failed = height(failed_in(minute));
            // Together never higher than the drawing.
            let sent = height(minute.sent).min(HEIGHT - failed.min(HEIGHT));
            Some(Bar { x: place * STEP, sent, failed })
        })
        .collect()
}

/// The chart. `now` is the end of the hour, by the server's clock.
#[component]
pub fn HourChart(hour: Vec<ExportMinute>, now: UnixMillis) -> impl IntoView {
    let drawn = bars(&hour, now)
        .into_iter()
        .map(|bar| {
            view! {
                <rect x=bar.x y=HEIGHT - bar.sent width="5" height=bar.sent class="fill-accent"></rect>
                <rect x=bar.x y=HEIGHT - bar.sent - bar.failed width="5" height=bar.failed class="fill-bad"></rect>
            }
        })
        .collect_view();
    let rows = hour
        .iter()
        .map(|minute| {
            let ago = (now.div_euclid(MINUTE_MS) - minute.at.div_euclid(MINUTE_MS)).max(0);
            view! {
                <tr>
                    <th scope="row">{if ago == 0 { "This minute".to_owned() } else { format!("{ago} min ago") }}</th>
                    <td>{thousands(minute.sent)}</td>
                    <td>{thousands(failed_in(minute))}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div>
            <svg viewBox="0 0 360 57" class="h-14 w-full" preserveAspectRatio="none" aria-hidden="true">
                <rect x="0" y=HEIGHT width="360" height="1" class="fill-line-strong"></rect>
                {drawn}
            </svg>
            <p class="mt-1 flex justify-between text-xs text-faint" aria-hidden="true">
                <span>"60 min ago"</span>
                <span class="flex items-center gap-3">
                    <span class="flex items-center gap-1"><span class="size-2 rounded-xs bg-accent"></span>"sent"</span>
                    <span class="flex items-center gap-1"><span class="size-2 rounded-xs bg-bad"></span>"lost"</span>
                </span>
                <span>"now"</span>
            </p>
            // Around the table: Firefox shows the caption of one that is clipped itself, and its rows would lengthen the page.
            <div class="sr-only">
                <table>
                    <caption>"Sent and lost in the last hour, by minute"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Minute"</th>
                            <th scope="col">"Sent"</th>
                            <th scope="col">"Lost"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(number: i64, sent: u64, rejected: u64) -> ExportMinute {
        ExportMinute { at: number * MINUTE_MS, sent, rejected, dropped: Vec::new() }
    }

    #[test]
    fn the_newest_minute_is_at_the_right_and_nothing_sticks_out() {
        let now = 1_000 * MINUTE_MS + 30_000;
        let drawn = bars(&[minute(940, 9, 0), minute(941, 1, 0), minute(999, 1_000_000, 0), minute(1000, 0, 5)], now);
        assert_eq!(drawn.iter().map(|bar| bar.x).collect::<Vec<_>>(), [0, 58 * STEP, 59 * STEP], "one is older than an hour");
        assert_eq!((drawn[0].sent, drawn[1].sent), (1, HEIGHT));
        assert_eq!((drawn[2].sent, drawn[2].failed), (0, 1));
        assert!(bars(&[minute(1000, u64::MAX / 2, u64::MAX / 2)], now).iter().all(|bar| bar.sent + bar.failed <= HEIGHT));
        assert!(bars(&[], now).is_empty());
    }
}
