//! The console, as far as the benchmark saves a setting.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::super::process::local;
use super::gateway::{EMAIL, PASSWORD};

pub struct Console {
    port: u16,
    cookie: String,
}

impl Console {
    pub fn sign_in(port: u16) -> Result<Self> {
        let console = Self { port, cookie: String::new() };
        let head = console.post("/api/account/sign-in", &[("email", EMAIL), ("password", PASSWORD), ("next", "")])?;
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie:").or_else(|| line.strip_prefix("Set-Cookie:")));
        let cookie = cookie.and_then(|line| line.split(';').next()).context("nobody is signed in")?.trim().to_owned();
        Ok(Self { port, cookie })
    }

    /// Saves a workspace's endpoint; `generation` is how often it was saved before.
    pub fn save(&self, workspace: usize, endpoint: &str, generation: u32) -> Result<()> {
        let (workspace, generation) = (format!("w{workspace}"), generation.to_string());
        let fields = [
            ("workspace", workspace.as_str()),
            ("form[endpoint]", endpoint),
            ("form[logs]", "on"),
            ("form[metrics]", "on"),
            ("form[generation]", &generation),
        ];
        self.post("/api/integrations/save-export", &fields).map(drop)
    }

    /// The answer's head; anything but success is an error.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<String> {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let (port, cookie, body) = (self.port, &self.cookie, body.join("&"));
        let mut stream = TcpStream::connect(local(port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nAccept: application/json\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        if !status.is_some_and(|status| (200..400).contains(&status)) {
            bail!("{path}: {text}");
        }
        Ok(text)
    }
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}
