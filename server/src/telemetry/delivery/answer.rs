//! What a collector's answer means (OTLP 1.11, "OTLP/HTTP Response"): taken, to be tried again, or final.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde::Deserialize;
use tokio::time::timeout;

use crate::outbound::retry_after;
use crate::values::{FailureKind, Signal};

/// The largest answer that is read, after decompression (OTLP 1.11, "Maximum Message Size").
const MAX_RESPONSE: usize = 4 * 1024 * 1024;

/// A page instead of an answer: the endpoint is some web site, and nothing was taken.
const WEB_PAGE: &str = "text/html";

/// Characters of a collector's message that are kept.
const LONGEST_MESSAGE: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The collector has the request; `rejected` items of it are lost and must not be sent again.
    Taken {
        rejected: u64,
    },
    Retry {
        kind: FailureKind,
        after: Option<Duration>,
    },
    Final(FailureKind),
}

/// An answer, with what may be told of it besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub answer: Answer,
    /// `None` when there was no response.
    pub status: Option<u16>,
    /// The collector's own words, as they came; the transport's where there was no response.
    pub message: Option<String>,
    /// The request was taken, but the answer broke off: whether anything in it was rejected is not known.
    pub cut: bool,
}

/// Reads and judges a response, whose body may take so long.
pub async fn judge(signal: Signal, response: Response<Incoming>, patience: Duration) -> Judged {
    let (parts, body) = response.into_parts();
    if !parts.status.is_success() {
        return judged(signal, parts.status, &parts.headers, Bytes::new(), SystemTime::now());
    }
    let without = |answer, cut| Judged { answer, status: Some(parts.status.as_u16()), message: None, cut };
    match timeout(patience, read(body)).await {
        Ok(Ok(Some(body))) => judged(signal, parts.status, &parts.headers, body, SystemTime::now()),
        Ok(Ok(None)) => without(Answer::Final(FailureKind::BadAnswer), false),
        _ if media_type(&parts.headers) == WEB_PAGE => without(Answer::Final(FailureKind::BadAnswer), false),
        // The status says that the collector has the request: sent again it would have it twice.
        _ => without(Answer::Taken { rejected: 0 }, true),
    }
}

/// Judges an answer that is there, no longer than one may be; only that of a success has to have its body. Pure.
#[must_use]
pub fn judged(signal: Signal, status: StatusCode, headers: &HeaderMap, body: Bytes, now: SystemTime) -> Judged {
    let (answer, message) = if status.is_success() { success(signal, headers, body) } else { (failure(status, headers, now), None) };
    Judged { answer, status: Some(status.as_u16()), message, cut: false }
}

fn failure(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Answer {
    let number = status.as_u16();
    match number {
        429 | 502 | 503 | 504 => Answer::Retry {
            kind: FailureKind::Status { status: number },
            after: headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| retry_after(text, now)),
        },
        300..=399 => Answer::Final(FailureKind::Redirect { status: number }),
        _ => Answer::Final(FailureKind::Status { status: number }),
    }
}

/// The body, or `None` when it is larger than it may be.
async fn read(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut out = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if out.len() + data.len() > MAX_RESPONSE {
                return Ok(None);
            }
            out.extend_from_slice(&data);
        }
    }
    Ok(Some(out.freeze()))
}

fn text(headers: &HeaderMap, name: HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

fn media_type(headers: &HeaderMap) -> String {
    text(headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_owned()
}

fn success(signal: Signal, headers: &HeaderMap, body: Bytes) -> (Answer, Option<String>) {
    let bad = (Answer::Final(FailureKind::BadAnswer), None);
    let nothing = (Answer::Taken { rejected: 0 }, None);
    // Whatever its head says of an encoding.
    if body.is_empty() {
        return nothing;
    }
    let body = match &*text(headers, header::CONTENT_ENCODING) {
        "" | "identity" => Some(body),
        "gzip" => gunzip(&body),
        _ => None,
    };
    let Some(body) = body else { return bad };
    if body.is_empty() {
        return nothing;
    }
    let partial = match &*media_type(headers) {
        "" | "application/x-protobuf" | "application/protobuf" => in_protobuf(signal, body),
        "application/json" => Some(in_json(&body)),
        WEB_PAGE => None,
        _ => Some(Partial::default()),
    };
    partial.map_or(bad, |partial| (Answer::Taken { rejected: partial.rejected }, partial.message.filter(|text| !text.is_empty()).map(cut)))
}

/// Somebody else's words, as far as anybody reads them.
fn cut(mut message: String) -> String {
    let end = message.char_indices().nth(LONGEST_MESSAGE).map_or(message.len(), |(at, _)| at);
    message.truncate(end);
    message.shrink_to_fit();
    message
}

/// What a `partial_success` says.
#[derive(Default)]
struct Partial {
    rejected: u64,
    message: Option<String>,
}

fn gunzip(body: &[u8]) -> Option<Bytes> {
    let mut out = Vec::new();
    let limit = MAX_RESPONSE as u64 + 1;
    flate2::read::MultiGzDecoder::new(body.reader()).take(limit).read_to_end(&mut out).ok()?;
    (out.len() <= MAX_RESPONSE).then(|| out.into())
}

fn in_protobuf(signal: Signal, body: Bytes) -> Option<Partial> {
    let partial = match signal {
        Signal::Traces => ExportTraceServiceResponse::decode(body).ok()?.partial_success.map(|p| (p.rejected_spans, p.error_message)),
        Signal::Logs => ExportLogsServiceResponse::decode(body).ok()?.partial_success.map(|p| (p.rejected_log_records, p.error_message)),
        Signal::Metrics => {
            ExportMetricsServiceResponse::decode(body).ok()?.partial_success.map(|p| (p.rejected_data_points, p.error_message))
        }
    };
    Some(partial.map_or_else(Partial::default, |(rejected, message)| Partial {
        rejected: u64::try_from(rejected).unwrap_or(0),
        message: Some(message),
    }))
}

/// Some collectors answer in JSON whatever they were sent. 64-bit numbers are strings there. Nothing is kept of it but these
/// members: an answer is somebody else's, and as a tree it may take a hundred times its length.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct InJson {
    partial_success: Option<PartialInJson>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialInJson {
    #[serde(alias = "rejectedLogRecords", alias = "rejectedDataPoints")]
    rejected_spans: Option<Count>,
    error_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u64),
    Text(String),
}

fn in_json(body: &[u8]) -> Partial {
    let Some(partial) = serde_json::from_slice::<InJson>(body).ok().and_then(|answer| answer.partial_success) else {
        return Partial::default();
    };
    let rejected = match partial.rejected_spans {
        Some(Count::Number(number)) => number,
        Some(Count::Text(text)) => text.parse().unwrap_or(0),
        None => 0,
    };
    Partial { rejected, message: partial.error_message }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsPartialSuccess;

    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_four_statuses_are_tried_again() {
        for status in 300..600u16 {
            let answer = failure(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), SystemTime::now());
            let expected = match status {
                429 | 502 | 503 | 504 => Answer::Retry { kind: FailureKind::Status { status }, after: None },
                300..400 => Answer::Final(FailureKind::Redirect { status }),
                _ => Answer::Final(FailureKind::Status { status }),
            };
            assert_eq!(answer, expected);
        }
        let throttled = headers(&[(header::RETRY_AFTER, "9")]);
        assert_eq!(
            failure(StatusCode::TOO_MANY_REQUESTS, &throttled, SystemTime::now()),
            Answer::Retry { kind: FailureKind::Status { status: 429 }, after: Some(Duration::from_secs(9)) }
        );
    }

    #[test]
    fn a_partial_success_tells_what_was_rejected() {
        let partial = ExportLogsServiceResponse {
            partial_success: Some(ExportLogsPartialSuccess { rejected_log_records: 3, error_message: "no".to_owned() }),
        };
        let bytes = Bytes::from(partial.encode_to_vec());
        let protobuf = headers(&[(header::CONTENT_TYPE, "application/x-protobuf")]);
        assert_eq!(success(Signal::Logs, &protobuf, bytes), (Answer::Taken { rejected: 3 }, Some("no".to_owned())));
        let json = headers(&[(header::CONTENT_TYPE, "application/json; charset=utf-8")]);
        let text = Bytes::from_static(br#"{"partialSuccess":{"rejectedLogRecords":"4"}}"#);
        assert_eq!(success(Signal::Logs, &json, text), (Answer::Taken { rejected: 4 }, None));
        let text = Bytes::from_static(br#"{"x":[{"":0}],"partialSuccess":{"y":{},"errorMessage":"no","rejectedDataPoints":5}}"#);
        assert_eq!(success(Signal::Metrics, &json, text), (Answer::Taken { rejected: 5 }, Some("no".to_owned())));
        for text in ["{}", r#"{"partialSuccess":null}"#, r#"{"partialSuccess":{"rejectedSpans":-1}}"#, r#"[{"":0}]"#, "no JSON"] {
            assert_eq!(success(Signal::Logs, &json, Bytes::from_static(text.as_bytes())), (Answer::Taken { rejected: 0 }, None), "{text}");
        }
        let gzip = headers(&[(header::CONTENT_ENCODING, "gzip")]);
        for headers in [&protobuf, &gzip] {
            assert_eq!(success(Signal::Logs, headers, Bytes::new()), (Answer::Taken { rejected: 0 }, None));
        }
    }

    #[test]
    fn a_message_is_kept_only_as_far_as_it_is_read() {
        assert_eq!(cut("é".repeat(5000)), "é".repeat(LONGEST_MESSAGE));
        assert_eq!(cut("short".to_owned()), "short");
    }

    #[test]
    fn what_is_no_answer_of_a_collector_is_final() {
        let bad = (Answer::Final(FailureKind::BadAnswer), None);
        let html = headers(&[(header::CONTENT_TYPE, "text/html")]);
        assert_eq!(success(Signal::Traces, &html, Bytes::from_static(b"<html>")), bad);
        let protobuf = headers(&[(header::CONTENT_TYPE, "application/x-protobuf")]);
        assert_eq!(success(Signal::Traces, &protobuf, Bytes::from_static(&[0xff; 8])), bad);
        let unknown = headers(&[(header::CONTENT_ENCODING, "br")]);
        assert_eq!(success(Signal::Traces, &unknown, Bytes::from_static(b"x")), bad);
    }

    #[test]
    fn a_compressed_answer_is_read_to_the_same_limit() {
        let squeeze = |size: usize| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            std::io::Write::write_all(&mut encoder, &vec![0; size]).unwrap();
            Bytes::from(encoder.finish().unwrap())
        };
        assert_eq!(gunzip(&squeeze(MAX_RESPONSE)).map(|b| b.len()), Some(MAX_RESPONSE));
        assert_eq!(gunzip(&squeeze(MAX_RESPONSE + 1)), None);
    }
}
