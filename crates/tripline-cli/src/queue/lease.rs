//! Keeps a claimed entry while it is deployed.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use crate::queue::state::{Entry, State};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::clock;
use super::store::Store;
use crate::terminal::print::say;

/// Renews a lease in the background. It is a task of its own, because a deployment may keep its
/// thread busy for longer than a lease lasts.
#[derive(Debug)]
pub struct Keeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<Entry>>,
    /// When the lease ends, in seconds.
    until: Arc<AtomicI64>,
}

impl Keeper {
    /// Begins with an entry that has just been claimed.
    pub fn start(store: Store, claimed: Entry) -> Self {
        let (stop, stopped) = oneshot::channel();
        let until = Arc::new(AtomicI64::new(end_of(&claimed)));
        let task = tokio::spawn(keep(store, claimed, Arc::clone(&until), stopped));
        Self { stop, task, until }
    }

    /// Waits until the lease is lost, if ever. Whoever asks this before each step of a deployment
    /// takes none without a lease, not even after the whole machine stood still.
    pub async fn lost(&mut self) {
        poll_fn(|context| {
            if clock::now().seconds() >= self.until.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            // It ends by itself only if it has lost the entry.
            Pin::new(&mut self.task).poll(context).map(drop)
        })
        .await;
    }

    /// Ends; the entry as it was written last, unless it is lost.
    pub async fn stop(self) -> Option<Entry> {
        drop(self.stop);
        self.task.await.ok().flatten()
    }
}

async fn keep(
    store: Store,
    mut entry: Entry,
    until: Arc<AtomicI64>,
    mut stopped: oneshot::Receiver<()>,
) -> Option<Entry> {
    let mut pause = pause_of(&entry)?;
    loop {
        tokio::select! {
            _ = &mut stopped => return Some(entry),
            () = tokio::time::sleep(pause) => {}
        }
        let State::Claimed(lease) = &entry.state else { return None };
        let renewed = entry.renewed(clock::now());
        match store.keep(&lease.worker, &renewed).await {
            Ok(true) => {
                entry = renewed;
                until.store(end_of(&entry), Ordering::Relaxed);
                pause = pause_of(&entry)?;
            }
            Ok(false) => return None,
            // Nobody else has it before its end; then it may be anybody's.
            Err(_) if clock::now() < lease.until => pause = pause_of(&entry)? / 4,
            Err(failure) => {
                say(&format!(
                    "warning: the lease of entry `{}` could not be renewed: {failure}",
                    entry.id
                ));
                return None;
            }
        }
    }
}

fn end_of(entry: &Entry) -> i64 {
    match &entry.state {
        State::Claimed(lease) => lease.until.seconds(),
        _ => 0,
    }
}

/// Two renewals may fail before the lease is over.
fn pause_of(entry: &Entry) -> Option<Duration> {
    match &entry.state {
        State::Claimed(lease) => Some(Duration::from_secs(lease.length.seconds().into()) / 3),
        _ => None,
    }
}
