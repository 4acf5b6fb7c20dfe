//! Whether a rollout that is to be held is.

use tripline::job::JobId;
use tripline::release::hold::{Hold, OnHoldFailed, Proof};
use tripline::stop::{MAX_COMMENT, StopMode};
use tripline::text::clean;
use tripline_aws::FailureKind;

use crate::Runner;
use crate::ask::Ask;
use crate::failed::Failed;
use crate::messages::Message;

impl<C: Ask> Runner<C> {
    /// Looks at one. If it goes on, it is stopped and people are alerted before anything is written down: whoever
    /// is cut off finds it going on again, or stopped by this.
    pub(crate) async fn check_hold(&self, id: &JobId, hold: &Hold) -> Result<(), Failed> {
        if !hold.is_on() || hold.proof.is_some() {
            return Ok(());
        }
        let job = match self.client.describe_job(id).await {
            Ok(job) => job,
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(()),
            Err(failure) => return Err(failure.into()),
        };
        let comment = clean(&format!("Tripline: could not be held (by {})", hold.by), MAX_COMMENT);
        let has_ended = job.state.has_ended();
        let is_over = has_ended && job.comment.as_ref() != Some(&comment);
        if is_over || job.created_at != Some(hold.created) {
            return Ok(());
        }
        // Attempts of devices that were notified before say nothing of the rate.
        if !job.is_counted || job.setup.counts_attempts() {
            tracing::warn!(job = %id, "hold_not_provable");
            return Ok(());
        }
        let mut looked = hold.clone();
        let (now, notified) = (self.client.now().seconds(), job.counts.notified());
        let proof = looked.prove(now, notified, self.settings.minute);
        // Somebody may have had it go on since this minute's holds were read.
        if proof == Some(Proof::Failed)
            && !self.client.holds().await?.iter().any(|(job, now)| job == id && now == hold)
        {
            return Ok(());
        }
        if proof == Some(Proof::Failed) {
            let may_stop = self.settings.mode != StopMode::Observe;
            let canceled = match hold.on_failed {
                OnHoldFailed::Cancel if may_stop && !has_ended => {
                    self.client.cancel_job(id, &comment).await
                }
                _ => Ok(()),
            };
            let why = canceled.as_ref().err().map(tripline_aws::Failure::in_short);
            let came_to = why.as_deref().map_or(Ok(()), Err);
            let shown = Hold {
                on_failed: if may_stop { hold.on_failed } else { OnHoldFailed::Alert },
                ..hold.clone()
            };
            self.send(&Message::not_held(id, &shown, notified, came_to)).await?;
            tracing::error!(job = %id, notified, "hold_failed");
            canceled?;
        }
        if proof == Some(Proof::Held) {
            tracing::info!(job = %id, notified, "rollout_held");
        }
        if looked != *hold {
            self.client.write_hold(id, hold, &looked).await?;
        }
        Ok(())
    }
}
