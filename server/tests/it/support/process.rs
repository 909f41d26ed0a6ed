//! Runs one test of this binary in a process of its own: for what is the process's, such as its environment, its
//! threads and its memory.

use std::process::Command;

/// Runs the ignored test of this name, with these variables, and passes its output on. Fails when it fails.
pub fn run_alone(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads", "1"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{test} was not run:\n{text}");
    println!("{text}");
}
