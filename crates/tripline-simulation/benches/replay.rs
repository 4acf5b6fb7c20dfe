//! Replay against its floor, measured in the same run: `cargo bench -p tripline --bench replay`.
//!
//! The floor is a bare typed parse of the same recording: every line cut out and its fields read by
//! `serde`, borrowed, and nothing done with them. After the single measurements come the promises,
//! and a word each whether they hold. A shared or busy machine can break them; the least of several
//! measurements counts.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use tripline::stop::StopMode;
use tripline_config::AlarmConfig;
use tripline_simulation::replay::{Recording, Replay};
use tripline_simulation::simulation::Random;
use tripline_simulation::stop_topics::StopTopics;

const CONFIG: &str = include_str!("../../../examples/dev.ini");
const MILLION: u32 = 1_000_000;
/// How often each side of a ratio is measured.
const ROUNDS: u32 = 9;

/// A rollout of four hours: one device in four may be slow, one in forty fails, one event in fifty
/// is a repetition, and none comes in the order of time.
fn recording(events: u32) -> String {
    let mut random = Random::seed_from_u64(1);
    let mut lines: Vec<String> =
        (0..events).map(|number| line(number, events, &mut random)).collect();
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
    let part = |from: u32, digits: u32| id >> from & ((1 << (4 * digits)) - 1);
    let id = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 8),
        part(80, 4),
        part(64, 4),
        part(48, 4),
        part(0, 12)
    );
    let operation = if number.is_multiple_of(40) { "failed" } else { "succeeded" };
    let tenths = random.random_range(600..if number.is_multiple_of(4) { 60_000 } else { 6_000 });
    format!(
        "{{\"eventType\":\"JOB_EXECUTION\",\"eventId\":\"{id}\",\"timestamp\":{at},\"operation\":\"{operation}\",\
         \"jobId\":\"fw-2-1\",\"thingArn\":\"arn:aws:iot:eu-west-1:111122223333:thing/tracker-{number:07}\",\
         \"status\":\"{}\",\"statusDetails\":{{\"downloadTime\":\"{}.{}\",\"retryCount\":\"{}\"}}}}\n",
        operation.to_uppercase(),
        tenths / 10,
        tenths % 10,
        number % 3,
    )
}

/// The fields of an event that a replay needs, and no more than that is done with them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bare<'a> {
    #[serde(borrow)]
    event_id: &'a str,
    timestamp: i64,
    operation: &'a str,
    job_id: &'a str,
    thing_arn: &'a str,
    #[serde(borrow)]
    status_details: BareDetails<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BareDetails<'a> {
    download_time: &'a str,
    retry_count: &'a str,
}

fn lines(text: &str) -> impl Iterator<Item = &[u8]> {
    text.split('\n').map(str::as_bytes).filter(|line| !line.is_empty())
}

/// A bare typed parse.
fn bare(text: &str) -> usize {
    let mut sum = 0_usize;
    for line in lines(text) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Ok(event) = serde_json::from_str::<Bare<'_>>(line) else { continue };
        let details = &event.status_details;
        let texts = [
            event.event_id,
            event.operation,
            event.job_id,
            event.thing_arn,
            details.download_time,
            details.retry_count,
        ];
        sum = texts.iter().fold(sum, |sum, text| sum.wrapping_add(text.len()));
        sum = sum.wrapping_add(usize::try_from(event.timestamp).unwrap_or_default());
    }
    sum
}

/// The whole: read, made unique, counted, evaluated, judged.
fn replay(text: &str) -> Option<u32> {
    let mut recording = Recording::new(None);
    for (number, line) in (1..).zip(lines(text)) {
        recording.read(number, line).ok()?;
    }
    judge(recording)
}

fn judge(recording: Recording) -> Option<u32> {
    let config = AlarmConfig::parse("dev.ini", CONFIG).ok()?;
    let rollout = recording.rollout().ok()?;
    let abort = tripline_config::parse_rollout("dev.ini", CONFIG).ok()?.abort;
    let replay =
        Replay::new(&rollout, &config.alarms, &abort, StopMode::Cancel, &StopTopics::default());
    replay.stop.map(|stop| stop.spared.at_most())
}

/// The same from a file, without having all of it in memory.
fn replay_file(path: &Path) -> Option<u32> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let (mut recording, mut number, mut line) = (Recording::new(None), 0, Vec::new());
    while file.read_until(b'\n', &mut line).ok()? > 0 {
        number += 1;
        recording.read(number, &line).ok()?;
        line.clear();
    }
    judge(recording)
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

/// The most memory that a process of its own has for a recording, in MB, where the system reports it.
fn memory(text: &str) -> Option<f64> {
    let path = std::env::temp_dir().join(format!("tripline-bench-{}.ndjson", std::process::id()));
    std::fs::write(&path, text).ok()?;
    let output = Command::new(std::env::current_exe().ok()?).arg(MEMORY_OF).arg(&path).output();
    std::fs::remove_file(&path).ok()?;
    String::from_utf8(output.ok()?.stdout).ok()?.trim().parse().ok()
}

/// What makes this program the one that [`memory`] runs.
const MEMORY_OF: &str = "--memory-of";

fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kilobytes: f64| kilobytes / 1_000.0)
}

fn verdict(what: &str, value: f64, unit: &str, most: f64) -> bool {
    let holds = value <= most;
    println!("{:>4}  {what}, at most {most}: {value:.2} {unit}", if holds { "ok" } else { "MISS" });
    holds
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, path] = &arguments[..]
        && what == MEMORY_OF
    {
        black_box(replay_file(Path::new(path)));
        peak_memory().iter().for_each(|memory| println!("{memory}"));
        return ExitCode::SUCCESS;
    }
    let mut all = true;
    if arguments.iter().any(|argument| argument == "--bench") {
        let text = recording(MILLION);
        let (mut floor, mut whole) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            floor = floor.min(timed(|| bare(&text)).as_secs_f64());
            whole = whole.min(timed(|| replay(&text)).as_secs_f64());
        }
        println!(
            "\n1,000,000 events: replay {:.0} ms, bare typed parse {:.0} ms",
            whole * 1e3,
            floor * 1e3
        );
        all &= verdict("replay to a bare typed parse", whole / floor, "times", 2.0);
        if let Some(memory) = memory(&text) {
            all &= verdict("memory", memory, "MB", 200.0);
        }
        println!();
    }
    divan::main();
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
