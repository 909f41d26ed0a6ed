//! The oracle's scenarios for as long as one likes: new seeds, printed, so that a round that fails can be run again.

use anyhow::Result;

use crate::run::{Cmd, step};
use crate::workspace::Workspace;

/// How many stories of settings and faults are told per minute, about.
const STORIES_PER_MINUTE: u64 = 60;

pub fn soak(workspace: &Workspace, minutes: u64, seed: Option<u64>) -> Result<()> {
    let whole = minutes.div_ceil(2).max(1);
    step(&format!("The binary between failing collectors, {whole} min"), || {
        let command = test(workspace, "whole::oracle::soak").env("KNOXCALL_SOAK_MINUTES", whole.to_string());
        match seed {
            Some(seed) => command.env("KNOXCALL_SOAK_SEED", seed.to_string()).run(),
            None => command.run(),
        }
    })?;
    if seed.is_some() {
        return Ok(());
    }
    step("Changing settings over failing collectors, for the other half", || {
        let stories = minutes.saturating_sub(whole).max(1) * STORIES_PER_MINUTE;
        test(workspace, "telemetry::oracle::the_counts_are_true_whatever_happens").env("KNOXCALL_ORACLE_CASES", stories.to_string()).run()
    })
}

fn test(workspace: &Workspace, name: &str) -> Cmd {
    Cmd::cargo(workspace).args(["test", "--package", "server", "--test", "it", "--", "--include-ignored", "--nocapture", "--exact", name])
}
