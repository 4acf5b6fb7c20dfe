//! What the default guard fills beside a job's own config.

use tripline_config::EvidenceConfig;

use super::*;
use crate::desired::{KeptConfig, Known, Policy, Rules};

fn guard() -> DefaultGuard {
    DefaultGuard::new(vec![Topic::Email, Topic::ForceStop], |_| None).unwrap()
}

/// The names of what is filled, and whose limits evidence is computed by.
fn filled(
    alarms: &[AlarmDefinition],
    evidence: Option<&EvidenceConfig>,
    (timeout, fills): (Option<u32>, bool),
) -> (Vec<String>, Option<EvidenceConfig>) {
    let guard = guard();
    let shape = Shape { timeout, ..Shape::unknown() };
    let known = Known {
        kept: KeptConfig::Alarms { alarms, evidence, alert_only: false, fills },
        tagged: None,
        is_greengrass: false,
        rate: 1_000,
        has_evidence: true,
        shape: Some(&shape),
    };
    let rules = Rules { default_guard: &guard, policy: Policy::default(), force_stop_topic: STOP };
    let desired = super::desired(known, rules);
    assert_eq!(desired.purpose, Purpose::Stop);
    let names = desired.alarms.iter().map(|alarm| alarm.name().to_string());
    (names.filter(|name| name.starts_with("default-")).collect(), desired.evidence)
}

const DOWNLOADS: &str = "default-DownloadTime";
const RATE: &str = "default-FailureRate";
const EVIDENCE: [&str; 2] = ["default-Evidence", "default-EvidenceMissing"];

#[test]
fn the_default_guard_fills_the_ways_that_a_config_does_not_see_and_no_other() {
    let of = |metric: &str| alarm(metric, "Maximum", 9.0);
    let seen_late = AlarmDefinition { limit: Limit::Lower, ..of("downloadTime") };
    for (own, timeout, expected) in [
        (vec![of("downloadTime")], None, [&[RATE][..], &EVIDENCE].concat()),
        (vec![seen_late], None, [&[DOWNLOADS, RATE][..], &EVIDENCE].concat()),
        (vec![of("unsuccessfulCount")], None, [&[DOWNLOADS][..], &EVIDENCE].concat()),
        // Slow devices alone, or silent ones alone, are what evidence is for.
        (
            vec![of("unsuccessfulCount"), of("overdueCount")],
            None,
            [&[DOWNLOADS][..], &EVIDENCE].concat(),
        ),
        (vec![of("unsuccessfulCount"), of("downloadTime")], None, EVIDENCE.to_vec()),
        (vec![of("unsuccessfulCount"), of("downloadTime"), of("overdueCount")], Some(60), vec![]),
        // One way in which devices fail is enough for the failure rate; nothing times out without a timeout.
        (vec![of("failedCount"), of("downloadTime"), of("overdueCount")], None, vec![RATE]),
        (vec![of("rejectedCount"), of("downloadTime"), of("overdueCount")], None, vec![RATE]),
        (
            vec![of("failedCount"), of("rejectedCount"), of("downloadTime"), of("overdueCount")],
            None,
            vec![],
        ),
        (
            vec![of("failedCount"), of("rejectedCount"), of("downloadTime"), of("overdueCount")],
            Some(60),
            vec![RATE],
        ),
    ] {
        let metrics: Vec<&str> = own.iter().map(|alarm| alarm.metric.as_str()).collect();
        let (names, evidence) = filled(&own, None, (timeout, true));
        assert_eq!(names, expected, "{metrics:?} {timeout:?}");
        let is_filled = names.iter().any(|name| name == EVIDENCE[0]);
        assert_eq!(evidence, is_filled.then(|| guard().evidence()), "{metrics:?}");
        assert_eq!(filled(&own, None, (timeout, false)), (vec![], None), "it goes without");
    }
}

#[test]
fn a_config_s_own_evidence_is_the_only_one_and_failures_are_filled_where_it_only_alerts() {
    let guard = guard();
    let mut own = guard.evidence();
    (own.topics, own.false_stops) = (vec![topic(STOP)], 0.001);
    let (names, evidence) = filled(&[], Some(&own), (Some(60), true));
    assert_eq!((names, evidence.as_ref()), (vec![], Some(&own)));
    // Slow devices alert people; a rollout whose devices fail is stopped all the same.
    own.topics = vec![topic(EMAIL)];
    let downloads = [alarm("downloadTime", "p97", 9.0)];
    let (names, evidence) = filled(&downloads, Some(&own), (Some(60), true));
    assert_eq!((names, evidence.as_ref()), (vec![RATE.to_owned()], Some(&own)));
}
