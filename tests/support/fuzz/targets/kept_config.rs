//! What the guard-keeper reads of the stack's table: a job's config, and what the job was at first.

use tripline::baseline::Baseline;
use tripline_config::{AlarmConfig, parse_evidence};
use tripline_guard::kept::{FirstSeen, KeptGuard};

use super::super::said::{FILE, is_fit};
use super::super::{Shape, Target};

pub(super) const TARGET: Target = Target {
    name: "kept-config",
    shape: Shape::Lines,
    seeds: &["examples/guards"],
    words: &[
        "plain",
        "greengrass",
        "unknown",
        "off",
        "on",
        "CountRejected=no",
        "DownloadTimeUpperLimit=7200",
        "=",
        "{}",
    ],
    check,
};

/// A baseline may follow the config, behind this line.
const BASELINE: &str = "\n---\n";

fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Some(first) = FirstSeen::from_text(&text) {
        let written = first.to_text();
        assert_eq!(FirstSeen::from_text(&written), Some(first), "{written}");
    }
    let (config, baseline) = text.split_once(BASELINE).unwrap_or((&text, ""));
    let baseline = Baseline::parse(baseline).ok();
    let alarms = AlarmConfig::parse("kept config", config);
    assert_eq!(alarms, AlarmConfig::parse("kept config", config), "read twice");
    let limits = parse_evidence("kept config", config);
    for faults in [alarms.as_ref().err(), limits.as_ref().err()].into_iter().flatten() {
        is_fit(&faults.to_string(), FILE);
    }
    let (Ok(alarms), Ok(limits)) = (alarms, limits) else { return };
    if let Some(limits) = &limits
        && let Err(why) = limits.limits(baseline.as_ref(), true)
    {
        is_fit(&why.to_string(), FILE);
    }
    // It can be kept again as it was read.
    let evidence = limits.as_ref().map(|limits| (limits, baseline.as_ref()));
    let keep = || KeptGuard::new((&alarms.alarms, alarms.default_guard), evidence, false);
    assert_eq!(keep(), keep(), "kept twice");
}
