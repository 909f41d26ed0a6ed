//! The oracle's scenarios for as long as one likes: new seeds, printed, so that a round that fails can be run again.

use anyhow::Result;

use crate::run::{Cmd, step};
use crate::workspace::Workspace;

/// What goes on with new stories, and how it is called.
const STORIES: [(&str, &str); 2] = [
    ("telemetry::oracle::soak_of_records", "Changing settings over failing collectors"),
    ("telemetry::metric_oracle::soak", "Metrics over failing collectors and restarts"),
];

pub fn soak(workspace: &Workspace, minutes: u64, seed: Option<u64>) -> Result<()> {
    let whole = minutes.div_ceil(2).max(1);
    step(&format!("The binary between failing collectors, {whole} min"), || {
        let command = test(workspace, "whole::oracle::soak", whole);
        match seed {
            Some(seed) => command.env("KNOXCALL_SOAK_SEED", seed.to_string()).run(),
            None => command.run(),
        }
    })?;
    if seed.is_some() {
        return Ok(());
    }
    let each = minutes.saturating_sub(whole).div_ceil(2).max(1);
    for (name, what) in STORIES {
        step(&format!("{what}, {each} min"), || test(workspace, name, each).run())?;
    }
    Ok(())
}

fn test(workspace: &Workspace, name: &str, minutes: u64) -> Cmd {
    Cmd::cargo(workspace)
        .args(["test", "--package", "server", "--test", "it", "--", "--include-ignored", "--nocapture", "--exact", name])
        .env("KNOXCALL_SOAK_MINUTES", minutes.to_string())
}
