//! Formatting, TypeScript's types, clippy, and the Rust tests.

use std::time::Duration;

use anyhow::Result;

use crate::peers;
use crate::run::{Cmd, say, step};
use crate::workspace::Workspace;

/// The tests of the server take some 3 minutes.
const LONGEST: Duration = Duration::from_secs(30 * 60);

pub fn lint(workspace: &Workspace) -> Result<()> {
    workspace.ensure_wasm_target()?;
    step("TypeScript", || {
        for folder in ["style", "end2end"] {
            let path = workspace.ensure_npm(folder)?;
            Cmd::new(path.join("node_modules/.bin/tsc"), &path).arg("--noEmit").run()?;
        }
        Ok(())
    })?;
    step("Formatting", || Cmd::cargo(workspace).args(["fmt", "--all", "--check"]).run())?;
    step("Clippy on the host (first time: some 2 minutes)", || {
        clippy(workspace, &["--package", "server", "--package", "xtask", "--all-targets"])?;
        // As it is shipped: what is to be embedded need not be built for that, but its folder has to be there.
        std::fs::create_dir_all(workspace.site())?;
        clippy(workspace, &["--package", "server", "--features", "embed-assets"])?;
        clippy(workspace, &["--package", "app", "--features", "ssr", "--all-targets"])
    })?;
    step("Clippy on wasm (first time: a minute)", || {
        clippy(workspace, &["--package", "app", "--lib", "--features", "hydrate", "--target", "wasm32-unknown-unknown"])
    })
}

fn clippy(workspace: &Workspace, what: &[&str]) -> Result<()> {
    Cmd::cargo(workspace).args(["clippy", "--quiet"]).args(what).args(["--", "--deny", "warnings"]).run()
}

pub fn rust(workspace: &Workspace) -> Result<()> {
    let rotel = peers::rotel(workspace)?;
    let bugsink = peers::bugsink(workspace)?;
    let verifiers = peers::verifiers(workspace)?;
    let ai_clients = peers::ai_clients(workspace)?;
    step("Unit and integration tests (first time: some 5 minutes)", || {
        Cmd::cargo(workspace).args(["test", "--package", "xtask"]).run()?;
        Cmd::cargo(workspace).args(["test", "--package", "app", "--features", "ssr", "--lib"]).run()?;
        Cmd::cargo(workspace).args(["test", "--package", "server", "--no-run"]).run()?;
        Cmd::cargo(workspace)
            .args(["test", "--package", "server"])
            .env("KNOXCALL_ROTEL", &rotel)
            .env("KNOXCALL_BUGSINK", &bugsink)
            .env("KNOXCALL_VERIFIERS", &verifiers)
            .env("KNOXCALL_AI_CLIENTS", &ai_clients)
            .run_within(LONGEST)
    })
}

/// Names the tests that pass here without having checked anything: what they print themselves is kept from whoever runs them all.
pub fn say_what_was_skipped(workspace: &Workspace) {
    // As `server/tests/it/whole/faults.rs` asks.
    if !Cmd::new("unshare", &workspace.root).args(["-rm", "mount", "-t", "tmpfs", "none", "/tmp"]).succeeds() {
        say("SKIPPED: the tests of a full or read-only disk (server/tests/it/whole/faults.rs) passed without checking anything.");
        say("They need `unshare -rm` and a mount in it, which this machine does not allow.");
    }
}
