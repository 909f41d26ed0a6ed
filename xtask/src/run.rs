//! Running commands and saying so.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;

/// How often a bounded command is looked after.
const LOOK: Duration = Duration::from_millis(100);

pub fn say(text: &str) {
    eprintln!("   {text}");
}

/// Announces a step, runs it, and says how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("── {what}");
    let started = Instant::now();
    let out = work().with_context(|| format!("step failed: {what}"))?;
    eprintln!("   done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(out)
}

#[expect(clippy::cast_precision_loss, reason = "for display")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A command in a folder. Prints itself when it fails.
pub struct Cmd {
    inner: Command,
}

impl Cmd {
    pub fn new(program: impl AsRef<OsStr>, folder: &Path) -> Self {
        let mut inner = Command::new(program);
        inner.current_dir(folder);
        Self { inner }
    }

    pub fn cargo(workspace: &Workspace) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(cargo, &workspace.root)
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.inner.arg(arg);
        self
    }

    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.inner.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(name, value);
        self
    }

    pub fn run(mut self) -> Result<()> {
        let status = self.inner.status().with_context(|| format!("can't start {:?}", self.inner.get_program()))?;
        if !status.success() {
            bail!("{status}: {:?}", self.inner);
        }
        Ok(())
    }

    /// As [`Cmd::run`], but ends it, with everything that it started, when it takes longer than anything that does not hang.
    pub fn run_within(mut self, longest: Duration) -> Result<()> {
        let started = Instant::now();
        let mut child = self.inner.spawn().with_context(|| format!("can't start {:?}", self.inner.get_program()))?;
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "{status}: {:?}", self.inner);
                return Ok(());
            }
            if started.elapsed() > longest {
                signal("KILL", &descendants(child.id()));
                child.wait()?;
                bail!("ended after {} min, as if it hung: {:?}; what it printed last says where", longest.as_secs() / 60, self.inner);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Whether it ran and succeeded; its output is swallowed.
    pub fn succeeds(mut self) -> bool {
        self.inner.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    pub fn output(mut self) -> Result<String> {
        let output = self.inner.stderr(Stdio::inherit()).output().with_context(|| format!("can't start {:?}", self.inner.get_program()))?;
        if !output.status.success() {
            bail!("{}: {:?}", output.status, self.inner);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn signal(name: &str, processes: &[u32]) {
    Cmd::new("kill", Path::new("/")).arg(format!("-{name}")).args(processes.iter().map(u32::to_string)).succeeds();
}

/// A process and all that it started, as far as that still runs. They are stopped, so that they start no more.
fn descendants(process: u32) -> Vec<u32> {
    signal("STOP", &[process]);
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let mut all = vec![process];
    all.extend(children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(descendants));
    all
}

/// The first of these programs that is on PATH.
pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file()))
}

/// Whether `apt-get install` can be tried.
pub fn is_debian_root() -> bool {
    on_path(&["apt-get"]).is_some() && Cmd::new("sh", Path::new("/")).args(["-c", "test \"$(id -u)\" = 0"]).succeeds()
}

pub fn apt_install(packages: &[&str]) -> Result<()> {
    Cmd::new("apt-get", Path::new("/")).args(["update", "-qq"]).run()?;
    Cmd::new("apt-get", Path::new("/"))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages)
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Cmd {
        Cmd::new("sh", Path::new("/")).args(["-c", script])
    }

    #[test]
    fn what_hangs_is_ended_with_everything_it_started() {
        shell("exit 0").run_within(Duration::from_secs(60)).unwrap();
        assert!(shell("exit 3").run_within(Duration::from_secs(60)).is_err());
        // A name that no other process has.
        let name = format!("6{}.5", std::process::id());
        let hung = shell(&format!("sleep {name} & sleep {name}; true")).run_within(Duration::from_millis(300));
        assert!(hung.unwrap_err().to_string().contains("as if it hung"));
        assert!(!Cmd::new("pgrep", Path::new("/")).args(["-f", &format!("sleep {name}")]).succeeds(), "it still runs");
    }
}
