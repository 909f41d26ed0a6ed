//! A collector that others wrote: rotel, which prints every item that it takes.
//!
//! `cargo xtask test` installs it and names its program in `KNOXCALL_ROTEL`.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// A rotel that prints what it takes; it ends when it is dropped.
pub struct Rotel {
    pub endpoint: String,
    printed: watch::Receiver<String>,
    _child: Child,
}

impl Rotel {
    pub async fn start() -> Self {
        let program = std::env::var("KNOXCALL_ROTEL")
            .expect("KNOXCALL_ROTEL does not name rotel's program: run `cargo xtask test`, which installs it");
        let (grpc, http) = (free_port(), free_port());
        let mut child = Command::new(program)
            .args(["start", "--exporter", "blackhole", "--debug-log-verbosity", "detailed"])
            .args(["--debug-log", "traces", "--debug-log", "logs", "--debug-log", "metrics"])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let text = watch::Sender::new(String::new());
        let printed = text.subscribe();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        tokio::spawn(copy(out, text.clone()));
        tokio::spawn(copy(err, text));
        let rotel = Self { endpoint: format!("http://127.0.0.1:{http}"), printed, _child: child };
        let listening = tokio::time::timeout(Duration::from_secs(20), async {
            while tokio::net::TcpStream::connect(("127.0.0.1", http)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(listening.await.is_ok(), "rotel does not listen:\n{}", rotel.text());
        rotel
    }

    pub fn text(&self) -> String {
        self.printed.borrow().clone()
    }

    pub async fn wait_for(&mut self, expected: impl Fn(&str) -> bool) -> String {
        let printed = tokio::time::timeout(Duration::from_secs(20), self.printed.wait_for(|text| expected(text)));
        if let Ok(Ok(text)) = printed.await {
            return text.clone();
        }
        panic!("rotel did not print what was expected, but:\n{}", self.text());
    }
}

async fn copy(from: impl tokio::io::AsyncRead + Unpin, to: watch::Sender<String>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        to.send_modify(|text| {
            text.push_str(&line);
            text.push('\n');
        });
    }
}

/// One that was free a moment ago; rotel takes no port 0.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What rotel printed of one signal; they come in any order.
pub fn section<'a>(text: &'a str, start: &str) -> &'a str {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start} in:\n{text}"));
    let body = &text[from + start.len()..];
    let end = ["ResourceSpans #0", "ResourceLog #0", "ResourceMetrics #0"].iter().filter_map(|other| body.find(other)).min();
    &body[..end.unwrap_or(body.len())]
}

pub fn holds(text: &str, wanted: &[&str]) {
    for line in wanted {
        assert!(text.contains(line), "rotel did not print {line:?} in:\n{text}");
    }
}
