//! What the devices of a rollout are like: options of the command, or the lines of a rollout file,
//! by the same names.

use std::path::Path;

use tripline_simulation::simulation::{Conditions, Fleet, Lognormal, Share};

use super::conditions::ConditionOptions;
use super::file::{self, Entry, stem};
use super::values::{flag, mean, per_minute, put, seconds, share, sigma};
use crate::exit::Error;
use crate::input::source;

/// What the devices are like; what is not given is as in [`Fleet::healthy`].
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Fleet")]
pub struct FleetOptions {
    /// Share of devices that fail after the download [default: 0.02, or 0 if a rollout file is given]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    failed: Option<Share>,
    /// Share of devices that reject the job
    #[arg(long, value_name = "SHARE", value_parser = share)]
    rejected: Option<Share>,
    /// Share of devices that begin and never answer
    #[arg(long, value_name = "SHARE", value_parser = share)]
    silent: Option<Share>,
    /// Share of devices that never receive the job
    #[arg(long, value_name = "SHARE", value_parser = share)]
    unreachable: Option<Share>,
    /// Median download time (lognormal) [default: 323.5s, or 5m if a rollout file is given]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    median: Option<f64>,
    /// Deviation of the download time's logarithm: 0 is the same for all [default: 1, or 0.5 if a rollout file is given]
    #[arg(long, value_parser = sigma)]
    sigma: Option<f64>,
    /// Share of devices that are slow
    #[arg(long, value_name = "SHARE", value_parser = share)]
    slow: Option<Share>,
    /// Median download time of the slow ones [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    slow_median: Option<f64>,
    /// Sigma of the slow ones [default: that of the others]
    #[arg(long, value_name = "SIGMA", value_parser = sigma)]
    slow_sigma: Option<f64>,
    /// Median time from notification to start (lognormal) [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    start_median: Option<f64>,
    /// Sigma of that time [default: 0.5]
    #[arg(long, value_name = "SIGMA", value_parser = sigma)]
    start_sigma: Option<f64>,
    /// Mean number of retries a device reports [default: 0]
    #[arg(long, value_name = "MEAN", value_parser = mean)]
    retries: Option<f64>,
    /// Share of failing and silent devices that would fail again when they try again [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    lasting: Option<Share>,
    /// Instead of a rollout a steady load: so many devices end in each minute, which began long
    /// before
    #[arg(long, value_name = "PER_MINUTE", value_parser = per_minute)]
    steady: Option<u32>,
    /// What befalls it: of a group of options that has another one within it, clap knows no member.
    #[arg(skip)]
    conditions: ConditionOptions,
}

/// Of an everyday fleet: the share that fails, and the download time in seconds.
const EVERYDAY_FAILED: f64 = 0.02;
const EVERYDAY_MEDIAN: f64 = 323.5;
const EVERYDAY_SIGMA: f64 = 1.0;

impl FleetOptions {
    /// The keys of a rollout file.
    const KEYS: [&str; 16] = [
        "failed",
        "rejected",
        "silent",
        "unreachable",
        "median",
        "sigma",
        "slow",
        "slow-median",
        "slow-sigma",
        "start-median",
        "start-sigma",
        "retries",
        "lasting",
        "steady",
        "about",
        "healthy",
    ];

    /// With what befalls it.
    #[must_use]
    pub fn with(self, conditions: ConditionOptions) -> Self {
        Self { conditions, ..self }
    }

    /// Sets the option of this name; `None` if there is none.
    fn set(&mut self, Entry { key, value }: &Entry<'_>) -> Option<Result<(), String>> {
        Some(match *key {
            "failed" => put(&mut self.failed, share(value)),
            "rejected" => put(&mut self.rejected, share(value)),
            "silent" => put(&mut self.silent, share(value)),
            "unreachable" => put(&mut self.unreachable, share(value)),
            "median" => put(&mut self.median, seconds(value)),
            "sigma" => put(&mut self.sigma, sigma(value)),
            "slow" => put(&mut self.slow, share(value)),
            "slow-median" => put(&mut self.slow_median, seconds(value)),
            "slow-sigma" => put(&mut self.slow_sigma, sigma(value)),
            "start-median" => put(&mut self.start_median, seconds(value)),
            "start-sigma" => put(&mut self.start_sigma, sigma(value)),
            "retries" => put(&mut self.retries, mean(value)),
            "lasting" => put(&mut self.lasting, share(value)),
            "steady" => put(&mut self.steady, per_minute(value)),
            _ => return self.conditions.set(&Entry { key, value }),
        })
    }

    /// These options, and where they say nothing, the others.
    fn or(&self, other: &Self) -> Self {
        Self {
            failed: self.failed.or(other.failed),
            rejected: self.rejected.or(other.rejected),
            silent: self.silent.or(other.silent),
            unreachable: self.unreachable.or(other.unreachable),
            median: self.median.or(other.median),
            sigma: self.sigma.or(other.sigma),
            slow: self.slow.or(other.slow),
            slow_median: self.slow_median.or(other.slow_median),
            slow_sigma: self.slow_sigma.or(other.slow_sigma),
            start_median: self.start_median.or(other.start_median),
            start_sigma: self.start_sigma.or(other.start_sigma),
            retries: self.retries.or(other.retries),
            lasting: self.lasting.or(other.lasting),
            steady: self.steady.or(other.steady),
            conditions: self.conditions.or(&other.conditions),
        }
    }

    /// The fleet, of so many devices, and what befalls it.
    pub fn population(&self, devices: u32) -> Result<Population, Error> {
        let usual = Fleet::healthy(devices);
        let lognormal = |median: Option<f64>, sigma: Option<f64>, usual: Lognormal| {
            Lognormal::new(median.unwrap_or(usual.median()), sigma.unwrap_or(usual.sigma()))
        };
        let fleet = || {
            let download = lognormal(self.median, self.sigma, usual.download)?;
            let fleet = Fleet {
                devices,
                unreachable: self.unreachable.unwrap_or(usual.unreachable),
                rejecting: self.rejected.unwrap_or(usual.rejecting),
                silent: self.silent.unwrap_or(usual.silent),
                failing: self.failed.unwrap_or(usual.failing),
                slow: self.slow.unwrap_or(usual.slow),
                start: lognormal(self.start_median, self.start_sigma, usual.start)?,
                download,
                // The default of `tripline fleet run`.
                slow_download: lognormal(
                    Some(self.slow_median.unwrap_or(3_600.0)),
                    self.slow_sigma,
                    download,
                )?,
                lasting: self.lasting.unwrap_or(usual.lasting),
                reported_retries: self.retries.unwrap_or(usual.reported_retries),
                steady: self.steady,
            };
            fleet.check()?;
            Ok(Population { fleet, conditions: self.conditions.conditions()? })
        };
        fleet().map_err(|fault: tripline_simulation::simulation::InvalidFleet| {
            Error::input(format!("fleet: {fault}"))
        })
    }

    /// A healthy fleet with the faults that every fleet has, as `examples/rollouts/healthy.ini` has
    /// them: a guard that stops it is no good.
    fn everyday() -> Self {
        let (median, sigma) = (Some(EVERYDAY_MEDIAN), Some(EVERYDAY_SIGMA));
        Self { failed: Share::new(EVERYDAY_FAILED).ok(), median, sigma, ..Self::default() }
    }

    /// A fleet without faults, of which nothing else is known: it is notified and begins as this one does,
    /// which is not the firmware's doing.
    fn faultless(&self) -> Self {
        Self {
            start_median: self.start_median,
            start_sigma: self.start_sigma,
            steady: self.steady,
            conditions: self.conditions.faultless(),
            ..Self::default()
        }
    }
}

/// A fleet, and what befalls a rollout to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Population {
    pub fleet: Fleet,
    pub conditions: Conditions,
}

/// A named rollout.
#[derive(Debug, Clone)]
pub struct Rollout {
    /// The file's name without its ending.
    pub name: String,
    /// What it is like, in the file's words; empty if it has none.
    pub about: String,
    /// Whether the file says that this is a healthy rollout.
    pub healthy: bool,
    /// What its devices are like.
    pub options: FleetOptions,
}

impl Rollout {
    /// Reads a rollout file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = source::read(path)?;
        let mut rollout = Self {
            name: stem(path),
            about: String::new(),
            healthy: false,
            options: FleetOptions::default(),
        };
        let Self { about, healthy, options, .. } = &mut rollout;
        let known = [&FleetOptions::KEYS[..], &ConditionOptions::KEYS].concat();
        file::read(&source::name_of(path), &text, &known, |entry| match entry.key {
            "about" => {
                *about = tripline::text::clean(entry.value, 200);
                Some(Ok(()))
            }
            "healthy" => Some(flag(entry.value).map(|value| *healthy = value)),
            _ => options.set(entry),
        })
        .map_err(source::faults)?;
        Ok(rollout)
    }
}

/// The fleet of a simulation, and the healthy one that it is compared with; they are the same if
/// there is no fault.
pub struct Fleets {
    pub given: Population,
    pub healthy: Population,
    /// Who says what a healthy fleet is like.
    pub source: HealthySource,
    /// Nobody has given a rollout file, so that the fleet is an everyday one but for the options.
    pub is_everyday: bool,
}

/// Who says what a healthy fleet is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthySource {
    /// A rollout file, by its name in messages.
    File(String),
    /// Nobody, so it is an everyday one.
    Default,
}

impl Fleets {
    /// From the command's options and the files that it names.
    pub fn new(
        options: &FleetOptions,
        rollout_file: Option<&Path>,
        healthy: Option<&Path>,
        devices: u32,
    ) -> Result<Self, Error> {
        let rollout = rollout_file.map(Rollout::load).transpose()?;
        let base = rollout.as_ref().map_or_else(FleetOptions::everyday, |it| it.options.clone());
        let all = options.or(&base);
        let file = |path: &Path| HealthySource::File(source::name_of(path));
        let (usual, source) = match (healthy, &rollout, rollout_file) {
            (Some(path), ..) => (Rollout::load(path)?.options, file(path)),
            (None, Some(rollout), Some(path)) if rollout.healthy => {
                (rollout.options.clone(), file(path))
            }
            // It begins as this one does.
            _ => (FleetOptions::everyday().or(&all.faultless()), HealthySource::Default),
        };
        let (given, faultless) = (all.population(devices)?, all.faultless().population(devices)?);
        // A fleet that nobody said anything of is a healthy one as it stands.
        let healthy = if source == HealthySource::Default && is_as(&given, &faultless) {
            faultless
        } else {
            usual.population(devices)?
        };
        Ok(Self { given, healthy, source, is_everyday: rollout.is_none() })
    }

    /// Whether a stop would be a false one.
    pub fn is_healthy(&self) -> bool {
        is_as(&self.given, &self.healthy)
    }
}

/// Whether two fleets are alike. What slow devices are like does not matter where there are none.
fn is_as(given: &Population, other: &Population) -> bool {
    let slow_download = match given.fleet.slow {
        Share::NONE => other.fleet.slow_download,
        _ => given.fleet.slow_download,
    };
    let fleet = Fleet { slow_download, ..given.fleet };
    Population { fleet, ..*given } == *other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Command {
        #[command(flatten)]
        fleet: FleetOptions,
    }

    #[test]
    fn the_help_says_what_an_everyday_fleet_is_like() {
        let command = <Command as clap::CommandFactory>::command();
        let usual = Fleet::healthy(1);
        let download = usual.download;
        for (option, everyday, in_a_file) in [
            ("failed", EVERYDAY_FAILED.to_string(), usual.failing.get().to_string()),
            ("median", format!("{EVERYDAY_MEDIAN}s"), format!("{}m", download.median() / 60.0)),
            ("sigma", EVERYDAY_SIGMA.to_string(), download.sigma().to_string()),
        ] {
            let argument = command.get_arguments().find(|it| it.get_id() == option).unwrap();
            let help = argument.get_help().unwrap().to_string();
            let expected =
                format!("[default: {everyday}, or {in_a_file} if a rollout file is given]");
            assert!(help.ends_with(&expected), "{help}");
        }
    }

    #[test]
    fn without_a_rollout_file_a_fleet_is_an_everyday_one_but_for_the_options() {
        let everyday = fleets(FleetOptions::default());
        assert!(everyday.is_healthy() && everyday.is_everyday);
        assert_eq!(everyday.given.fleet.failing, Share::new(EVERYDAY_FAILED).unwrap());
        let slow = fleets(FleetOptions { slow: Share::new(0.1).ok(), ..Default::default() });
        assert!(!slow.is_healthy());
        assert_eq!(slow.given.fleet.failing, Share::new(EVERYDAY_FAILED).unwrap());
    }

    fn fleets(options: FleetOptions) -> Fleets {
        Fleets::new(&options, None, None, 100).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn slow_firmware_is_no_healthy_fleet() {
        let slow = FleetOptions { median: Some(3_600.0), sigma: Some(1.0), ..Default::default() };
        let fleets = fleets(slow);
        assert!(!fleets.is_healthy());
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rollouts/healthy.ini");
        let everyday = Rollout::load(&path).unwrap_or_else(|error| panic!("{error}")).options;
        assert_eq!(
            fleets.healthy,
            everyday.population(100).unwrap_or_else(|error| panic!("{error}"))
        );
        assert_eq!(fleets.source, HealthySource::Default);
    }

    #[test]
    fn when_devices_begin_is_not_the_firmwares_doing() {
        let late = FleetOptions { start_median: Some(600.0), ..Default::default() };
        assert!(fleets(late).is_healthy());
        let nobody = FleetOptions { slow_median: Some(7_200.0), ..Default::default() };
        assert!(fleets(nobody).is_healthy(), "nobody is slow");
        let outage = ConditionOptions::outage_of("30-45");
        let away = FleetOptions { conditions: outage, ..Default::default() };
        assert!(fleets(away).is_healthy(), "a network is away");
        let retried = FleetOptions { retries: Some(3.0), ..Default::default() };
        assert!(!fleets(retried).is_healthy());
    }
}
