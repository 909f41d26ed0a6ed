//! A collector's answer to an export.

use std::io::Write as _;
use std::str::from_utf8;
use std::time::{Duration, UNIX_EPOCH};

use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use server::telemetry::{Answer, judged};
use server::values::Signal;

use super::http::headers;

/// `traces|logs|metrics STATUS`, header lines, an empty line, the body.
pub fn otlp_answer(data: &[u8]) {
    let Some((head, body)) = split(data) else { return };
    let Some(end) = head.iter().position(|byte| *byte == b'\n') else { return };
    let Some((signal, status)) = from_utf8(&head[..end]).ok().and_then(first_line) else { return };
    let headers = headers(&head[end + 1..]);
    // A day on which dates are both behind and ahead.
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let body = Bytes::copy_from_slice(body);
    let found = judged(signal, status, &headers, body.clone(), now);

    assert_eq!(found.status, Some(status.as_u16()));
    assert!(found.message.as_ref().is_none_or(|text| !text.is_empty() && text.chars().count() <= 300), "{found:?}");
    assert_eq!(judged(signal, status, &headers, body.clone(), now), found, "it depends on something else");
    match (found.answer, status.as_u16()) {
        (Answer::Retry { after, .. }, 429 | 502 | 503 | 504) => {
            let asked = headers.get(header::RETRY_AFTER);
            assert!(after.is_none() || asked.is_some(), "patience that nobody asked for");
            // Around it may be spaces and tabs, and nothing else that looks like them.
            let seconds = asked.and_then(|value| from_utf8(value.as_bytes()).ok()?.trim_matches([' ', '\t']).parse::<u32>().ok());
            assert!(seconds.is_none_or(|seconds| after == Some(Duration::from_secs(u64::from(seconds)))), "{after:?} for {seconds:?}");
        }
        (Answer::Taken { rejected }, 200..300) => {
            assert!(rejected == 0 || !body.is_empty(), "an empty answer rejects nothing");
            compressed_is_the_same(signal, status, &headers, &body);
        }
        (Answer::Final(_), 200..300) => compressed_is_the_same(signal, status, &headers, &body),
        (Answer::Final(_), _) => assert!(found.message.is_none()),
        other => panic!("{other:?}"),
    }
}

fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = data.windows(2).position(|pair| pair == b"\n\n")?;
    Some((&data[..=at], &data[at + 2..]))
}

fn first_line(line: &str) -> Option<(Signal, StatusCode)> {
    let (signal, status) = line.split_once(' ')?;
    let signal = Signal::ALL.into_iter().find(|known| known.name() == signal)?;
    Some((signal, StatusCode::from_u16(status.parse().ok()?).ok()?))
}

/// An answer says the same with gzip around it.
fn compressed_is_the_same(signal: Signal, status: StatusCode, headers: &HeaderMap, body: &Bytes) {
    let plain = headers.get(header::CONTENT_ENCODING).is_none_or(|encoding| encoding.is_empty());
    if !plain || body.is_empty() {
        return;
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).expect("memory takes all");
    let zipped = Bytes::from(encoder.finish().expect("memory takes all"));
    let mut around = headers.clone();
    around.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let answers = [(headers, body.clone()), (&around, zipped)].map(|(headers, body)| judged(signal, status, headers, body, UNIX_EPOCH));
    assert_eq!(answers[0], answers[1], "compressed it says something else");
}
