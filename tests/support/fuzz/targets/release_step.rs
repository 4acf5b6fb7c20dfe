//! What the wave-runner is invoked with, by the state machine and by the schedule of EventBridge.

use serde_json::Value;
use wave_runner::step::{Invocation, Step};

use super::super::{Shape, Target};

pub(super) const TARGET: Target = Target {
    name: "release-step",
    shape: Shape::Json,
    seeds: &["events/eventbridge"],
    words: &[
        "step", "begin", "approve", "watch", "end", "minute", "release", "wave", "attempt",
        "failed",
    ],
    check,
};

fn check(input: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<Value>(input) else { return };
    let read =
        || serde_json::from_value::<Invocation>(payload.clone()).map_err(|it| it.to_string());
    assert_eq!(read(), read(), "read twice");
    let Ok(Invocation::Step(step)) = read() else { return };
    let release = match &step {
        Step::Approve { wave, .. } | Step::Begin { wave } | Step::Watch { wave, .. } => {
            &wave.release
        }
        Step::End { release, .. } => release,
    };
    let name = release.to_string();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    assert!((1..=64).contains(&name.len()) && name.chars().all(is_allowed), "{name}");
    assert!(payload.get("release").is_some_and(|it| it == name.as_str()), "{payload}");
}
