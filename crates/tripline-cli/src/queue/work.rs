//! Deploys a claimed entry, and writes down how that ended.

use std::path::{Path, PathBuf};

use crate::queue::state::{Entry, EntryOutcome, State};
use tempfile::TempDir;

use super::aws::Aws;
use super::files::CONFIG;
use super::lease::Keeper;
use super::{clock, job};
use crate::aws::fired::Fired;
use crate::deploy::Deployment;
use crate::exit::{End, Error};
use crate::input::within::Within;

/// How a claimed entry is deployed.
#[derive(Debug, Clone)]
pub struct Work {
    /// The stack whose force-stopper guards the rollout.
    pub stack: String,
    /// Leave the rollout to itself once its job is there.
    pub detach: bool,
    /// Where the files go, to be kept.
    pub folder: Option<PathBuf>,
    /// Where files have to be that are not the entry's.
    pub within: Option<Within>,
}

/// What came of it.
#[derive(Debug)]
pub enum Worked {
    /// The deployment came to an end; the entry says which.
    Ended(Entry, End),
    /// It failed, and the entry is back in the queue.
    Failed(Entry, Error),
    /// It was interrupted, and the entry is back in the queue.
    Interrupted(Entry),
    /// Somebody else has the entry now, because its lease could not be kept.
    Lost,
}

/// Why a deployment is over.
enum Over {
    Deployed(Result<End, Error>),
    Interrupted,
    Lost,
}

/// Fetches the files of an entry, deploys it, and keeps its lease meanwhile. The entry was claimed
/// for `worker`; what was begun before is carried on with.
pub async fn work(
    aws: &Aws,
    claimed: Entry,
    work: &Work,
    deploy: impl AsyncFnOnce(Deployment) -> Result<End, Error>,
    interrupted: impl Future<Output = ()>,
) -> Result<Worked, Error> {
    let State::Claimed(lease) = &claimed.state else { return Ok(Worked::Lost) };
    let worker = lease.worker.clone();
    let mut keeper = Keeper::start(aws.store.clone(), claimed.clone());
    let over = tokio::select! {
        biased;
        () = interrupted => Over::Interrupted,
        () = keeper.lost() => Over::Lost,
        result = fetch_and_deploy(aws, &claimed, work, deploy) => Over::Deployed(result),
    };
    if matches!(over, Over::Lost) {
        return Ok(Worked::Lost);
    }
    let Some(entry) = keeper.stop().await else { return Ok(Worked::Lost) };
    let alarm = match &over {
        // What it is called is worth a look, and no more than that.
        Over::Deployed(Ok(End::Stopped)) => job::fired(aws, &entry).await.ok().flatten(),
        _ => None,
    };
    let next = step(&entry, &over, work.detach, alarm);
    if !aws.store.keep(&worker, &next).await? {
        return Ok(Worked::Lost);
    }
    Ok(match over {
        Over::Deployed(Ok(end)) => Worked::Ended(next, end),
        Over::Deployed(Err(error)) => Worked::Failed(next, error),
        Over::Interrupted => Worked::Interrupted(next),
        Over::Lost => Worked::Lost,
    })
}

/// What becomes of an entry.
fn step(entry: &Entry, over: &Over, detach: bool, alarm: Option<Fired>) -> Entry {
    let now = clock::now();
    match over {
        Over::Deployed(Ok(End::Done)) if detach => entry.deployed(),
        Over::Deployed(Ok(End::Done)) => entry.ended(EntryOutcome::Succeeded, None, now),
        Over::Deployed(Ok(End::Stopped)) => {
            let note = match alarm {
                Some(fired) => fired.to_string(),
                None => "its guard stopped it".to_owned(),
            };
            entry.ended(EntryOutcome::Stopped, Some(&note), now)
        }
        Over::Deployed(Ok(End::Finding)) => {
            entry.ended(EntryOutcome::Failed, Some("the rollout did not go well"), now)
        }
        Over::Deployed(Ok(End::Undecided)) => entry.failed("its devices could not be counted", now),
        Over::Deployed(Err(error)) => entry.failed(&error.to_string(), now),
        Over::Interrupted | Over::Lost => entry.given_back(),
    }
}

async fn fetch_and_deploy(
    aws: &Aws,
    claimed: &Entry,
    work: &Work,
    deploy: impl AsyncFnOnce(Deployment) -> Result<End, Error>,
) -> Result<End, Error> {
    let temporary;
    let folder: &Path = match &work.folder {
        Some(folder) => &folder.join(claimed.id.as_str()),
        None => {
            temporary = TempDir::with_prefix("tripline-queue-").map_err(|error| fault(&error))?;
            temporary.path()
        }
    };
    std::fs::create_dir_all(folder).map_err(|error| fault(&error))?;
    aws.files.fetch(claimed, folder, |_| true).await?;
    let deployment = Deployment {
        region: Some(aws.rollout_region(claimed.region.as_deref())?),
        resume: claimed.claims > 1,
        detach: work.detach,
        tolerance: claimed.tolerance.share(),
        alert_only: claimed.alert_only,
        default_guard: claimed.default_guard,
        accept_uncovered: Some(claimed.accept_uncovered.clone()),
        within: work.within.clone().map(|within| within.or(folder)),
        quiet: true,
        ..Deployment::with_defaults(folder.join(CONFIG), work.stack.clone())
    };
    // The folder is this worker's own, and says nothing to whoever reads the note later.
    let own = format!("{}/", folder.display());
    deploy(deployment).await.map_err(|error| match error {
        Error::Input(wrong) => Error::input(wrong.without(&own)),
        other => other,
    })
}

fn fault(error: &std::io::Error) -> Error {
    Error::input(format!("folder for the entry's files: {error}"))
}
