//! Recorded rollouts, with what an independent implementation made of every tick.
//!
//! `cases/<name>.json`: the limits (minutes, percent), then a row a tick: `[t, begun, ended,
//! unsuccessful, timed out]`, the ages of those in progress with their numbers or null, and what is
//! expected: evidence, `[limit, n, x]` or null, minute, stalled minutes, `[n, x, log10 E]` of each
//! rung, log10 E of count, failed and the failure curve.

use serde::Deserialize;

use crate::evidence::{Ages, Limits, Parameters, Slack, Source, State, Tick};

type Row = (
    (u32, u32, u32, u32, u32),
    Option<Vec<(u32, u32)>>,
    f64,
    Option<(String, u32, u32)>,
    u32,
    u32,
    Vec<(u32, u32, f64)>,
    Option<f64>,
    f64,
    Option<f64>,
);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Case {
    limits: DeclaredLimits,
    stop_at: Option<u32>,
    ticks: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeclaredLimits {
    unfinished: Vec<(u32, f64)>,
    rungs: Option<Vec<u32>>,
    failed: f64,
    curve: Vec<(u32, f64)>,
    false_stops: f64,
    list: bool,
    timeout: Option<u32>,
    slack: u32,
}

impl Case {
    pub fn limits(&self) -> Limits {
        let shares =
            |pairs: &[(u32, f64)]| pairs.iter().map(|(age, p)| (*age, p / 100.0)).collect();
        Limits::new(Parameters {
            unfinished: shares(&self.limits.unfinished),
            rungs: self.limits.rungs.clone(),
            failed: self.limits.failed / 100.0,
            failure_curve: shares(&self.limits.curve),
            false_stops: self.limits.false_stops / 100.0,
            list: self.limits.list,
            timeout: self.limits.timeout,
            slack: if self.limits.slack == 0 { Slack::None } else { Slack::OneTick },
            source: Source::Declared,
        })
        .unwrap()
    }

    pub fn ticks(&self) -> Vec<Tick> {
        let tick = |row: &Row| {
            let (t, begun, ended, unsuccessful, timed_out) = row.0;
            let in_progress = row.1.clone().map(Ages::of_counts);
            Tick { t, begun, ended, unsuccessful, timed_out, in_progress }
        };
        self.ticks.iter().map(tick).collect()
    }
}

macro_rules! cases {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("cases/", $name, ".json")))),*]
    };
}

/// Every case by its name.
pub(super) fn cases() -> Vec<(&'static str, Case)> {
    let texts = cases![
        "curve-early",
        "curve-late-start",
        "drift-counters",
        "empty",
        "fail20-counters",
        "first-rollout",
        "healthy-ramp",
        "late-start",
        "list-incomplete",
        "missed-ticks",
        "one-device",
        "outage",
        "outage-too-long",
        "short-ages",
        "silent30-ramp",
        "slow10-flat",
        "small-slow10",
        "timeout-between",
    ];
    texts.map(|(name, text)| (name, serde_json::from_str(text).unwrap())).into()
}

fn agree(value: f64, expected: f64) -> bool {
    (value - expected).abs() <= 1e-9 + 1e-11 * expected.abs()
}

#[test]
fn every_tick_of_every_case_is_as_recorded() {
    for (name, case) in cases() {
        let limits = case.limits();
        let mut state = State::new(&limits);
        let mut stopped = None;
        for (row, tick) in case.ticks.iter().zip(case.ticks()) {
            let at = format!("{name} at {}", tick.t);
            let (_, _, evidence, spoke, minute, stalled, rungs, count, failed, curve) = row;
            let verdict = state.tick(&limits, &tick);
            let parts = state.parts(&limits);
            let named = verdict.spoke.map(|spoke| (spoke.limit.to_string(), spoke.n, spoke.x));
            assert_eq!((&named, verdict.minute), (spoke, *minute), "{at}");
            assert_eq!(verdict.stalled, *stalled, "{at}");
            assert!(agree(verdict.evidence, *evidence), "{at}: {} {evidence}", verdict.evidence);
            assert_eq!(parts.rungs.len(), rungs.len(), "{at}");
            for ((n, x, e), (n2, x2, e2)) in parts.rungs.iter().zip(rungs) {
                assert_eq!((n, x), (n2, x2), "{at}");
                assert!(agree(*e, *e2), "{at}: {e} {e2}");
            }
            for (value, expected) in [
                (parts.count, *count),
                (Some(parts.failed), Some(*failed)),
                (parts.failed_curve, *curve),
            ] {
                assert_eq!(value.is_some(), expected.is_some(), "{at}");
                let (value, expected) = (value.unwrap_or(0.0), expected.unwrap_or(0.0));
                assert!(agree(value, expected), "{at}: {value} {expected}");
            }
            stopped = stopped.or(verdict.stop.then_some(tick.t));
        }
        assert_eq!(stopped, case.stop_at, "{name}");
    }
}
