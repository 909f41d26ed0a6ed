//! Requests through the gateway, each with a path of its own, so that its record is known again; and the server behind it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::super::load;
use super::super::process::local;
use super::gateway::key;

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub number: u64,
    pub sent: Instant,
    pub micros: u64,
}

pub fn request(port: u16, workspace: usize, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nx-knoxcall-key: {}\r\nx-knoxcall-route: r\r\n\r\n", key(workspace))
}

/// One request, and the answer's status.
pub fn once(port: u16, request: &str) -> Result<u16> {
    let mut stream = TcpStream::connect_timeout(&local(port), Duration::from_millis(500))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no answer")
}

/// So many requests a second for so long, on so many connections, numbered from `first`; `workspace` says whose each is. A late
/// answer delays no other request than those of its own connection.
pub fn steady(port: u16, first: u64, rate: u32, time: Duration, connections: u32, workspace: fn(u64) -> usize) -> Result<Vec<Call>> {
    let total = u64::from(rate) * time.as_secs();
    let began = Instant::now();
    let threads: Vec<_> = (0..u64::from(connections))
        .map(|own| {
            std::thread::spawn(move || -> Result<Vec<Call>> {
                let mut stream = TcpStream::connect(local(port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(Duration::from_secs(30)))?;
                let (mut out, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
                for number in (own..total).step_by(connections as usize) {
                    let due = began + Duration::from_micros(number * 1_000_000 / u64::from(rate));
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let number = first + number;
                    let sent = Instant::now();
                    stream.write_all(request(port, workspace(number), &format!("/r/{number}.")).as_bytes())?;
                    load::answer(&mut stream, &mut buffer)?;
                    out.push(Call { number, sent, micros: u64::try_from(sent.elapsed().as_micros())? });
                }
                Ok(out)
            })
        })
        .collect();
    let mut out = Vec::new();
    for thread in threads {
        match thread.join() {
            Ok(calls) => out.append(&mut calls?),
            Err(_) => bail!("a client of the benchmark panicked"),
        }
    }
    Ok(out)
}

/// Answers everything with 1 KB.
pub fn upstream() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

fn serve(stream: TcpStream) -> Option<()> {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n{}", "x".repeat(1024));
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        (reader.read_line(&mut line).ok()? > 0).then_some(())?;
        if line == "\r\n" {
            writer.write_all(answer.as_bytes()).ok()?;
        }
    }
}
