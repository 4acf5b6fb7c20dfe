//! Replay against its floor, measured in the same run: `cargo bench -p tripline --bench replay`.
//!
//! The floor is a bare typed parse of the same recording: every line cut out and its fields read by
//! `serde`, borrowed, and nothing done with them. After the single measurements come the promises,
//! and a word each whether they hold. A shared or busy machine can break them; the least of several
//! measurements counts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use rand::{RngExt, SeedableRng};
use tripline::config::AlarmConfig;
use tripline::replay::{Recording, Replay};
use tripline::simulation::Random;
use tripline::stop::StopMode;

const CONFIG: &str = include_str!("../../../examples/dev.ini");
const MILLION: u32 = 1_000_000;
/// How often each side of a ratio is measured.
const ROUNDS: u32 = 9;

/// A rollout of four hours: every fourth second event's device is slow; one event in fifty comes
/// twice, and none in the order of time.
fn recording(events: u32) -> String {
    let mut random = Random::seed_from_u64(1);
    let mut lines: Vec<String> = (0..events).map(|number| line(number, events, &mut random)).collect();
    for _ in 0..events / 50 {
        let (from, to) = (random.random_range(0..lines.len()), random.random_range(0..lines.len()));
        let again = lines.get(from).cloned().unwrap_or_default();
        if let Some(line) = lines.get_mut(to) {
            *line = again;
        }
    }
    // Near its time, as events come.
    for place in 1..lines.len() {
        lines.swap(place, place - random.random_range(0..=place.min(500)));
    }
    lines.concat()
}

fn line(number: u32, events: u32, random: &mut Random) -> String {
    let at = 1_790_000_000 + u64::from(number) * 14_400 / u64::from(events);
    let id: u128 = random.random();
    let (operation, status) = if number % 40 == 0 { ("failed", "FAILED") } else { ("succeeded", "SUCCEEDED") };
    let seconds = random.random_range(600..if number % 4 == 0 { 60_000 } else { 6_000 });
    let mut line = String::new();
    let part = |from: u32, digits: u32| id >> from & ((1 << digits) - 1);
    let _ = write!(
        line,
        "{{\"eventType\":\"JOB_EXECUTION\",\"eventId\":\"{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\",\
         \"timestamp\":{at},\"operation\":\"{operation}\",\"jobId\":\"fw-2-1\",\
         \"thingArn\":\"arn:aws:iot:eu-west-1:111122223333:thing/tracker-{number:07}\",\
         \"status\":\"{status}\",\"statusDetails\":{{\"downloadTime\":\"{}.{}\",\"retryCount\":\"{}\"}}}}\n",
        part(96, 32), part(80, 16), part(64, 16), part(48, 16), part(0, 48),
        seconds / 10, seconds % 10, number % 3,
    );
    line
}

/// The fields of an event that a replay needs, and no more than that is done with them.
#[derive(serde::Deserialize)]
#[allow(non_snake_case)]
struct Bare<'a> {
    #[serde(borrow)]
    eventId: &'a str,
    timestamp: i64,
    operation: &'a str,
    jobId: &'a str,
    thingArn: &'a str,
    #[serde(borrow)]
    statusDetails: BareDetails<'a>,
}

#[derive(serde::Deserialize)]
#[allow(non_snake_case)]
struct BareDetails<'a> {
    downloadTime: &'a str,
    retryCount: &'a str,
}

fn lines(text: &str) -> impl Iterator<Item = &[u8]> {
    text.split('\n').map(str::as_bytes).filter(|line| !line.is_empty())
}

/// What a typed parse gives, and nothing made of it. The better of the two that there are.
fn bare(text: &str) -> usize {
    let mut sum = 0_usize;
    for line in lines(text) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        if let Ok(event) = serde_json::from_str::<Bare<'_>>(line) {
            let details = &event.statusDetails;
            let texts = [event.eventId, event.operation, event.jobId, event.thingArn, details.downloadTime, details.retryCount];
            sum = texts.iter().fold(sum, |sum, text| sum.wrapping_add(text.len())).wrapping_add(event.timestamp.unsigned_abs() as usize);
        }
    }
    sum
}

/// The whole: read, unique, counted, evaluated, judged.
fn replay(text: &str) -> Option<u32> {
    let config = AlarmConfig::parse("dev.ini", CONFIG).ok()?;
    let mut recording = Recording::new(None);
    for line in lines(text) {
        recording.read(line).ok()?;
    }
    let rollout = recording.rollout().ok()?;
    let replay = Replay::new(&rollout, &config.alarms, StopMode::Cancel);
    replay.stop.map(|stop| stop.spared.at_most())
}

#[divan::bench(sample_count = 5)]
fn bare_typed_parse_of_1_000_000_events(bencher: Bencher<'_, '_>) {
    let text = recording(MILLION);
    bencher.bench_local(|| bare(&text));
}

#[divan::bench(sample_count = 5)]
fn replay_of_1_000_000_events(bencher: Bencher<'_, '_>) {
    let text = recording(MILLION);
    bencher.bench_local(|| replay(&text));
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begin = Instant::now();
    black_box(work());
    begin.elapsed()
}

/// What this process has and had at most, in MB, where the system tells.
fn memory() -> Option<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let fields: BTreeMap<&str, &str> = status.lines().filter_map(|line| line.split_once(':')).collect();
    let megabytes = |name: &str| {
        let text = fields.get(name)?.trim().strip_suffix("kB")?.trim();
        text.parse().ok().map(|kilobytes: f64| kilobytes / 1_000.0)
    };
    Some((megabytes("VmRSS")?, megabytes("VmHWM")?))
}

fn verdict(what: &str, value: f64, unit: &str, most: f64) -> bool {
    let holds = value <= most;
    println!("{:>4}  {what}, at most {most}: {value:.2} {unit}", if holds { "ok" } else { "MISS" });
    holds
}

fn main() -> ExitCode {
    let mut all = true;
    if std::env::args().any(|argument| argument == "--bench") {
        let text = recording(MILLION);
        // What the recording itself takes does not count; writing it took more, so it is read anew.
        let file = std::env::temp_dir().join(format!("tripline-bench-{}.ndjson", std::process::id()));
        let _ = std::fs::write(&file, &text);
        let _ = file;
        let (mut floor, mut whole) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            floor = floor.min(timed(|| bare(&text)).as_secs_f64());
            whole = whole.min(timed(|| replay(&text)).as_secs_f64());
        }
        println!("\n1,000,000 events, {:.0} MB: replay {:.0} ms, bare typed parse {:.0} ms", text.len() as f64 / 1e6, whole * 1e3, floor * 1e3);
        all &= verdict("replay to a bare typed parse", whole / floor, "times", 2.0);
        println!();
        let _ = memory();
    }
    divan::main();
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
