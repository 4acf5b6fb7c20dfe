//! `tripline queue add`.

use std::io::{BufRead, Write, stderr, stdin};
use std::path::{Path, PathBuf};

use crate::queue::state::{Entry, EntryId, Span, State, Tolerance};
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;
use tempfile::TempDir;
use tripline_config::{Release, Setting};

use super::arguments::Common;
use super::aws::Aws;
use super::check::{self, Intended, Sources, file_name, sources};
use super::draft::{Draft, settings};
use super::files::{CONFIG, key};
use super::list::percent;
use super::store::{Change, View};
use super::{ask, clock, job};
use crate::exit::{End, Error};
use crate::input::deployment::Input;
use crate::input::source::name_of;
use crate::input::within::Within;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline queue add --bin tracker-2.1.bin --config dev.ini --things trackers.txt --bucket releases
  tripline queue add --bin tracker-2.2.bin --from-last --bucket releases --bake 2h \\
    --set jobId=fw-2-2 --set streamId=fw-2-2

Tripline first checks the dev.ini and its files, as `tripline deploy` does. `binName` and
`thingList` must be their names. An alarm must stop the rollout (accept otherwise with
--default-guard or --alert-only, which `next` respects). Failing devices must at least cause an
alert (accept otherwise with --accept-uncovered). No job with this `jobId` may exist or be in the
queue.

Then Tripline stores the dev.ini, the firmware, the thing list and, if the dev.ini names one, the
job document in the bucket under queue/<entry>/, each with its SHA-256. It creates the entry last,
so a failure before that leaves the queue unchanged.

`--from-last` uses the dev.ini of the newest entry and, without `--things`, its thing list. A new
release needs a `jobId` of its own, and a `streamId` if the dev.ini has one. On a terminal Tripline
asks for them; elsewhere pass them with `--set`. `--set` changes only the queued copy, never your
file.

Exit code 0: the release is in the queue, and stdout names the entry; 2: the files do not match or
are invalid; 3: AWS refused or could not be reached.")]
pub struct Add {
    /// The firmware
    #[arg(short = 'f', long = "bin", visible_alias = "binFile", value_name = "FILE")]
    bin: PathBuf,
    /// The dev.ini, or the one to derive the new one from
    #[arg(short = 'd', long, visible_alias = "devIni", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The thing list
    #[arg(short = 'l', long, visible_alias = "thingList", value_name = "FILE")]
    things: Option<PathBuf>,
    /// The bucket to store the files in
    #[arg(short, long)]
    bucket: String,
    /// How long the next release waits after this one succeeded, such as `2h`
    #[arg(long, value_name = "TIME", default_value = "0")]
    bake: Span,
    /// Percentage of its devices that may fail, reject the job, time out or be canceled for the next one to go;
    /// with `0` a single one holds up the queue
    #[arg(long, value_name = "PERCENT", default_value = "2")]
    tolerate: Tolerance,
    /// Derive the dev.ini from that of the newest entry
    #[arg(long, conflicts_with = "config")]
    from_last: bool,
    /// Replace a key of `[DEFAULT]`; all other lines stay unchanged
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// `submit` takes the dev.ini unchanged, `create` derives one from `--config` or the newest entry
    #[arg(short, long, value_name = "METHOD", hide_short_help = true)]
    method: Option<Method>,
    /// Refuse files that are outside of this folder, wherever links and `..` lead
    #[arg(long, value_name = "DIR")]
    within: Option<Within>,
    #[command(flatten)]
    meant: Intended,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    Submit,
    Create,
}

/// A release that is ready to be stored.
#[derive(Debug)]
struct Prepared {
    release: Release,
    input: Input,
    sources: Sources,
}

impl Add {
    pub async fn run(self) -> Result<End, Error> {
        let creates = self.from_last || self.method == Some(Method::Create);
        self.check_arguments(creates)?;
        // What needs no AWS comes first.
        let (mut draft, aws) = match &self.config {
            Some(path) => (Draft::from_file(path)?, None),
            None => {
                let aws = Aws::connect_to_change(&self.common).await?;
                (newest(&aws).await?, Some(aws))
            }
        };
        let folder = TempDir::with_prefix("tripline-queue-")
            .map_err(|error| Error::input(format!("temporary folder: {error}")))?;
        let prepared = self.prepare(&mut draft, creates, &folder.path().join(CONFIG)).await?;
        let aws = match aws {
            Some(aws) => aws,
            None => Aws::connect_to_change(&self.common).await?,
        };
        let entry = self.store(&aws, &prepared).await?;
        self.report(&aws, &entry);
        Ok(End::Done)
    }

    fn check_arguments(&self, creates: bool) -> Result<(), Error> {
        if self.config.is_none() && !creates {
            return Err(needs("--config", "a dev.ini, or `--from-last` for the newest entry's"));
        }
        if self.things.is_none() && self.config.is_some() {
            return Err(needs("--things", "the thing list that goes with the dev.ini"));
        }
        Ok(())
    }

    /// Makes the `dev.ini` that is queued, checks it, and writes it to `path`.
    async fn prepare(
        &self,
        draft: &mut Draft,
        creates: bool,
        path: &Path,
    ) -> Result<Prepared, Error> {
        let things = self.things.as_ref().or(draft.things.as_ref());
        let things = things
            .ok_or_else(|| needs("--things", "a thing list; the newest entry has none"))?
            .clone();
        let mut set = self.set.clone();
        if creates {
            let (firmware, list) = (file_name(&self.bin)?, file_name(&things)?);
            let names = [("binName", firmware.as_str()), ("thingList", list.as_str())];
            let (mut input, mut output) = (stdin().lock(), stderr());
            let person: Option<(&mut dyn BufRead, &mut dyn Write)> =
                ask::is_somebody_there().then_some((&mut input, &mut output));
            set = settings(&draft.text, &set, names, person)?;
        }
        draft.set(&set)?;
        // What was fetched of the newest entry is where nobody else puts files.
        let within = self.within.clone().map(|within| within.or(&draft.folder));
        let (release, input) =
            check::release(draft, &self.bin, &things, &self.meant, within.as_ref())?;
        std::fs::write(path, &draft.text)
            .map_err(|error| Error::in_file(&name_of(path), format!("{error}")))?;
        let sources = sources(&release, &input, path, &things, &draft.folder)?;
        Ok(Prepared { release, input, sources })
    }

    /// Stores the files, and the entry last.
    async fn store(&self, aws: &Aws, prepared: &Prepared) -> Result<Entry, Error> {
        let Prepared { release, input, sources } = prepared;
        let name = input.file.as_str();
        let region = release.region.as_deref();
        check::region(input, aws.rollout_region(region)?.as_str())?;
        let view = aws.store.read().await?;
        check_unused(name, release, &view)?;
        if job::exists(aws, region, &release.job).await? {
            return Err(Error::in_file(
                name,
                format!(
                    "job `{}` exists already in `{}`",
                    release.job,
                    aws.rollout_region(region)?.as_str()
                ),
            )
            .hint("a release needs a `jobId` of its own"));
        }
        let newest = view.entries.last().map(|entry| &entry.id);
        let entry = Entry {
            id: EntryId::new(clock::milliseconds(), clock::random() as u32, newest),
            version: 1,
            state: State::Pending,
            job: release.job.clone(),
            region: release.region.clone(),
            bucket: self.bucket.clone(),
            files: sources.0.iter().map(|(file, _)| file.clone()).collect(),
            bake: self.bake,
            tolerance: self.tolerate,
            alert_only: self.meant.alert_only,
            default_guard: self.meant.default_guard,
            accept_uncovered: self.meant.accept_uncovered.clone().unwrap_or_default(),
            claims: 0,
            failures: 0,
            not_before: None,
            note: None,
        };
        for (file, path) in &sources.0 {
            aws.files.store(&self.bucket, &entry.id, file, path).await?;
        }
        let add = |view: &View| {
            check_unused(name, release, view)?;
            Ok((Change::Add(entry.clone()), ()))
        };
        aws.store.decide(add).await?;
        Ok(entry)
    }

    fn report(&self, aws: &Aws, entry: &Entry) {
        let (queue, table) = (aws.store.queue.as_str(), &aws.store.table);
        match self.common.output {
            Output::Text => print(&format!("{}\n", entry.id)),
            Output::Json => print_document(&AddedData {
                entry: entry.id.to_string(),
                job_id: entry.job.to_string(),
                queue: queue.to_owned(),
                table: table.clone(),
                bake_seconds: entry.bake.seconds(),
                tolerance_percent: percent(entry.tolerance),
                files: entry
                    .files
                    .iter()
                    .map(|file| AddedFile {
                        r#use: file.used.as_str(),
                        bytes: file.bytes,
                        sha256: file.sha256.to_string(),
                        location: format!("s3://{}/{}", entry.bucket, key(&entry.id, &file.name)),
                    })
                    .collect(),
            }),
        }
        say(&format!("queue `{queue}`: job `{}` is entry `{}`", entry.job, entry.id));
    }
}

/// A release that was added to a queue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddedData {
    entry: String,
    job_id: String,
    queue: String,
    /// The table of the queue.
    table: String,
    bake_seconds: u32,
    /// The share of devices that may be without the firmware.
    tolerance_percent: f64,
    files: Vec<AddedFile>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AddedFile {
    /// What it is to the release.
    r#use: &'static str,
    bytes: u64,
    sha256: String,
    /// Where it is stored.
    location: String,
}

fn needs(option: &str, what: &str) -> Error {
    Error::input(format!("`{option}` is missing (expected {what})"))
}

/// A job that waits or is under way must not be added a second time. One that is over is left to
/// AWS IoT: if its job has been deleted, its name is free.
fn check_unused(name: &str, release: &Release, view: &View) -> Result<(), Error> {
    let is_same =
        |entry: &&Entry| entry.job == release.job && !matches!(entry.state, State::Done { .. });
    match view.entries.iter().find(is_same) {
        None => Ok(()),
        Some(entry) => Err(Error::in_file(
            name,
            format!("job `{}` is in the queue already, as entry `{}`", entry.job, entry.id),
        )
        .hint("a release needs a `jobId` of its own")),
    }
}

async fn newest(aws: &Aws) -> Result<Draft, Error> {
    let view = aws.store.read().await?;
    match view.entries.last() {
        Some(entry) => Draft::from_entry(&aws.files, entry).await,
        None => Err(Error::input(format!(
            "queue `{}` is empty, so that there is no last release",
            aws.store.queue
        ))
        .hint("`--config` takes a dev.ini of yours")),
    }
}
