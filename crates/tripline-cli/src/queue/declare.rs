//! `tripline queue done`, `retry` and `remove`: what only a person can decide.

use crate::queue::state::{Entry, EntryId, EntryOutcome, Refusal};
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::Common;
use super::aws::Aws;
use super::clock;
use super::store::{Change, View};
use crate::exit::{End, Error};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::print;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline queue done --entry 20261120T181323123Z-9f3a2b1c --outcome skipped
  tripline queue done --entry 20261120T181323123Z-9f3a2b1c --outcome succeeded

An unsuccessful entry holds up its queue until it is said to have succeeded (its bake time
begins now) or to be skipped (the next one may go at once). The rollout itself is not touched: a job
that is under way goes on, and `failed` holds up what comes after it.

Exit code 2: there is no such entry, or a worker is deploying it; 3: AWS refused or could not be
reached.")]
pub struct Done {
    /// The entry, as `tripline queue list` shows it
    #[arg(long, value_name = "ID")]
    entry: EntryId,
    /// How it ended
    #[arg(long, value_enum)]
    outcome: Declared,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Declared {
    Succeeded,
    Failed,
    Skipped,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline queue retry --entry 20261120T181323123Z-9f3a2b1c

Forgets the failures of an entry, so that the next `tripline queue next` carries on with it, at once
and whatever it has left behind.

Exit code 2: there is no such entry, or it has not failed; 3: AWS refused or could not be reached.")]
pub struct Retry {
    /// The entry, as `tripline queue list` shows it
    #[arg(long, value_name = "ID")]
    entry: EntryId,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline queue remove --entry 20261120T181323123Z-9f3a2b1c

Only what no worker has begun can be removed; say of anything else how it ended, with
`tripline queue done`. The files stay in the bucket.

Exit code 2: there is no such entry, or it was begun; 3: AWS refused or could not be reached.")]
pub struct Remove {
    /// The entry, as `tripline queue list` shows it
    #[arg(long, value_name = "ID")]
    entry: EntryId,
    #[command(flatten)]
    common: Common,
}

impl Done {
    pub async fn run(self) -> Result<End, Error> {
        let outcome = match self.outcome {
            Declared::Succeeded => EntryOutcome::Succeeded,
            Declared::Failed => EntryOutcome::Failed,
            Declared::Skipped => EntryOutcome::Skipped,
        };
        declare(&self.common, &self.entry, outcome.as_str(), |entry| {
            Ok(Change::step(entry, &entry.declared(outcome, clock::now())?))
        })
        .await
    }
}

impl Retry {
    pub async fn run(self) -> Result<End, Error> {
        declare(&self.common, &self.entry, "pending", |entry| {
            Ok(Change::step(entry, &entry.retried()?))
        })
        .await
    }
}

impl Remove {
    pub async fn run(self) -> Result<End, Error> {
        declare(&self.common, &self.entry, "removed", |entry| {
            entry.check_removable()?;
            Ok(Change::Remove(entry.clone()))
        })
        .await
    }
}

/// An entry of a queue that a person has decided on.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredData {
    queue: String,
    /// The table of the queue.
    table: String,
    /// What was made of the entry.
    state: String,
    entry: String,
    job_id: String,
}

async fn declare(
    common: &Common,
    id: &EntryId,
    result: &str,
    decide: impl Fn(&Entry) -> Result<Change, Refusal>,
) -> Result<End, Error> {
    let aws = Aws::connect_to_change(common).await?;
    let queue = &aws.store.queue;
    let job = aws
        .store
        .decide(|view: &View| {
            let entry = view.entries.iter().find(|entry| entry.id == *id);
            let entry = entry.ok_or_else(|| {
                Error::input(format!("queue `{queue}`: there is no entry `{id}`"))
                    .hint(format!("`tripline queue list --queue {queue}` shows them"))
                    .command(format!("tripline queue list --queue {queue}"))
            })?;
            let change = decide(entry).map_err(|refusal| {
                Error::input(format!("queue `{queue}`: entry `{id}` {refusal}"))
            })?;
            Ok((change, entry.job.clone()))
        })
        .await?;
    match common.output {
        Output::Text => print(&format!("{result} {id} {job}\n")),
        Output::Json => print_document(&DeclaredData {
            queue: queue.to_string(),
            table: aws.store.table.clone(),
            state: result.to_owned(),
            entry: id.to_string(),
            job_id: job.to_string(),
        }),
    }
    Ok(End::Done)
}
