//! The guard of the new job: which alarms, and from where.

use std::path::Path;

use tripline::alarm::AlarmDefinition;
use tripline::text::{clean, excerpt};
use tripline_config::AlarmConfig;

use super::aws::Aws;
use super::old::Old;
use crate::aws::tags::CONFIG_TAG;
use crate::exit::Error;
use crate::input::{notes, source};

/// A config that was read.
#[derive(Debug)]
pub struct Config {
    /// What messages call it.
    pub name: String,
    pub alarms: Vec<AlarmDefinition>,
    /// Its region, if it names one.
    pub region: Option<String>,
}

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::new(source::name_of(path), source::load(path)?)
    }

    /// Reads what `deploy` keeps in S3.
    pub async fn fetch(aws: &Aws, old: &Old) -> Result<Self, Error> {
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
        let config = AlarmConfig::parse(&name, &text).map_err(source::faults)?;
        Self::new(name, config)
    }

    fn new(name: String, config: AlarmConfig) -> Result<Self, Error> {
        if config.alarms.is_empty() {
            return Err(Error::Input(format!(
                "{}\n  hint: `--default-guard` leaves the new job to the stack's default guard",
                notes::no_alarms(&name)
            )));
        }
        Ok(Self { name, alarms: config.alarms, region: config.region })
    }
}
