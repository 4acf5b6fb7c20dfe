//! The page `docs/reference/coverage.md`, which is written by these tests and held by them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use tripline_config::{GuardConfig, parse_rollout};
use tripline_guard::coverage::{Counted, Inactive, Keeper, Level, Reason, Way};
use tripline_guard::verdict::WhyNot;

use super::*;

const PAGE: &str = "docs/reference/coverage.md";
const SIZES: [u32; 4] = [8, 60, 1_000, 24_000];
/// Minutes for which a dead guard-keeper has not looked.
const DEAD: u32 = 30;

/// A guard of the page: its heading, what it is, and its config.
struct Guard {
    name: &'static str,
    what: &'static str,
    config: String,
    /// No alarm of the stack's guards it.
    is_alone: bool,
}

fn guards() -> [Guard; 5] {
    let example = include_str!("../../../../../examples/dev.ini");
    let abort = include_str!("../../../../../examples/guards/abort-only.ini");
    let sample = include_str!("sample.ini");
    let away = sample.replace("alarmList = ", "defaultGuard = False\nalarmList = ");
    let guard = |name, what, config: &str, is_alone| {
        let config = config.to_owned();
        Guard { name, what, config, is_alone }
    };
    [
        guard(
            "The old tool's sample, alone",
            "Two alarms on `downloadTime`, `useAbortConfig = False` and no timeout, as shipped; and `defaultGuard = False`.",
            &away,
            false,
        ),
        guard(
            "The old tool's sample",
            "The same config without `defaultGuard = False`: the stack's default guard fills what it does not see.",
            sample,
            false,
        ),
        guard(
            "`examples/dev.ini`",
            "Limits that stop, an alarm on downloads, wide abort criteria.",
            example,
            false,
        ),
        guard(
            "The default guard alone",
            "A job without a config: a timeout of 75 minutes, no abort criteria.",
            "[DEFAULT]\nuseTimeoutConfig = True\n[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 75\n",
            false,
        ),
        guard(
            "Abort criteria alone",
            "`examples/guards/abort-only.ini` without any alarm: what AWS IoT Jobs does by itself. The guard-keeper only counts overdue devices.",
            abort,
            true,
        ),
    ]
}

/// What is seen of a rollout under a guard, an hour after it began.
fn coverage_of(guard: &Guard, devices: u32, reports: bool, is_alive: bool) -> Coverage {
    let config = GuardConfig::parse("dev.ini", &guard.config).unwrap();
    let rollout = parse_rollout("dev.ini", &guard.config).unwrap();
    let plan = PlannedRollout {
        shape: shape_of(&rollout, Devices::Exactly(devices), false),
        first_rate: rollout.rate.first().min(Rate::QUOTA),
        alarms: &config.alarms.alarms,
        evidence: config.evidence.as_ref().map(|config| (config, None)),
        fills: config.alarms.default_guard,
        alert_only: false,
    };
    let rules = StackRules::read(|_| None).unwrap();
    let desired = plan.desired(&rules, "");
    let succeeded = devices.min(500);
    let download_times = if reports { succeeded } else { 0 };
    let facts = Facts {
        minute: 60,
        keeper: if is_alive { Keeper::Alive } else { Keeper::Silent(DEAD) },
        counted: Counted { ended: succeeded, succeeded, download_times, ..Counted::default() },
        ..plan.facts(&rules, &desired)
    };
    let alarms = desired.alarms.iter().filter(|_| !guard.is_alone);
    let watchers: Vec<Watcher> = alarms.map(|alarm| Watcher::wanted(alarm, None)).collect();
    Coverage::new(&facts, &watchers, desired.purpose)
}

const HEADING: &str = "# Coverage: who stops or notices a rollout that goes wrong

Written by a test (`TRIPLINE_WRITE=1 cargo test --workspace --bin tripline planned::page` writes it again), with the function that the
guard-keeper, `tripline watch`, `doctor`, `deploy`, `config check` and `simulate` ask too. A rollout goes wrong in five ways: devices
fail, refuse, time out, are slow, or never answer. For each way it says what becomes of the rollout:

- **stops**: an alarm of Tripline's or AWS IoT's own abort criterion stops the rollout;
- **alerts**: people are alerted, and the rollout goes on;
- **nobody**: nothing covers it;
- **-**: it cannot happen (the job has no timeout), or does not count (`CountRejected` is `no`).

A device that never answers runs into the job's timeout, if there is one: whoever sees timeouts sees that too.

A rollout is *guarded* if devices that fail stop it, and people hear at least of every other way. It is *partly guarded* if something
stops it, but nothing covers some way, or devices that fail do not stop it. It is *not guarded* if nothing stops it, and *alerts only*
if that is meant. An alarm sees a way only if it is this stack's by its tags, its actions are on, are not muted, and lead to the force-stop
topic or to people, it is not in ALARM already, its metric comes, and it can decide with the devices and the rate of this rollout.

In JSON every command has the same object, under the key `coverage`: `status`, `devices` (or null), and `ways`. A way (`fails`,
`refuses`, `timesOut`, `slow`, `neverAnswers`) has its `level`, who sees it (`by`), and `because`: who would do more, why not, and what
helps (`by`, `would`, `reason`, `fix`). `deploy` begins no rollout in which nothing covers devices that fail, unless
`--accept-uncovered fails` says that it is meant.
";

/// Every reason, with the numbers of an example.
fn reasons() -> [Reason; 15] {
    let there = |why| Reason::Inactive(Inactive::There(why));
    [
        Reason::NobodyLooks,
        Reason::Inactive(Inactive::Missing),
        there(WhyNot::ActionsOff),
        there(WhyNot::Muted("night".to_owned())),
        there(WhyNot::HasFired),
        Reason::TooFewDevices { needed: 50, devices: 8 },
        Reason::TooSlow { samples: 100, period: 600, rate: 5 },
        Reason::TimesOutBefore { minutes: 60 },
        Reason::NeverReported { succeeded: 115, invalid: 0 },
        Reason::Uncounted(40),
        Reason::KeeperSilent(DEAD),
        Reason::NoEvidence,
        Reason::NoLimit,
        Reason::CountsSayNoMore(300),
        Reason::AttemptsOnly,
    ]
}

fn page() -> String {
    let mut page = HEADING.to_owned();
    page += "\n## Why a way is not seen, and what helps\n\n";
    page += "| an alarm .. | what helps |\n| --- | --- |\n";
    for reason in reasons() {
        let fix = reason.fix(None).unwrap_or_default();
        writeln!(page, "| {reason} | {fix} |").unwrap();
    }
    for guard in guards() {
        page += &section(&guard);
    }
    page
}

fn section(guard: &Guard) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", guard.name, guard.what);
    text += "| devices | `downloadTime` | keeper | rollout | fails | refuses | times out | slow | never answers |\n";
    text += "| ---: | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    let mut whys = BTreeSet::new();
    let cases = [(true, true), (false, true), (true, false), (false, false)];
    for (devices, (reports, is_alive)) in
        SIZES.into_iter().flat_map(|devices| cases.map(|case| (devices, case)))
    {
        let coverage = coverage_of(guard, devices, reports, is_alive);
        let ways = Way::ALL.map(|way| match coverage.of(way).level {
            Level::NotNeeded => "-",
            level => level.name(),
        });
        let (reported, keeper) =
            (if reports { "reported" } else { "never" }, if is_alive { "alive" } else { "dead" });
        let (status, ways) = (coverage.status, ways.join(" | "));
        writeln!(text, "| {devices} | {reported} | {keeper} | {status} | {ways} |").unwrap();
        for way in coverage.uncovered() {
            let shortfalls = coverage.of(way).shortfalls.iter();
            whys.extend(shortfalls.map(|why| format!("{}: {why}", way.devices())));
        }
    }
    if !whys.is_empty() {
        text += "\nWhy nobody hears:\n\n";
        for why in whys {
            writeln!(text, "- {why}").unwrap();
        }
    }
    text
}

#[test]
fn the_page_is_what_is_computed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PAGE);
    if std::env::var_os("TRIPLINE_WRITE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page(), "{PAGE} is not current: set TRIPLINE_WRITE=1");
}

/// What the old tool leaves out, the default guard sees.
#[test]
fn the_old_tool_s_sample_is_guarded_only_with_the_default_guard() {
    let [alone, filled, ..] = guards();
    for devices in SIZES {
        let level = |guard| coverage_of(guard, devices, true, true).of(Way::Fails).level;
        assert_eq!((level(&alone), level(&filled)), (Level::Nobody, Level::Stops), "{devices}");
    }
}
