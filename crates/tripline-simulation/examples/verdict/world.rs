//! The rollouts of the table.

use std::borrow::Cow;
use std::fmt;

use tripline::baseline::followed_ages;
use tripline::evidence::{Limits, Parameters};
use tripline::rollout::{Exponential, Factor, Rate, RolloutConfig};
use tripline::stop::StopMode;
use tripline::time::Timestamp;
use tripline_config::{AlarmConfig, parse_evidence, parse_rollout};
use tripline_simulation::simulation::{
    AbortPlan, AlarmPlan, Conditions, Drift, Elapsed, EvidencePlan, Fleet, GuardPlan, Lognormal,
    Offline, Outage, Scenario, Share,
};

/// The share of devices that may fail.
pub const FAILED: f64 = 0.03;
/// The share of devices that may never end.
pub const SILENT: f64 = 0.01;

const RECOMMENDED: &str = include_str!("../../../../examples/guards/recommended.ini");
const ABORT_ONLY: &str = include_str!("../../../../examples/guards/abort-only.ini");
/// A guard that is tried out, instead of the recommended one: the name of its file.
pub const TRIED: &str = "GUARD";
const HOUR: f64 = 3_600.0;
/// How much slower a healthy rollout may be.
const SLOWER: f64 = 1.2;

/// How long devices take. Of each, 0.8 % take more than an hour.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Median 848 s, sigma 0.6.
    A,
    /// Median 323.5 s, sigma 1.
    B,
}

impl Shape {
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    fn time(self) -> Lognormal {
        match self {
            Self::A => lognormal(848.0, 0.6),
            Self::B => lognormal(323.5, 1.0),
        }
    }

    /// A third of the fleet takes twice as long, if its hardware is mixed.
    fn slower_hardware(self) -> Lognormal {
        lognormal(2.0 * self.time().median(), self.time().sigma())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// How fast devices are notified, and how many.
#[derive(Clone, Copy)]
pub enum Pace {
    /// As many a minute.
    Flat(u32, u32),
    /// 12 a minute until 1,500 succeeded, four times as many after each 1,500, at most 1,000.
    Ramp(u32),
}

impl Pace {
    pub fn devices(self) -> u32 {
        match self {
            Self::Flat(_, devices) | Self::Ramp(devices) => devices,
        }
    }

    fn rate(self) -> Rate {
        match self {
            Self::Flat(rate, _) => Rate::Constant(rate),
            Self::Ramp(_) => match Factor::new(4.0).ok() {
                Some(factor) => Rate::Exponential(Exponential {
                    base: 12,
                    factor,
                    notified: None,
                    succeeded: Some(1_500),
                    maximum: 1_000,
                }),
                None => Rate::Constant(12),
            },
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat(rate, devices) => write!(f, "{rate}/min of {devices}"),
            Self::Ramp(devices) => write!(f, "ramp of {devices}"),
        }
    }
}

/// What is the matter with a rollout.
#[derive(Clone, Copy, PartialEq)]
pub enum Situation {
    Fail(u32),
    /// All devices are slower, so that so many percent take more than an hour.
    Slow(u32),
    /// A tenth of the devices has a median of an hour.
    SlowPart,
    Silent(u32),
    Healthy,
    /// Each rollout is up to a fifth slower or faster, 1 to 3 % fail, up to 0.5 % fall silent.
    Drift,
    /// Exactly what the limits allow.
    AtTheLimits,
    FastAndOffline,
    EarlyFailures,
    Mixture,
    Outage,
    SlowerBy(u32),
    OfflineBeyond,
    SlowHardwareFirst,
}

impl Situation {
    pub const FAULTS: [Self; 9] = [
        Self::Fail(9),
        Self::Fail(5),
        Self::Fail(20),
        Self::Slow(10),
        Self::SlowPart,
        Self::Slow(3),
        Self::Silent(30),
        Self::Silent(10),
        Self::Silent(5),
    ];

    pub const BEYOND: [Self; 4] =
        [Self::SlowerBy(30), Self::SlowerBy(50), Self::OfflineBeyond, Self::SlowHardwareFirst];

    /// Rollouts within the limits, and at which paces.
    pub fn healthy() -> Vec<(Self, Vec<Pace>)> {
        let usual = vec![
            Pace::Ramp(24_000),
            Pace::Flat(100, 24_000),
            Pace::Flat(1_000, 24_000),
            Pace::Flat(1_000, 240_000),
            Pace::Flat(12, 200),
            Pace::Flat(12, 1_000),
        ];
        let flat = vec![Pace::Flat(100, 24_000)];
        vec![
            (Self::Healthy, usual.clone()),
            (Self::Drift, usual.clone()),
            (Self::AtTheLimits, usual),
            (Self::FastAndOffline, flat.clone()),
            (Self::EarlyFailures, flat.clone()),
            (Self::Mixture, flat.clone()),
            (Self::Outage, flat),
        ]
    }
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(percent) => write!(f, "fail {percent} %"),
            Self::Slow(percent) => write!(f, "slow {percent} %"),
            Self::SlowPart => f.write_str("slow 10 % part"),
            Self::Silent(percent) => write!(f, "silent {percent} %"),
            Self::Healthy => f.write_str("healthy"),
            Self::Drift => f.write_str("drift x0.8 to x1.2, fail 1 to 3 %, silent to 0.5 %"),
            Self::AtTheLimits => f.write_str("exactly at the limits"),
            Self::FastAndOffline => f.write_str("x0.5, 1 % offline for hours"),
            Self::EarlyFailures => f.write_str("failures after a minute, with their curve"),
            Self::Mixture => f.write_str("30 % of hardware that takes twice as long, shuffled"),
            Self::Outage => f.write_str("15 minutes of outage"),
            Self::SlowerBy(percent) => write!(f, "{percent} % slower"),
            Self::OfflineBeyond => f.write_str("3 % offline for hours, 1 % allowed"),
            Self::SlowHardwareFirst => f.write_str("the slower hardware first"),
        }
    }
}

/// At which paces it is seen how soon a bad rollout is stopped.
pub const DETECTION: [Pace; 2] = [Pace::Flat(100, 24_000), Pace::Ramp(24_000)];

/// What guards the rollout.
#[derive(Clone, Copy, PartialEq)]
pub enum Guard {
    List,
    Counters,
    Recommended,
    AbortOnly,
}

impl Guard {
    pub const ALL: [Self; 4] = [Self::List, Self::Counters, Self::Recommended, Self::AbortOnly];

    pub fn name(self) -> &'static str {
        match self {
            Self::List => "evidence, list",
            Self::Counters => "evidence, counters",
            Self::Recommended => "recommended.ini",
            Self::AbortOnly => "abort-only.ini",
        }
    }

    fn config(self) -> Option<Cow<'static, str>> {
        let tried =
            || std::env::var(TRIED).ok().and_then(|file| std::fs::read_to_string(file).ok());
        match self {
            Self::Recommended => Some(tried().map_or(RECOMMENDED.into(), Cow::Owned)),
            Self::AbortOnly => Some(ABORT_ONLY.into()),
            _ => None,
        }
    }

    /// The guard of a healthy fleet of this kind: its limits know of mixed hardware and of when
    /// failures come, and of nothing else.
    pub fn plans_for(self, shape: Shape, situation: Situation) -> Vec<Box<dyn GuardPlan>> {
        let Some(config) = self.config() else {
            let list = self != Self::Counters;
            let parameters = Parameters { list, ..limits(shape, situation) };
            let plan = Limits::new(parameters)
                .map(|limits| Box::new(EvidencePlan::new(limits, StopMode::Cancel)));
            return plan.into_iter().map(|plan| plan as Box<dyn GuardPlan>).collect();
        };
        let alarms = AlarmConfig::parse("guard", &config).map(|config| config.alarms);
        let alarms = alarms
            .unwrap_or_default()
            .into_iter()
            .map(|alarm| Box::new(AlarmPlan::new(alarm, StopMode::Cancel)) as Box<dyn GuardPlan>);
        let evidence = parse_evidence("guard", &config).ok().flatten();
        let evidence = evidence.and_then(|evidence| evidence.limits(None, true).ok());
        let evidence = evidence.map(|limits| {
            Box::new(EvidencePlan::new(limits, StopMode::Cancel)) as Box<dyn GuardPlan>
        });
        let rollout = parse_rollout("guard", &config).unwrap_or_default();
        let abort = Box::new(AbortPlan::new(rollout.abort)) as Box<dyn GuardPlan>;
        alarms.chain(evidence).chain([abort]).collect()
    }
}

/// Exactly the shares of a healthy fleet that is slower by as much as it may be.
fn limits(shape: Shape, situation: Situation) -> Parameters {
    let mixed = matches!(situation, Situation::Mixture | Situation::SlowHardwareFirst);
    let over = |seconds: f64| {
        let usual = shape.time().share_over(seconds);
        if mixed { 0.7 * usual + 0.3 * shape.slower_hardware().share_over(seconds) } else { usual }
    };
    let unfinished: Vec<(u32, f64)> = (1..=120)
        .map(|age| {
            let share = over(f64::from(age) * 60.0 / SLOWER);
            (age, share + (1.0 - share) * SILENT)
        })
        .collect();
    let failed_by = |seconds: f64| match situation {
        Situation::EarlyFailures => 1.0 - early().share_over(seconds),
        _ => 1.0 - over(seconds),
    };
    let failure_curve = (1..=120).map(|age| (age, failed_by(f64::from(age) * 60.0 * SLOWER)));
    Parameters {
        rungs: Some(followed_ages(&unfinished)),
        failure_curve: failure_curve.collect(),
        unfinished,
        failed: FAILED,
        false_stops: 0.01,
        ..Parameters::default()
    }
}

/// When failures come early.
fn early() -> Lognormal {
    lognormal(60.0, 0.5)
}

pub fn scenario(shape: Shape, pace: Pace, situation: Situation, guard: Guard) -> Scenario {
    let time = shape.time();
    let mut fleet = Fleet {
        failing: percent(2.0),
        silent: percent(0.2),
        download: time,
        slow_download: time,
        ..Fleet::healthy(pace.devices())
    };
    let mut conditions = Conditions::default();
    let times = |factor: f64| lognormal(time.median() * factor, time.sigma());
    match situation {
        Situation::Healthy => {}
        Situation::Fail(share) => fleet.failing = percent(share.into()),
        Situation::Silent(share) => fleet.silent = percent(share.into()),
        Situation::Slow(share) => {
            let slower = Lognormal::with_share_over(HOUR, f64::from(share) / 100.0, time.sigma());
            fleet.download = slower.unwrap_or(time);
        }
        Situation::SlowPart => {
            fleet.slow = percent(10.0);
            fleet.slow_download = lognormal(HOUR, time.sigma());
        }
        Situation::Drift => {
            conditions.drift = Drift {
                time: Some((0.8, SLOWER)),
                failing: Some((percent(1.0), percent(3.0))),
                silent: Some((Share::NONE, percent(0.5))),
            };
        }
        Situation::AtTheLimits => {
            fleet.download = times(SLOWER);
            fleet.failing = percent(FAILED * 100.0);
            fleet.silent = percent(SILENT * 100.0);
        }
        Situation::FastAndOffline => {
            fleet.download = times(0.5);
            fleet.silent = Share::NONE;
            conditions.offline = Some(offline(1.0));
        }
        Situation::OfflineBeyond => conditions.offline = Some(offline(3.0)),
        Situation::EarlyFailures => conditions.failing_after = Some(early()),
        Situation::Mixture | Situation::SlowHardwareFirst => {
            fleet.slow = percent(30.0);
            fleet.slow_download = shape.slower_hardware();
            conditions.slow_first = situation == Situation::SlowHardwareFirst;
        }
        Situation::Outage => {
            let (from, to) = (Elapsed::from_minutes(30), Elapsed::from_minutes(45));
            conditions.outage = Some(Outage { from, to });
        }
        Situation::SlowerBy(percent) => fleet.download = times(1.0 + f64::from(percent) / 100.0),
    }
    let config = guard.config().map(|config| parse_rollout("guard", &config).unwrap_or_default());
    let rollout = RolloutConfig { rate: pace.rate(), ..config.unwrap_or_default() };
    let start = Timestamp::from_seconds(1_767_225_600);
    Scenario { conditions, ..Scenario::new(fleet, rollout, start) }
}

fn offline(share: f64) -> Offline {
    Offline { share: percent(share), seconds: lognormal(3.0 * HOUR, 0.5) }
}

fn percent(percent: f64) -> Share {
    Share::new(percent / 100.0).unwrap_or_default()
}

fn lognormal(median: f64, sigma: f64) -> Lognormal {
    let healthy = Fleet::healthy(1).download;
    Lognormal::new(median, sigma).unwrap_or(healthy)
}
