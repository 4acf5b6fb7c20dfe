//! The alarms of the new job, and where they come from.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tripline::alarm::AlarmDefinition;
use tripline::baseline::Baseline;
use tripline::text::{clean, excerpt};
use tripline_config::{AlarmConfig, GuardConfig};
use tripline_guard::kept;

use super::aws::Aws;
use super::ended::EndedJob;
use crate::aws::arming::keeping;
use crate::aws::deployment::spec::BASELINE_OBJECT;
use crate::aws::region::Region;
use crate::aws::stack::Stack;
use crate::aws::tags::{CONFIG_DIGEST_TAG, CONFIG_TAG};
use crate::exit::Error;
use crate::input::buckets::Bucket;
use crate::input::declared::DeclaredLimits;
use crate::input::notes;
use crate::input::source::{self, LoadedGuard};

/// Where the alarms are to come from.
#[derive(Debug)]
pub enum Arming {
    /// From a config that was read.
    Config(Box<Config>),
    /// From what the stack, or `deploy`, keeps of a job.
    Kept,
    /// There are to be none but the stack's default guard.
    Default,
}

/// Where the alarms came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum AlarmsFrom {
    /// From a file of the operator's.
    File { name: String },
    /// From what the stack's table keeps of a job.
    Table {
        stack: String,
        table: String,
        #[serde(rename = "jobId")]
        job: String,
    },
    /// From what `deploy` has left in S3.
    Object { name: String },
    /// From the stack's own parameters.
    DefaultGuard { stack: String },
}

/// A config that was read.
#[derive(Debug)]
pub struct Config {
    /// What messages call it.
    pub name: String,
    pub from: AlarmsFrom,
    pub alarms: Vec<AlarmDefinition>,
    /// The stack's default guard watches for what they do not see.
    pub default_guard: bool,
    /// The limits that evidence of the rollout is compared with.
    pub evidence: Option<DeclaredLimits>,
    /// Its region, if it names one.
    pub region: Option<String>,
}

impl AlarmsFrom {
    /// From a config or, where there is none, the stack's default guard.
    pub fn of(config: Option<&Config>, stack: &str) -> Self {
        match config {
            Some(config) => config.from.clone(),
            None => Self::DefaultGuard { stack: stack.to_owned() },
        }
    }
}

impl Display for AlarmsFrom {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name } | Self::Object { name } => f.write_str(name),
            Self::Table { stack, job, .. } => {
                write!(f, "the guards table of stack {stack}, job {job}")
            }
            Self::DefaultGuard { stack } => write!(f, "the default guard of stack {stack}"),
        }
    }
}

impl Arming {
    /// The region that was given, or else the config's.
    pub fn region(&self, given: Option<Region>) -> Result<Option<Region>, Error> {
        match (given, self) {
            (None, Self::Config(config)) => {
                let named = config.region.as_ref().map(|region| region.parse());
                named
                    .transpose()
                    .map_err(|fault| Error::in_file(&config.name, format!("region: {fault}")))
            }
            (region, _) => Ok(region),
        }
    }
}

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = source::name_of(path);
        Self::new(AlarmsFrom::File { name }, source::load_guard(path)?)
    }

    /// Reads what a job was armed with: as the stack's table keeps it, which only the stack and its
    /// operators write; or else as `deploy` has left it in S3, if the digest in the job's tag says that
    /// nobody has changed it since.
    pub async fn kept(aws: &Aws, old: &EndedJob, stack: &str) -> Result<Self, Error> {
        match Self::of_table(aws, old, stack).await? {
            Some(config) => Ok(config),
            None => Self::of_object(aws, old).await,
        }
    }

    async fn of_table(aws: &Aws, old: &EndedJob, stack: &str) -> Result<Option<Self>, Error> {
        let stack = Stack::find(&aws.alarms.cloudformation, stack).await?;
        let table = keeping::table_of(&stack)?;
        let Some(item) = kept::find(&aws.alarms.dynamodb, table, &old.id).await? else {
            return Ok(None);
        };
        let from = AlarmsFrom::Table {
            stack: stack.name().to_owned(),
            table: excerpt(table),
            job: old.id.to_string(),
        };
        let baseline = || {
            let text = item.baseline.as_deref().ok_or("it is not kept")?;
            Baseline::parse(text).map_err(|why| why.to_string())
        };
        Self::of_text(from, &item.config, async || baseline()).await.map(Some)
    }

    async fn of_object(aws: &Aws, old: &EndedJob) -> Result<Self, Error> {
        let Some(place) = old.tags.get(CONFIG_TAG) else {
            return Err(Error::input(format!("job `{}` has no tag `{CONFIG_TAG}`, and the stack's table keeps nothing of it, so that its alarm config is not known", old.id)).hint("give it with `--config`, or leave the new job to the stack's default guard with `--default-guard`"));
        };
        let parts = place.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let Some((bucket, key)) =
            parts.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
        else {
            return Err(Error::input(format!(
                "job `{}`: tag `{CONFIG_TAG}` is `{}` (expected `s3://bucket/key`)",
                old.id,
                excerpt(place)
            ))
            .hint("give the alarm config with `--config`"));
        };
        let Some(digests) = old.tags.get(CONFIG_DIGEST_TAG) else {
            return Err(Error::input(format!("job `{}` has no tag `{CONFIG_DIGEST_TAG}`, so that nobody knows whether {} is still what it was armed with", old.id, clean(place, 256))).hint("look at it, and give it with `--config`"));
        };
        let mut digests = digests.split(' ').map(str::to_owned);
        let (of_config, of_baseline) = (digests.next(), digests.next());
        let buckets = old.buckets(aws);
        let bucket = buckets.bucket(bucket);
        let name = clean(place, 256);
        let text = unchanged(aws, bucket, key, of_config).await;
        let text = text?.map_err(|why| not_as_it_was(&name, &why))?;
        // Beside the config, whatever its file was called.
        let folder = key.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let key = format!("{}{BASELINE_OBJECT}", folder.unwrap_or_default());
        let baseline = async || {
            let text = unchanged(aws, bucket, &key, of_baseline.clone()).await;
            let text = text.map_err(|error| error.to_string())??;
            Baseline::parse(&text).map_err(|why| why.to_string())
        };
        Self::of_text(AlarmsFrom::Object { name }, &text, baseline).await
    }

    /// Reads a config's text; `baseline` is that of its limits, if they are of one.
    async fn of_text(
        from: AlarmsFrom,
        text: &str,
        baseline: impl AsyncFnOnce() -> Result<Baseline, String>,
    ) -> Result<Self, Error> {
        let name = from.to_string();
        let GuardConfig { alarms, evidence } =
            GuardConfig::parse(&name, text).map_err(source::faults)?;
        let evidence = match evidence {
            None => None,
            Some(config) => {
                let baseline =
                    match config.baseline() {
                        None => None,
                        Some(_) => Some(baseline().await.map_err(|why| {
                            not_as_it_was(&name, &format!("its baseline: {why}"))
                        })?),
                    };
                Some(DeclaredLimits::new(&name, config, baseline).map_err(source::faults)?)
            }
        };
        Self::new(from, LoadedGuard { config: alarms, evidence })
    }

    fn new(from: AlarmsFrom, guard: LoadedGuard) -> Result<Self, Error> {
        let name = from.to_string();
        if guard.is_empty() {
            return Err(Error::input(notes::no_alarms(&name))
                .hint("`--default-guard` leaves the new job to the stack's default guard"));
        }
        let LoadedGuard { config, evidence } = guard;
        let AlarmConfig { alarms, default_guard, region, .. } = config;
        Ok(Self { name, from, alarms, default_guard, evidence, region })
    }
}

/// The text of an object, or why it is not what the job's tag says: the SHA-256 in base64.
async fn unchanged(
    aws: &Aws,
    bucket: Bucket<'_>,
    key: &str,
    digest: Option<String>,
) -> Result<Result<String, String>, Error> {
    let Some(text) = aws.config(bucket, key).await? else {
        return Ok(Err("there is no such object".to_owned()));
    };
    let is = STANDARD.encode(Sha256::digest(text.as_bytes()));
    Ok(match digest {
        Some(digest) if digest == is => Ok(text),
        Some(digest) => Err(format!(
            "its SHA-256 is `{is}`, and the job's tag `{CONFIG_DIGEST_TAG}` says `{}`: somebody has changed it",
            excerpt(&digest)
        )),
        None => Err(format!("the job's tag `{CONFIG_DIGEST_TAG}` does not say what it was")),
    })
}

fn not_as_it_was(name: &str, why: &str) -> Error {
    Error::in_file(name, why).hint("give the alarm config with `--config`")
}
