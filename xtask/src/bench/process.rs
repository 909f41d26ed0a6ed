//! Programs that run beside the benchmark, and what the kernel says they cost. Nothing outlives the benchmark: each is killed
//! when its guard goes, and by the kernel when this process dies otherwise.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const START: Duration = Duration::from_secs(30);
/// What `/proc` counts in: a hundredth of a second on every Linux that Rust's standard library runs on.
const MICROS_PER_TICK: u64 = 10_000;

/// A running program; killed when dropped.
pub struct Running {
    name: &'static str,
    child: Child,
}

impl Running {
    /// Starts it with its output in a file of the folder. `setpriv` has the kernel kill it when this thread ends.
    pub fn start(name: &'static str, program: &Path, args: &[&str], env: &[(&str, &str)], folder: &Path) -> Result<Self> {
        let output = File::create(folder.join(format!("{name}.log")))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).args(args).current_dir(folder);
        for (set, _) in std::env::vars().filter(|(set, _)| ["OTEL_", "SENTRY_", "KNOXCALL_"].iter().any(|ours| set.starts_with(ours))) {
            command.env_remove(set);
        }
        command.envs(env.iter().copied()).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("can't start {name} (setpriv is Debian's util-linux)"))?;
        Ok(Self { name, child })
    }

    /// Waits until a request of the benchmark is answered with 200.
    pub fn answers(&mut self, port: u16, path: &str) -> Result<()> {
        self.until("answer 200", || status_of(port, path).is_ok_and(|status| status == 200))
    }

    /// Waits until it takes connections.
    pub fn listens(&mut self, port: u16) -> Result<()> {
        self.until("listen", || TcpStream::connect_timeout(&local(port), Duration::from_millis(500)).is_ok())
    }

    fn until(&mut self, what: &str, holds: impl Fn() -> bool) -> Result<()> {
        let until = Instant::now() + START;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}; its output is in target/bench/{}.log", self.name, self.name);
            }
            if holds() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("{} does not {what} within {START:?}; its output is in target/bench/{}.log", self.name, self.name)
    }

    /// Processor time of all its threads since its start, in microseconds.
    pub fn cpu_micros(&self) -> Result<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name is in brackets and may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok());
        let (Some(user), Some(system)) = (ticks(11), ticks(12)) else { bail!("/proc/{}/stat is not as expected", self.child.id()) };
        Ok((user + system) * MICROS_PER_TICK)
    }

    /// Waits until it has nothing left to do, for at most two seconds: what a request leaves behind is its cost too.
    pub fn settle(&self) -> Result<()> {
        let mut before = self.cpu_micros()?;
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(200));
            let now = self.cpu_micros()?;
            if now <= before + MICROS_PER_TICK {
                break;
            }
            before = now;
        }
        Ok(())
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> Result<u64> {
        Ok(self.status("VmRSS:")? * 1024)
    }

    pub fn threads(&self) -> Result<u64> {
        self.status("Threads:")
    }

    /// A number of `/proc`, as it stands there.
    fn status(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name} in /proc"))?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback interface that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

pub const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

fn status_of(port: u16, path: &str) -> Result<u16> {
    let mut stream = TcpStream::connect_timeout(&local(port), Duration::from_millis(500))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(super::load::request(port, path, "close").as_bytes())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(String::from_utf8_lossy(&head[9..]).parse()?)
}
