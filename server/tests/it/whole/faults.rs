//! Faults of the disk as the kernel makes them, during an outage of the collector: no room left, read-only, no file descriptors
//! left. Each is told on the card and survived by traffic, and what waits goes to the disk and to the collector once it is over,
//! without a restart.
//!
//! A file system of its own needs namespaces that anybody may make (`unshare -rm`); where the kernel refuses them these tests
//! check nothing, and `cargo xtask test` says so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use app::contract::{ApiError, DiskProblem, ExportStatus};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{KEY, Process, Setup, reached};
use crate::support::collector::{Collector, Reply, attributes};
use crate::support::upstream::{Upstream, until};

const PASSWORD: &str = "correct horse battery staple";
const PATIENCE: Duration = Duration::from_secs(60);
const LOGS: &str = "/v1/logs";

/// One connection that is never made anew: without descriptors the server could not accept another.
struct Wire {
    base: String,
    sender: SendRequest<Full<Bytes>>,
    cookie: Option<String>,
}

impl Wire {
    async fn to(base: &str) -> Self {
        let stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { base: base.to_owned(), sender, cookie: None }
    }

    async fn send(&mut self, request: http::request::Builder, body: String) -> (StatusCode, HeaderMap, Bytes) {
        self.sender.ready().await.unwrap();
        let host = self.base.strip_prefix("http://").unwrap();
        let mut request = request.header(header::HOST, host);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = self.sender.send_request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
    }

    /// A request to the gateway's one route.
    async fn ask(&mut self, path: &str) -> StatusCode {
        let request = Request::get(path).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
        self.send(request, String::new()).await.0
    }

    /// A call of the console's.
    async fn call(&mut self, path: &str, fields: &str) -> (StatusCode, HeaderMap, Bytes) {
        let request = Request::post(path)
            .header(header::ORIGIN, self.base.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, fields.to_owned()).await
    }

    async fn sign_in(&mut self) {
        let fields = format!("email=op@example.test&password={PASSWORD}&next=").replace('@', "%40").replace(' ', "+");
        let (status, headers, body) = self.call("/api/account/sign-in", &fields).await;
        assert!(status.is_success(), "{body:?}");
        self.cookie = headers[header::SET_COOKIE].to_str().unwrap().split(';').next().map(str::to_owned);
    }

    async fn create_workspace(&mut self, slug: &str) -> StatusCode {
        self.call("/api/directory/create-workspace", &format!("slug={slug}&name={slug}")).await.0
    }
}

struct Rig {
    process: Process,
    collector: Collector,
    upstream: Upstream,
    gateway: Wire,
    console: Wire,
    data: PathBuf,
    asked: u64,
}

impl Rig {
    /// A gateway whose collector takes nothing.
    async fn start(data: &Path) -> Self {
        let (collector, upstream) = (Collector::start().await, Upstream::start().await);
        collector.always(LOGS, Reply::RetryAfter(503, "1".to_owned()));
        let bootstrap = format!(
            r#"
[operator]
email = "op@example.test"
password = "{PASSWORD}"
[otlp]
endpoint = "{}"
traces = false
logs = true
metrics = false
[[workspace]]
slug = "acme"
{}"#,
            collector.endpoint(),
            reached(&upstream.url())
        );
        let env = [("OTEL_BLRP_SCHEDULE_DELAY", "50")];
        let process = Process::start(data, &Setup { bootstrap: Some(&bootstrap), env: &env, ..Setup::default() });
        let (gateway, mut console) = (Wire::to(&process.gateway).await, Wire::to(&process.console).await);
        console.sign_in().await;
        Self { process, collector, upstream, gateway, console, data: data.to_owned(), asked: 0 }
    }

    /// Several at once, so that the gateway has connections to the upstream to spare, and then some on the one connection.
    async fn warm_up(&mut self) {
        let mut wires = Vec::new();
        for _ in 0..8 {
            wires.push(Wire::to(&self.process.gateway).await);
        }
        let first = self.asked;
        let asking = wires.iter_mut().zip(first..).map(async |(wire, n)| assert_eq!(wire.ask(&format!("/{n}")).await, 200));
        futures::future::join_all(asking).await;
        self.asked += 8;
        self.ask(10).await;
    }

    async fn ask(&mut self, count: u64) {
        for n in self.asked..self.asked + count {
            assert_eq!(self.gateway.ask(&format!("/{n}")).await, 200);
        }
        self.asked += count;
    }

    /// What the card says.
    async fn health(&mut self) -> ExportStatus {
        let (status, _, body) = self.console.call("/api/integrations/export-health", "workspace=").await;
        assert_eq!(status, 200, "{body:?}");
        let status: ExportStatus = serde_json::from_slice(&body).unwrap();
        let counts = &status.counts;
        let dropped: u64 = counts.dropped.iter().map(|(_, count)| count).sum();
        assert_eq!(counts.accepted, counts.delivered + counts.rejected + dropped + counts.queued, "{counts:?}");
        assert_eq!(dropped, 0, "{counts:?}");
        status
    }

    async fn until(&mut self, what: &str, holds: impl Fn(&ExportStatus, u64) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.health().await;
            if holds(&status, self.asked) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {:?} {:?}\n{}", status.counts, status.disk_problem, self.process.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until_on_disk(&mut self) {
        let all = |status: &ExportStatus, asked| status.disk_problem.is_none() && status.counts.on_disk == asked;
        self.until("all of it is on disk", all).await;
    }

    /// Until the card tells of the fault, while requests go on.
    async fn until_told(&mut self, problem: DiskProblem) {
        let deadline = Instant::now() + PATIENCE;
        while self.health().await.disk_problem != Some(problem) {
            assert!(Instant::now() < deadline, "the card says nothing:\n{}", self.process.output());
            self.ask(5).await;
        }
        self.ask(5).await;
        self.until("all of it is counted", |status, asked| status.counts.accepted == asked).await;
        assert!(self.process.output().contains("can't be kept on disk"), "{}", self.process.output());
    }

    /// The fault is over and nothing else happens: what waits goes to the disk, and then to the collector.
    async fn recovers(mut self) -> PathBuf {
        self.until_on_disk().await;
        self.collector.always(LOGS, Reply::Taken);
        self.until("all of it is delivered", |status, asked| status.counts.delivered == asked).await;
        let received = self.collector.received();
        let paths: Vec<String> = received.logs().iter().map(|log| attributes(&log.record.attributes)["url.path"].clone()).collect();
        let once: BTreeSet<&String> = paths.iter().collect();
        assert_eq!((paths.len() as u64, once.len() as u64), (self.asked, self.asked), "each once");
        assert_eq!(self.upstream.seen().len() as u64, self.asked);
        self.process.signal("TERM");
        let (status, output) = self.process.ended();
        assert!(status.success(), "{output}");
        assert_eq!(std::fs::read_dir(self.data.join("spool")).map_or(0, Iterator::count), 0, "nothing is left on disk");
        self.data
    }
}

/// Runs the ignored test of this name where it may mount file systems.
fn where_it_may_mount(test: &str) {
    let may = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/tmp"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED {test}: this kernel lets nobody make a mount namespace (unshare -rm), so no disk can be made full here");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .arg("-rm")
        .arg(program)
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads", "1"])
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn mount(options: &str, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(folder).output().unwrap();
    assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
}

fn remount(options: &str, folder: &Path) {
    let mounted = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(folder).output().unwrap();
    assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
}

/// Takes all the room there is but for so many bytes.
fn fill(folder: &Path, but: u64) -> PathBuf {
    use std::io::Write as _;
    let path = folder.join("ballast");
    let mut file = std::fs::File::create(&path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(but)).unwrap();
    path
}

#[test]
fn a_spool_without_room_is_told_of_and_survived() {
    where_it_may_mount("whole::faults::no_room");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a file system: run by a_spool_without_room_is_told_of_and_survived"]
async fn no_room() {
    let folder = tempfile::tempdir().unwrap();
    let (data, spool) = (folder.path().join("data"), folder.path().join("data/spool"));
    mount("size=256k", &spool);
    let mut rig = Rig::start(&data).await;
    rig.ask(10).await;
    rig.until_on_disk().await;
    let ballast = fill(&spool, 8192);
    rig.until_told(DiskProblem::Full).await;
    std::fs::remove_file(ballast).unwrap();
    rig.recovers().await;
}

#[test]
fn a_spool_that_may_only_be_read_is_told_of_and_survived() {
    where_it_may_mount("whole::faults::read_only");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a file system: run by a_spool_that_may_only_be_read_is_told_of_and_survived"]
async fn read_only() {
    let folder = tempfile::tempdir().unwrap();
    let (data, spool) = (folder.path().join("data"), folder.path().join("data/spool"));
    mount("size=4m", &spool);
    let mut rig = Rig::start(&data).await;
    rig.ask(10).await;
    rig.until_on_disk().await;
    remount("ro", &spool);
    rig.until_told(DiskProblem::ReadOnly).await;
    remount("rw", &spool);
    rig.recovers().await;
}

/// The settings and the audit log are on the disk that is full, too.
#[test]
fn a_disk_without_room_for_anything_is_told_of_and_survived() {
    where_it_may_mount("whole::faults::no_room_for_anything");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a file system: run by a_disk_without_room_for_anything_is_told_of_and_survived"]
async fn no_room_for_anything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    mount("size=64m", &data);
    let mut rig = Rig::start(&data).await;
    rig.ask(10).await;
    rig.until_on_disk().await;
    assert!(rig.console.create_workspace("before").await.is_success());
    let ballast = fill(&data, 0);
    rig.until_told(DiskProblem::Full).await;
    // As long as what it has taken for itself lasts, it may still save.
    let mut saved = vec!["before".to_owned()];
    let mut refused = false;
    for n in 0..20_000 {
        let slug = format!("during-{n}");
        match rig.console.create_workspace(&slug).await {
            status if status.is_success() => saved.push(slug),
            status => {
                assert!(status.is_server_error(), "{status}");
                refused = true;
                break;
            }
        }
    }
    assert!(refused, "a full disk takes no settings");
    // Whoever comes now may look, and is told why nothing can be saved.
    let mut guest = Wire::to(&rig.process.console).await;
    guest.sign_in().await;
    let (status, _, body) = guest.call("/api/overview/gateway", "").await;
    assert!(status.is_success() && String::from_utf8_lossy(&body).contains("is nearly full"), "{status} {body:?}");
    let (status, _, body) = guest.call("/api/directory/create-workspace", "slug=refused&name=refused").await;
    let Ok(ApiError::NoRoom { error_id }) = serde_json::from_slice(&body) else { panic!("{body:?}") };
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    until("the log has the error", || rig.process.output().contains(&error_id.to_string())).await;
    until("the log tells of it", || rig.process.output().contains("the audit log is not told")).await;
    assert!(guest.call("/api/account/sign-out", "").await.0.is_success());
    assert_eq!(guest.call("/api/overview/gateway", "").await.0, StatusCode::UNAUTHORIZED);
    rig.ask(10).await;
    std::fs::remove_file(ballast).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !rig.console.create_workspace("after").await.is_success() {
        assert!(Instant::now() < deadline, "nothing can be saved once there is room:\n{}", rig.process.output());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    saved.push("after".to_owned());
    let data = rig.recovers().await;
    let process = Process::start(&data, &Setup::default());
    let console = super::life::signed_in(&process).await;
    for slug in saved.iter().rev().take(20) {
        assert_eq!(console.get(format!("{}/w/{slug}", process.console)).send().await.unwrap().status(), 200, "{slug} was saved");
    }
}

/// Only the soft limit, so that it can be lifted again.
fn limit(process: &Process, resource: &str, soft: u32) {
    let limit = format!("--{resource}={soft}:");
    let set = Command::new("prlimit").args(["--pid", &process.id().to_string(), &limit]).output().unwrap();
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_descriptors_left_is_told_of_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::start(&folder.path().join("data")).await;
    rig.warm_up().await;
    rig.until_on_disk().await;
    // Whatever is open stays open, and nothing more can be.
    limit(&rig.process, "nofile", 3);
    rig.until_told(DiskProblem::NoFiles).await;
    let gateway = rig.process.gateway.clone();
    let late = tokio::spawn(async move { Wire::to(&gateway).await.ask("/late").await });
    limit(&rig.process, "nofile", 1024);
    assert_eq!(late.await.unwrap(), 200, "who came meanwhile is served");
    rig.asked += 1;
    rig.recovers().await;
}

/// There is room, and still every write fails, as on a disk that breaks.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_settings_is_told_of_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut rig = Rig::start(&data).await;
    assert!(rig.console.create_workspace("before").await.is_success());
    limit(&rig.process, "fsize", 1);
    for n in 0..3 {
        let (status, _, body) = rig.console.call("/api/directory/create-workspace", &format!("slug=during-{n}&name=during")).await;
        let Ok(ApiError::Disk { error_id }) = serde_json::from_slice(&body) else { panic!("{status} {body:?}") };
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        until("the log has the error", || rig.process.output().contains(&error_id.to_string())).await;
    }
    // Whoever comes now may look, and is told why nothing can be saved.
    let mut guest = Wire::to(&rig.process.console).await;
    guest.sign_in().await;
    let (status, _, body) = guest.call("/api/overview/gateway", "").await;
    assert!(status.is_success() && String::from_utf8_lossy(&body).contains("refuses or does not answer"), "{status} {body:?}");
    let gets = Request::get("/w/before");
    assert_eq!(guest.send(gets, String::new()).await.0, StatusCode::OK);
    rig.ask(10).await;
    rig.process.signal("TERM");
    let (status, output) = rig.process.ended();
    assert!(status.success(), "{output}");
    let process = Process::start(&data, &Setup::default());
    let console = super::life::signed_in(&process).await;
    assert_eq!(console.get(format!("{}/w/before", process.console)).send().await.unwrap().status(), 200);
    let mut wire = Wire::to(&process.console).await;
    wire.sign_in().await;
    assert!(wire.create_workspace("after").await.is_success());
}
