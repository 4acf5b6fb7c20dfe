//! Evidence of a rollout as people and programs read it.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::evidence::{Clearance, Record, Standing};
use tripline::gate::MoreDevices;
use tripline::text::clean;
use tripline::time::Timestamp;

use super::seen::Evidence;
use crate::terminal::time::iso;

/// Longest text of a record that is shown.
const MAX_TEXT: usize = 400;

/// How evidence stands, in one line: `evidence 0.9 of 2 · 22 min: 36 % of 610 unfinished, limit 33 %;
/// undecided, next limit at 30 min, clearance 0.4 of 1.3`.
pub fn line(evidence: &Evidence) -> String {
    let record = &evidence.record;
    let brief = match record.brief.as_str() {
        "" => format!("evidence {:.1} of {}", record.evidence, record.threshold),
        brief => clean(brief, MAX_TEXT),
    };
    let is_breach = record.standing == Standing::Breach;
    let mut parts = Vec::new();
    if is_breach {
        parts.push("breach".to_owned());
    }
    match evidence.blind {
        Some(minutes) => parts.push(format!("blind: not computed for {minutes} min")),
        None if is_breach => {}
        None => {
            parts.push(match record.standing {
                Standing::Stalled => format!("stalled for {} min, as in an outage", record.stalled),
                _ => standing(evidence).to_owned(),
            });
            parts.extend(record.next_age.map(|age| format!("next limit at {age} min")));
            parts.extend(record.clearance.map(clearance));
            parts.extend(more_devices(record).map(|more| more.to_string()));
        }
    }
    if !record.stops {
        parts.push("it alerts people and stops nothing".to_owned());
    }
    format!("{brief}; {}", parts.join(", "))
}

/// What evidence does not see of the rollout.
pub fn unseen(evidence: &Evidence) -> impl Iterator<Item = String> {
    evidence
        .record
        .unseen
        .iter()
        .map(|what| format!("evidence does not see {}", clean(what, MAX_TEXT)))
}

/// Why the rollout was to be stopped.
pub fn reason(evidence: &Evidence) -> Option<String> {
    evidence.record.reason.as_ref().map(|reason| clean(reason, MAX_TEXT))
}

/// For programs.
pub fn data(evidence: &Evidence) -> EvidenceData {
    let record = &evidence.record;
    EvidenceData {
        evidence: record.evidence,
        threshold: record.threshold,
        standing: standing(evidence),
        brief: record.brief.clone(),
        reason: record.reason.clone(),
        blind_minutes: evidence.blind,
        next_limit_minutes: record.next_age,
        clearance: record.clearance,
        clears_at: record.clears_at,
        stalled_minutes: record.stalled,
        unseen: record.unseen.clone(),
        stops: record.stops,
        time: iso(Timestamp::from_seconds(record.at)),
    }
}

/// Evidence as the guard-keeper has kept it last.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceData {
    evidence: f64,
    /// The evidence at which the rollout is to be stopped.
    threshold: f64,
    /// `breach`, `blind`, `stalled`, `healthy` or `undecided`.
    standing: &'static str,
    /// It in one line.
    brief: String,
    /// Why the rollout is to be stopped.
    reason: Option<String>,
    /// For how many minutes nobody has computed it.
    blind_minutes: Option<i64>,
    /// The age of the next limit.
    next_limit_minutes: Option<u32>,
    /// How surely the rollout is better than twice its limits: from 1.3 on the next wave may go.
    clearance: Option<f64>,
    /// About how many devices it takes for that.
    clears_at: Option<u32>,
    stalled_minutes: u32,
    /// What it does not see of this rollout.
    unseen: Vec<String>,
    /// Whether it stops the rollout, and not only alerts people.
    stops: bool,
    /// When it was computed.
    time: String,
}

/// In one word.
fn standing(evidence: &Evidence) -> &'static str {
    match evidence.record.standing {
        Standing::Breach => "breach",
        _ if evidence.blind.is_some() => "blind",
        Standing::Blind => "blind",
        Standing::Stalled => "stalled",
        Standing::Healthy => "healthy",
        Standing::Undecided => "undecided",
    }
}

/// A rollout that may be too small for its clearance to open.
fn more_devices(record: &Record) -> Option<MoreDevices> {
    let is_open = record.clearance? >= Clearance::OPEN;
    let devices = record.coverage.devices.filter(|_| !is_open)?;
    MoreDevices::needed(record.clears_at, devices)
}

fn clearance(clearance: f64) -> String {
    // Rounded down: what reads as open is.
    let tenths = ((clearance + 1e-9) * 10.0).floor() / 10.0;
    format!("clearance {tenths:.1} of {}", Clearance::OPEN)
}

#[cfg(test)]
mod tests {
    use tripline::evidence::CoverageFacts;

    use super::*;

    fn record() -> Record {
        Record {
            evidence: 0.93,
            threshold: 2.0,
            brief: "evidence 0.9 of 2 · 22 min: 36 % of 610 unfinished, limit 33 %".to_owned(),
            next_age: Some(30),
            clearance: Some(0.44),
            stops: true,
            ..Record::default()
        }
    }

    fn shown(record: Record, blind: Option<i64>) -> String {
        line(&Evidence { record, blind })
    }

    #[test]
    fn a_rollout_stands_in_one_line() {
        let breach = Record {
            standing: Standing::Breach,
            brief: "evidence 2.4 of 2 · 9 % of 900 failed, limit 3 %".to_owned(),
            ..record()
        };
        let stalled =
            Record { standing: Standing::Stalled, stalled: 4, clearance: None, ..record() };
        let healthy = Record { standing: Standing::Healthy, clearance: Some(1.35), ..record() };
        let alerting = Record { stops: false, next_age: None, ..record() };
        let of = |devices| CoverageFacts { devices: Some(devices), ..CoverageFacts::default() };
        let small = Record { clears_at: Some(817), coverage: of(500), ..record() };
        let enough = Record { coverage: of(900), ..small.clone() };
        let open = Record { clearance: Some(1.35), ..small.clone() };
        let new = Record { threshold: 2.0, stops: true, ..Record::default() };
        let lines = [
            shown(record(), None),
            shown(record(), Some(7)),
            shown(breach.clone(), None),
            shown(breach, Some(7)),
            shown(stalled, None),
            shown(healthy, None),
            shown(alerting, None),
            shown(new, None),
            shown(small, None),
            shown(enough, None),
            shown(open, None),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_is_kept_cannot_draw_on_the_screen() {
        let hostile = || "\u{1b}[2J\n".repeat(900);
        let record = Record {
            brief: hostile(),
            unseen: vec![hostile()],
            reason: Some(hostile()),
            ..record()
        };
        let evidence = Evidence { record, blind: None };
        let all = [line(&evidence), unseen(&evidence).collect(), reason(&evidence).unwrap()];
        for text in all {
            assert!(!text.contains(char::is_control) && text.chars().count() < 700, "{text}");
        }
    }
}
