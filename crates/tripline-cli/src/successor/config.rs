//! The alarms of the new job, and where they come from.

use std::path::Path;

use tripline::alarm::AlarmDefinition;
use tripline::baseline::Baseline;
use tripline::text::{clean, excerpt};
use tripline_config::{AlarmConfig, GuardConfig};

use super::aws::Aws;
use super::ended::EndedJob;
use crate::aws::deployment::spec::BASELINE_OBJECT;
use crate::aws::region::Region;
use crate::aws::tags::CONFIG_TAG;
use crate::exit::Error;
use crate::input::declared::DeclaredLimits;
use crate::input::notes;
use crate::input::source::{self, LoadedGuard};

/// Where the alarms come from.
#[derive(Debug)]
pub enum Arming {
    /// From a config that was read.
    Config(Box<Config>),
    /// From what `deploy` keeps of a job.
    Kept,
    /// There are to be none but the stack's default guard.
    Default,
}

/// A config that was read.
#[derive(Debug)]
pub struct Config {
    /// What messages call it.
    pub name: String,
    pub alarms: Vec<AlarmDefinition>,
    /// The stack's default guard watches for what they do not see.
    pub default_guard: bool,
    /// The limits that evidence of the rollout is compared with.
    pub evidence: Option<DeclaredLimits>,
    /// Its region, if it names one.
    pub region: Option<String>,
}

impl Arming {
    /// The region that was given, or else the config's.
    pub fn region(&self, given: Option<Region>) -> Result<Option<Region>, Error> {
        match (given, self) {
            (None, Self::Config(config)) => {
                let named = config.region.as_ref().map(|region| region.parse());
                named
                    .transpose()
                    .map_err(|fault| Error::Input(format!("{}: region: {fault}", config.name)))
            }
            (region, _) => Ok(region),
        }
    }
}

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::new(source::name_of(path), source::load_guard(path)?)
    }

    /// Reads what `deploy` keeps in S3.
    pub async fn fetch(aws: &Aws, old: &EndedJob) -> Result<Self, Error> {
        let Some(place) = old.tags.get(CONFIG_TAG) else {
            return Err(Error::Input(format!(
                "job `{}` has no tag `{CONFIG_TAG}`, so that its alarm config is not known\n\n  hint: give it with `--config`, or leave the new job to the stack's default guard with `--default-guard`",
                old.id
            )));
        };
        let parts = place.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let Some((bucket, key)) =
            parts.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        else {
            return Err(Error::Input(format!(
                "job `{}`: tag `{CONFIG_TAG}` is `{}` (expected `s3://bucket/key`)\n\n  hint: give the alarm config with `--config`",
                old.id,
                excerpt(place)
            )));
        };
        let name = clean(place, 256);
        let Some(text) = aws.config(bucket, key).await? else {
            return Err(Error::Input(format!(
                "{name}: there is no such object\n\n  hint: give the alarm config with `--config`"
            )));
        };
        let GuardConfig { alarms, evidence } =
            GuardConfig::parse(&name, &text).map_err(source::faults)?;
        let evidence = match evidence {
            None => None,
            Some(config) => {
                // Beside the config, whatever its file was called.
                let folder = key.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
                let key = format!("{}{BASELINE_OBJECT}", folder.unwrap_or_default());
                let baseline = match config.baseline() {
                    None => None,
                    Some(_) => Some(kept_baseline(aws, bucket, &key).await?),
                };
                Some(DeclaredLimits::new(&name, config, baseline).map_err(source::faults)?)
            }
        };
        Self::new(name, LoadedGuard { config: alarms, evidence })
    }

    fn new(name: String, guard: LoadedGuard) -> Result<Self, Error> {
        if guard.is_empty() {
            return Err(Error::Input(format!(
                "{}\n  hint: `--default-guard` leaves the new job to the stack's default guard",
                notes::no_alarms(&name)
            )));
        }
        let LoadedGuard { config, evidence } = guard;
        let AlarmConfig { alarms, default_guard, region, .. } = config;
        Ok(Self { name, alarms, default_guard, evidence, region })
    }
}

/// The baseline that `deploy` keeps in S3.
async fn kept_baseline(aws: &Aws, bucket: &str, key: &str) -> Result<Baseline, Error> {
    let name = clean(&format!("s3://{bucket}/{key}"), 256);
    let text = aws.config(bucket, key).await?;
    let text = text.ok_or_else(|| "there is no such object".to_owned());
    let baseline = text.and_then(|text| Baseline::parse(&text).map_err(|why| why.to_string()));
    baseline.map_err(|why| {
        Error::Input(format!("{name}: {why}\n\n  hint: give the alarm config with `--config`"))
    })
}
