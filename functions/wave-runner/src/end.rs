//! Ends a release: what was made for its waves is removed, and people are alerted if that has not been done.

use tripline::release::{Ended, Phase, ReleaseId};

use crate::ask::Ask;
use crate::failed::Failed;
use crate::messages::Message;
use crate::step::Cause;
use crate::{MOST_TRIES, Runner, busy};

impl<C: Ask> Runner<C> {
    /// Ends it. Groups go first: of a state that says "ended" nothing is left to do.
    pub(crate) async fn end(
        &self,
        release: &ReleaseId,
        attempt: u32,
        failed: Option<Cause>,
    ) -> Result<(), Failed> {
        for _ in 0..MOST_TRIES {
            let Some(mut read) = self.client.state(release).await? else { return Ok(()) };
            if read.state.attempt != attempt || read.state.ended.is_some() {
                return Ok(());
            }
            if let Some(plan) = self.client.plan(release, attempt).await? {
                for group in plan.waves.iter().filter_map(|wave| wave.group.as_ref()) {
                    self.client.delete_group(group).await?;
                }
            }
            let now = self.client.now().seconds();
            let is_out = read.state.waves.iter().all(|wave| wave.phase == Phase::Passed);
            let stopped = read.state.waves.iter().find(|wave| wave.phase == Phase::Stopped);
            let is_stopped = stopped.is_some();
            let failed = stopped.map(Cause::of_stopped).or_else(|| failed.clone());
            let failed = failed.or_else(|| (!is_out).then(Cause::not_let_through));
            for wave in &mut read.state.waves {
                (wave.token, wave.token_at) = (None, None);
            }
            let message = match &failed {
                None => Some(Message::done(&read.state)),
                // Whoever stopped it has said so.
                Some(_) if is_stopped => None,
                Some(cause) => Some(Message::broken(&read.state, &cause.error, &cause.in_words())),
            };
            let why = failed.as_ref().map(|it| format!("{}: {}", it.error, it.in_words()));
            if let Some(message) = message {
                self.send(&message).await?;
            }
            let why = why.unwrap_or_default();
            read.state.ended = Some(Ended { well: failed.is_none(), at: now, why });
            if self.client.write_state(&read).await? {
                tracing::info!(%release, attempt, well = failed.is_none(), "release_ended");
                return Ok(());
            }
        }
        Err(Failed::Aws(busy(release.as_str())))
    }
}
