//! A recorded rollout, as `tripline replay` reads it.

use tripline::alarm::AlarmDefinition;
use tripline::event::{ExecutionEvent, PoisonEvent};
use tripline::rollout::AbortCriterion;
use tripline::stop::StopMode;
use tripline_config::{AlarmConfig, parse_evidence, parse_rollout};
use tripline_simulation::replay::{
    Began, EvidenceOf, NoRollout, RecordedRollout, Recording, Replay,
};
use tripline_simulation::stop_topics::StopTopics;

use super::super::said::{ONE, is_fit_line};
use super::super::{Shape, Target};

pub(super) const TARGET: Target = Target {
    name: "recording",
    shape: Shape::JsonLines,
    seeds: &["events/iot"],
    words: &[
        "in_progress",
        "retryAttempt",
        "deleted",
        "download_time",
        "1230768000",
        "4102444799",
        "1853072000",
    ],
    check,
};

/// Longest rollout in seconds that is replayed. A replay looks at every minute from the first beginning to the last end, which
/// in a build for debugging takes 30 s of the two years that are taken: too long to try twice, and linear.
const LONGEST: i64 = 2 * 86_400;

/// The config that it is replayed under.
const CONFIG: &str = include_str!("../../../../examples/guards/recommended.ini");

fn check(input: &[u8]) {
    let lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let read = read(&lines);
    let ended: Vec<&[u8]> = lines.iter().copied().filter(|line| !began(line)).collect();
    let odd: Vec<Vec<u8>> = ended.iter().map(|line| made_odd(line)).collect();
    let odd: Vec<&[u8]> = odd.iter().map(Vec::as_slice).collect();
    // A line is read fast, or as the functions read it, and means the same.
    assert_eq!(summary(&self::read(&ended)), summary(&self::read(&odd)), "read fast");
    let Ok(rollout) = read else { return };
    is_in_range(&rollout);
    let began = rollout.device_times.iter().filter_map(|device| match device.began {
        Began::Recorded(at) | Began::Reported(at) => Some(at),
        Began::AtItsEnd | Began::Unknown => None,
    });
    let first = began.chain([rollout.first]).min().unwrap_or(rollout.first);
    if rollout.last.seconds_after(first) <= LONGEST {
        replays(&rollout);
    }
}

fn read(lines: &[&[u8]]) -> Result<RecordedRollout, NoRollout> {
    let mut recording = Recording::new(None).keeping_devices();
    for (number, line) in (1..).zip(lines) {
        if let Err(why) = recording.read(number, line) {
            is_fit_line(&why.to_string(), ONE);
        }
    }
    recording.rollout()
}

/// Whether this is an execution that began, which no function reads.
fn began(line: &[u8]) -> bool {
    let event = ExecutionEvent::from_json(line);
    matches!(event, Err(PoisonEvent::UnknownOperation(operation)) if operation == "in_progress")
}

/// What JSON takes for blanks.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// The same event, with a field that is not read fast.
fn made_odd(line: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(line) else { return line.to_owned() };
    match text.trim_start_matches(BLANK).strip_prefix('{') {
        Some(rest) if !rest.trim_start_matches(BLANK).starts_with('}') => {
            format!("{{\"odd\":[],{rest}").into_bytes()
        }
        _ => line.to_owned(),
    }
}

fn summary(read: &Result<RecordedRollout, NoRollout>) -> String {
    match read {
        Ok(it) => format!(
            "{:?}",
            (
                &it.job,
                it.counts,
                &it.far_away,
                it.first,
                it.last,
                it.outcomes,
                &it.misspelled,
                it.executions()
            )
        ),
        Err(why) => format!("{why:?}"),
    }
}

fn is_in_range(rollout: &RecordedRollout) {
    let (first, last) = (rollout.first, rollout.last);
    assert!(
        first <= last && (1_230_768_000..4_102_444_800).contains(&first.seconds()),
        "{first:?}"
    );
    let ended: u32 = rollout.outcomes.iter().sum();
    assert!(rollout.executions() <= ended && rollout.devices_ended() <= ended, "{ended}");
    assert!(u64::from(ended) <= rollout.counts.events, "{:?}", rollout.counts);
}

/// Whatever was recorded can be replayed, and twice the same.
fn replays(rollout: &RecordedRollout) {
    let alarms: Vec<AlarmDefinition> = AlarmConfig::parse("", CONFIG).unwrap().alarms;
    let abort: Vec<AbortCriterion> = parse_rollout("", CONFIG).unwrap().abort;
    let evidence = parse_evidence("", CONFIG).unwrap().unwrap();
    let limits = evidence.limits(None, true).unwrap();
    let topics = StopTopics::default();
    let replay = || {
        let evidence = Some(EvidenceOf { limits: &limits, topics: &evidence.topics });
        Replay::with_evidence(rollout, &alarms, &abort, evidence, StopMode::Cancel, &topics)
    };
    let replayed = replay();
    assert_eq!(replayed.stop, replay().stop, "replayed twice");
    if let Some(stop) = &replayed.stop {
        assert!(stop.at >= rollout.first, "{stop:?}");
    }
}
