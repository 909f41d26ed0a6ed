//! What can go wrong at a collector, how it looks on the wire, and what a client has to make of it.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message as _;

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault: 200.
    None,
    /// 200, a byte at a time, but soon done.
    Slow,
    /// 200, and the first half of the records is rejected.
    Partial,
    /// A status that is final.
    Refuse(u16),
    /// A 307 to where nobody may go.
    Redirect,
    /// 200 with a body that is no answer.
    Garbage,
    /// 200 with a few kilobytes that are many megabytes.
    Bomb,
    /// 200 with 5 MiB.
    Large,
    /// A status that asks to come again, and when.
    Throttle(u16, Patience),
    /// Never answers.
    Hang { kept: bool },
    /// Resets the connection.
    Reset { kept: bool },
    /// 200, and breaks off within the answer.
    Cut,
    /// Keeps the records and answers too slowly for anybody: not even its head is ever whole.
    Crawl,
    /// Answers something that is not HTTP.
    Noise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    Unsaid,
    Seconds(u32),
    /// A date so many seconds ahead.
    Date(u32),
}

/// What follows for the records of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Kept, and the client is told.
    Taken,
    /// The first half is lost for good, the others are kept, and the client is told.
    Halved,
    /// Lost for good, and the client is told.
    Refused,
    /// Not kept; the client knows that it may try again.
    Again,
    /// The client can't know: it will try again, and what was kept may come twice.
    Unanswered { kept: bool },
}

impl Fault {
    pub const ALL: [Self; 24] = [
        Self::Slow,
        Self::Partial,
        Self::Refuse(400),
        Self::Refuse(401),
        Self::Refuse(413),
        Self::Redirect,
        Self::Garbage,
        Self::Bomb,
        Self::Large,
        Self::Throttle(429, Patience::Unsaid),
        Self::Throttle(429, Patience::Seconds(0)),
        Self::Throttle(429, Patience::Seconds(1)),
        Self::Throttle(502, Patience::Unsaid),
        Self::Throttle(503, Patience::Date(0)),
        Self::Throttle(503, Patience::Date(1)),
        Self::Throttle(504, Patience::Seconds(0)),
        Self::Hang { kept: false },
        Self::Hang { kept: true },
        Self::Reset { kept: false },
        Self::Reset { kept: true },
        Self::Cut,
        Self::Crawl,
        Self::Noise,
        Self::None,
    ];

    pub const fn outcome(self) -> Outcome {
        match self {
            Self::None | Self::Slow | Self::Cut => Outcome::Taken,
            Self::Partial => Outcome::Halved,
            Self::Refuse(_) | Self::Redirect | Self::Garbage | Self::Bomb | Self::Large => Outcome::Refused,
            Self::Throttle(..) => Outcome::Again,
            Self::Hang { kept } | Self::Reset { kept } => Outcome::Unanswered { kept },
            Self::Crawl => Outcome::Unanswered { kept: true },
            Self::Noise => Outcome::Unanswered { kept: false },
        }
    }

    /// The answer's bytes for a request of so many records; none where there is no whole answer.
    pub fn answer(self, records: usize) -> Vec<u8> {
        let protobuf = "content-type: application/x-protobuf\r\n";
        match self {
            Self::None | Self::Slow => http("200 OK", protobuf, b""),
            Self::Partial => http("200 OK", protobuf, &partial(records.div_ceil(2))),
            Self::Refuse(status) => http(&format!("{status} No"), "", b"no"),
            Self::Redirect => http("307 Elsewhere", "location: http://127.0.0.1:1/\r\n", b""),
            Self::Garbage => http("200 OK", protobuf, &[0xff; 64]),
            Self::Bomb => http("200 OK", "content-type: application/x-protobuf\r\ncontent-encoding: gzip\r\n", &bomb()),
            Self::Large => http("200 OK", protobuf, &vec![0; 5 * 1024 * 1024]),
            Self::Throttle(status, patience) => {
                let header = match patience {
                    Patience::Unsaid => String::new(),
                    Patience::Seconds(seconds) => format!("retry-after: {seconds}\r\n"),
                    Patience::Date(seconds) => {
                        let date = SystemTime::now() + Duration::from_secs(u64::from(seconds));
                        format!("retry-after: {}\r\n", httpdate::fmt_http_date(date))
                    }
                };
                http(&format!("{status} Later"), &header, b"")
            }
            Self::Cut => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it".to_vec(),
            Self::Crawl => b"HTTP/1.1 200 OK\r\nx-endless: ".to_vec(),
            Self::Noise => b"220 mail.example.test ESMTP\r\n".to_vec(),
            Self::Hang { .. } | Self::Reset { .. } => Vec::new(),
        }
    }
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// The message has the same shape for every signal.
fn partial(rejected: usize) -> Vec<u8> {
    let rejected_log_records = i64::try_from(rejected).unwrap();
    let partial_success = Some(ExportLogsPartialSuccess { rejected_log_records, error_message: "half is enough".to_owned() });
    ExportLogsServiceResponse { partial_success }.encode_to_vec()
}

fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; 16 * 1024 * 1024]).unwrap();
    encoder.finish().unwrap()
}

/// How a collector behaves for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Takes everything.
    Calm,
    /// Half of the requests go well, the others get one fault or another.
    Mixed(u64),
    /// As [`Mood::Mixed`], but without faults that cost a client its whole timeout.
    Brisk(u64),
    /// One fault for all.
    Only(Fault),
}

pub struct Dice {
    mood: Mood,
    rng: Rng,
}

impl Dice {
    pub fn new(mood: Mood) -> Self {
        let seed = if let Mood::Mixed(seed) | Mood::Brisk(seed) = mood { seed } else { 0 };
        Self { mood, rng: Rng(seed) }
    }

    pub fn roll(&mut self) -> Fault {
        match self.mood {
            Mood::Calm => Fault::None,
            Mood::Only(fault) => fault,
            Mood::Mixed(_) | Mood::Brisk(_) if self.rng.below(2) == 0 => Fault::None,
            Mood::Mixed(_) => Fault::ALL[self.rng.below(Fault::ALL.len())],
            Mood::Brisk(_) => loop {
                let fault = Fault::ALL[self.rng.below(Fault::ALL.len())];
                if !matches!(fault, Fault::Hang { .. } | Fault::Crawl) {
                    return fault;
                }
            },
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere, so that a seed says everything.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}
