//! Starts the binary on free ports and knows how it ended.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::network::LOOPBACK;

const PATIENCE: Duration = Duration::from_secs(60);

/// How to start it.
#[derive(Default)]
pub struct Setup<'a> {
    pub bootstrap: Option<&'a str>,
    pub env: &'a [(&'a str, &'a str)],
    pub flags: &'a [&'a str],
    /// Workspaces reach the public internet alone, as they do without `--allow-egress`.
    pub guarded: bool,
}

/// A running `knoxcall`; killed when dropped.
pub struct Process {
    child: Child,
    pub console: String,
    pub gateway: String,
    output: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it and waits until it says where it listens.
    pub fn start(data: &Path, setup: &Setup<'_>) -> Self {
        Self::try_start(data, setup).unwrap_or_else(|(status, output)| panic!("it ended with {status}:\n{output}"))
    }

    /// # Errors
    /// How it ended, and what it said.
    pub fn try_start(data: &Path, setup: &Setup<'_>) -> Result<Self, (ExitStatus, String)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_knoxcall"));
        for (name, _) in std::env::vars().filter(|(name, _)| ["OTEL_", "SENTRY_", "KNOXCALL_"].iter().any(|ours| name.starts_with(ours))) {
            command.env_remove(name);
        }
        command.args(["serve", "--console-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0", "--data-dir"]).arg(data);
        if !setup.guarded {
            command.args(["--allow-egress", LOOPBACK]);
        }
        if let Some(text) = setup.bootstrap {
            let file = data.with_extension("toml");
            std::fs::write(&file, text).unwrap();
            command.arg("--bootstrap").arg(file);
        }
        command.args(setup.flags).envs(setup.env.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let output = Arc::new(Mutex::new(String::new()));
        let (lines, said) = mpsc::channel();
        let kept = Arc::clone(&output);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut text = kept.lock().unwrap();
                text.push_str(&line);
                text.push('\n');
                drop(text);
                let _ = lines.send(line);
            }
        });
        let (mut console, mut gateway) = (None, None);
        while console.is_none() || gateway.is_none() {
            match said.recv_timeout(PATIENCE) {
                Ok(line) => {
                    console = console.or_else(|| line.strip_prefix("Console  ").map(str::to_owned));
                    gateway = gateway.or_else(|| line.strip_prefix("Gateway  ").map(str::to_owned));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let status = child.wait().unwrap();
                    let text = output.lock().unwrap().clone();
                    return Err((status, text));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it did not say where it listens:\n{}", output.lock().unwrap()),
            }
        }
        Ok(Self { child, console: console.unwrap(), gateway: gateway.unwrap(), output })
    }

    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, such as `TERM` or `KILL`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let text = self.output();
                assert!(!text.contains("panicked at"), "{text}");
                return (status, text);
            }
            assert!(Instant::now() < deadline, "it did not end:\n{}", self.output());
            std::thread::yield_now();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
