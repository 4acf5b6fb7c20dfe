//! Makes the recordings under `examples/recordings`, with made-up devices and times.

use std::fmt::Write;

/// When the rollouts were started: 2026-09-21 13:33:20 UTC.
pub const START: u64 = 1_789_997_600;

/// A small source of random numbers (SplitMix64), so that the files never change by themselves.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// 0 to below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Lognormal, nearly: the sum of twelve shares is nearly normal.
    fn seconds(&mut self, median: f64, sigma: f64) -> f64 {
        let normal = (0..12).map(|_| self.share()).sum::<f64>() - 6.0;
        median * (sigma * normal).exp()
    }

    fn shuffle<T>(&mut self, items: &mut [T], farthest: u64) {
        for place in 1..items.len() {
            let back = self.next() % (farthest.min(place as u64) + 1);
            items.swap(place, place - back as usize);
        }
    }
}

/// A rollout to trackers.
pub struct Rollout {
    pub job: &'static str,
    pub devices: u32,
    pub per_minute: u32,
    /// Share of devices that download for an hour and a quarter instead of five minutes.
    pub slow: f64,
    pub failing: f64,
    pub rejecting: f64,
}

/// An event with its time.
type Event = (u64, String);

impl Rollout {
    /// Its events, in the order of time.
    pub fn events(&self, random: &mut Random) -> Vec<Event> {
        let mut events: Vec<Event> =
            (0..self.devices).map(|number| self.event(number, random)).collect();
        events.sort();
        events
    }

    fn event(&self, number: u32, random: &mut Random) -> Event {
        let notified = START + u64::from(number) * 60 / u64::from(self.per_minute);
        let begins = notified + 1 + random.next() % 20;
        let median = if random.share() < self.slow { 4_500.0 } else { 300.0 };
        let seconds = random.seconds(median, 0.35);
        let fate = random.share();
        let (operation, at) = if fate < self.rejecting {
            ("rejected", begins)
        } else if fate < self.rejecting + self.failing {
            ("failed", begins + seconds as u64 + 5)
        } else {
            ("succeeded", begins + seconds as u64 + 5)
        };
        let mut line = format!(
            "{{\"eventType\":\"JOB_EXECUTION\",\"eventId\":\"{}\",\"timestamp\":{at},\"operation\":\"{operation}\",\
             \"jobId\":\"{}\",\"thingArn\":\"arn:aws:iot:eu-west-1:111122223333:thing/tracker-{number:04}\",\"status\":\"{}\"",
            uuid(random),
            self.job,
            operation.to_uppercase(),
        );
        if operation != "rejected" {
            let retries = random.next() % 8 / 6;
            write!(line, ",\"statusDetails\":{{\"downloadTime\":\"{seconds:.1}\",\"retryCount\":\"{retries}\"}}").unwrap();
        }
        line.push('}');
        (at, line)
    }
}

fn uuid(random: &mut Random) -> String {
    let (a, b) = (random.next(), random.next());
    let (time, node) = (b >> 48 & 0xfff, b & 0xffff_ffff_ffff);
    format!(
        "{:08x}-{:04x}-4{time:03x}-{:04x}-{node:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0x3fff | 0x8000
    )
}

fn lines(events: Vec<Event>) -> String {
    events.into_iter().map(|(_, line)| line + "\n").collect()
}

const HEALTHY: Rollout = Rollout {
    job: "fw-2-0",
    devices: 300,
    per_minute: 50,
    slow: 0.0,
    failing: 0.01,
    rejecting: 0.01,
};
const SLOW: Rollout =
    Rollout { job: "fw-2-1", devices: 3_000, per_minute: 30, slow: 0.45, ..HEALTHY };
const FAILING: Rollout = Rollout { job: "fw-2-2", devices: 400, failing: 0.3, ..HEALTHY };

/// The text of each recording; one ending in `.gz` is kept compressed.
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("healthy.ndjson", lines(HEALTHY.events(&mut Random(1)))),
        ("slow.ndjson.gz", lines(SLOW.events(&mut Random(2)))),
        ("failing.ndjson", lines(FAILING.events(&mut Random(3)))),
        ("mixed.ndjson", mixed(&mut Random(4))),
        ("past-1.ndjson.gz", with_beginnings("fw-1-8", 480.0, &mut Random(5))),
        ("past-2.ndjson.gz", with_beginnings("fw-1-9", 520.0, &mut Random(6))),
        ("slower.ndjson.gz", with_beginnings("fw-2-3", 750.0, &mut Random(7))),
    ]
}

/// A rollout to 1,200 devices as `tripline watch --record` leaves it: 30 a minute, 2 % of which fail.
fn with_beginnings(job: &str, median: f64, random: &mut Random) -> String {
    let mut events = Vec::new();
    for number in 0..1_200_u64 {
        let begins = START + number * 2 + 1 + random.next() % 20;
        let ends = begins + random.seconds(median, 0.5) as u64;
        let operation = if random.share() < 0.02 { "failed" } else { "succeeded" };
        for (at, operation) in [(begins, "in_progress"), (ends, operation)] {
            let line = format!(
                "{{\"eventType\":\"JOB_EXECUTION\",\"jobId\":\"{job}\",\"operation\":\"{operation}\",\
                 \"thingArn\":\"arn:aws:iot:eu-west-1:111122223333:thing/tracker-{number:04}\",\"timestamp\":{at}}}"
            );
            events.push((at, line));
        }
    }
    events.sort();
    lines(events)
}

/// Two jobs at once as a careless recorder leaves them: out of order, with repetitions, and with
/// lines that are no events.
fn mixed(random: &mut Random) -> String {
    let good = Rollout { devices: 80, ..HEALTHY }.events(random);
    let bad = Rollout { devices: 120, ..FAILING }.events(random);
    let mut events = [good, bad].concat();
    events.sort();
    let again: Vec<Event> = events.iter().step_by(20).cloned().collect();
    events.extend(again);
    events.sort();
    random.shuffle(&mut events, 30);
    events.insert(17, (0, "{\"eventType\":\"JOB_EXECUTION\",\"eventId\":\"".to_owned()));
    events.insert(60, (0, "{\"eventType\":\"JOB\",\"eventId\":\"7364ffd1\",\"operation\":\"completed\",\"jobId\":\"fw-2-0\"}".to_owned()));
    lines(events)
}
