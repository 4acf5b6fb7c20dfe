//! docs/reference: what is generated is what the sources say.

use std::process::Command;

use tripline::metric::{KeptMetric, Metric, NAMESPACE, stack};
use tripline_tests::runner::run;
use tripline_tests::workspace::root;

use super::read;

/// The pages that `tools/generate-reference` writes.
const GENERATED: [&str; 7] = [
    "parameters.md",
    "metrics.md",
    "exit-codes.md",
    "permissions.md",
    "cost.md",
    "json.md",
    "config-keys.md",
];

/// The generator, on this checkout or a copy of it.
fn generate() -> Command {
    let mut command = Command::new(root().join(".local/package/bin/python"));
    command.arg(root().join("tools/generate-reference")).current_dir(root());
    command
}

#[test]
fn generated_pages_are_what_the_sources_say() {
    let ran = run(generate().arg("--check"));
    assert_eq!(ran.code, 0, "{ran}");
}

/// Each source of a page, with a change of it that people would have to read of.
#[test]
fn a_change_of_a_source_changes_its_page() {
    const CHANGES: [(&str, &str, &str, &str); 8] = [
        ("templates/tripline.yaml", "Default: cancel", "Default: observe", "parameters.md"),
        (
            "templates/tripline.yaml",
            "Action: dynamodb:UpdateItem",
            "Action: dynamodb:*",
            "permissions.md",
        ),
        ("crates/tripline/src/metric.rs", "=> \"retryCount\"", "=> \"retries\"", "metrics.md"),
        ("crates/tripline-cli/src/exit.rs", "Stopped = 5", "Stopped = 9", "exit-codes.md"),
        ("tools/reference/prices.toml", "usd = 0.10", "usd = 0.20", "cost.md"),
        ("crates/tripline-config/src/keys.rs", "\"waveList\"", "\"waves\"", "config-keys.md"),
        ("tools/reference/config-keys.toml", "60 to 3,600", "60 to 7,200", "config-keys.md"),
        ("templates/health-alarms.json", "ForceStopperLossAlarm", "StopperLossAlarm", "metrics.md"),
    ];
    for (source, text, other, page) in CHANGES {
        let whole = read(source);
        assert!(whole.contains(text), "{source} has no `{text}`");
        let changed = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(changed.path(), whole.replacen(text, other, 1)).unwrap();
        let replaced = format!("{source}={}", changed.path().display());
        let ran = run(generate().args(["--check", "--replace", &replaced]));
        assert_eq!(ran.code, 1, "{source}: {ran}");
        assert!(ran.stderr.contains(page), "{source}: {ran}");
    }
}

/// The generator reads Rust by its form: nothing may escape it.
#[test]
fn every_metric_has_its_row() {
    let page = read("docs/reference/metrics.md");
    assert!(page.contains(&format!("`{NAMESPACE}`")));
    let kept = KeptMetric::ALL.map(KeptMetric::name);
    let of_stack = [stack::GUARDED_JOBS, stack::REFUSED_ALARMS, stack::MAYBE_COUNTED_TWICE];
    for name in Metric::ALL.map(Metric::name).into_iter().chain(kept).chain(of_stack) {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn generated_pages_say_so() {
    for page in GENERATED {
        let text = read(format!("docs/reference/{page}"));
        assert!(text.contains("<!-- Written by `make reference` from"), "{page}");
    }
}
