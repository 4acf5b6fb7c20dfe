//! Rollouts that are watched, stopped by hand and resumed, on the local AWS with the stack as it is
//! deployed. What the commands ask of AWS is counted by a proxy.

mod large;
mod resuming;
mod stopping;
mod watching;

use std::process::Output;

use serde_json::Value;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::{Proxy, Running};

use crate::chain::stage::must;

/// Runs the command to its end.
fn tripline(aws: &LocalAws, arguments: &str) -> Output {
    let proxy = must(Proxy::start(aws));
    must(proxy.tripline()).args(arguments.split_whitespace()).output().unwrap()
}

/// The exit code, and both outputs for the case that it is not the one that was expected.
fn ended(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// Starts the command at a proxy.
fn spawn(proxy: &Proxy, arguments: &str) -> Running {
    let mut command = must(proxy.tripline());
    must(proxy.spawn(command.args(arguments.split_whitespace()), None))
}

/// The objects of an output with one a line.
fn objects(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
