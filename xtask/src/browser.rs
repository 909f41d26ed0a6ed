//! Playwright in a real Chromium: the one on PATH, else Playwright's own, else Debian's package.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::exe;
use crate::peers;
use crate::run::{Cmd, apt_install, is_debian_root, on_path, say, step};
use crate::workspace::Workspace;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

pub fn test(workspace: &Workspace) -> Result<()> {
    let folder = workspace.ensure_npm("end2end")?;
    let chromium = chromium(&folder)?;
    let rotel = peers::rotel(workspace)?;
    let bugsink = peers::bugsink(workspace)?;
    step("Server for the browser tests, with the browser's part inside", || {
        Cmd::cargo(workspace).args(["build", "--package", "server", "--features", "embed-assets"]).run()
    })?;
    step("Playwright", || {
        let mut command = Cmd::new(folder.join("node_modules/.bin/playwright"), &folder)
            .arg("test")
            .env("KNOXCALL_BIN", workspace.target.join("debug").join(exe("knoxcall")))
            .env("KNOXCALL_ROTEL", &rotel)
            .env("KNOXCALL_BUGSINK", &bugsink);
        if let Some(path) = chromium {
            command = command.env("KNOXCALL_CHROMIUM", path);
        }
        command.run()
    })
}

/// `None` means Playwright's own browser.
fn chromium(folder: &Path) -> Result<Option<PathBuf>> {
    if let Some(path) = on_path(&NAMES) {
        say(&format!("Chromium: {}", path.display()));
        return Ok(Some(path));
    }
    let playwright = || Cmd::new(folder.join("node_modules/.bin/playwright"), folder);
    if step("Playwright's Chromium (a download of some 150 MB)", || playwright().args(["install", "chromium"]).run()).is_ok() {
        return Ok(None);
    }
    if is_debian_root() {
        step("Debian's Chromium (a minute)", || apt_install(&["chromium"]))?;
        if let Some(path) = on_path(&NAMES) {
            return Ok(Some(path));
        }
    }
    bail!("no Chromium: put one on PATH as `chromium`, or let `npx playwright install chromium` reach its download")
}
