//! Holding a rollout instead of stopping it, where it asks for that.

use tripline::announcement::{Alarm, Announcement, Done};
use tripline::job::JobId;
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::stop::{Certainty, JobKnowledge};

use crate::Stopper;
use crate::alerting::Said;
use crate::ask::{HoldJob, HoldOrder, Publish, Surroundings, TakeTurn};
use crate::failed::Cause;

impl<C: HoldJob + Publish + TakeTurn + Surroundings + Sync> Stopper<C> {
    /// Holds a rollout whose tags ask for it; `None`: it is to be stopped. What cannot be verified, read or held
    /// is stopped: a rollout that goes on is the worse fault, unless its tags say that people decide.
    pub(crate) async fn hold_instead(
        &self,
        job: &JobId,
        alarm: &Alarm,
        (knowledge, certainty): (&JobKnowledge, &Certainty),
        (said, delivery): (&Said, &str),
    ) -> Option<Result<Done, Cause>> {
        let JobKnowledge::Found(now) = knowledge else { return None };
        if !self.settings.holds || *certainty != Certainty::Verified {
            return None;
        }
        let (on_alarm, on_failed) = match self.client.on_alarm(job).await {
            Ok(read) => read,
            Err(failure) => {
                tracing::warn!(%job, %failure, "on_alarm_unread");
                return None;
            }
        };
        if on_alarm != OnAlarm::Hold {
            return None;
        }
        let at = self.client.now().seconds();
        let order = HoldOrder { by: &alarm.name, at, on_failed, created: now.created_at? };
        let failure = match self.client.hold(job, &order).await {
            Ok(()) => return Some(Ok(Done::Held)),
            Err(failure) => failure,
        };
        tracing::error!(%job, %failure, ?on_failed, "hold_failed");
        if on_failed == OnHoldFailed::Cancel {
            return None;
        }
        let announcement = Announcement::not_held(job, alarm, &failure.in_short())
            .with_place(&self.settings.force_stop_topic.job_arn(job));
        if let Err(error) = self.alert(said, delivery, &announcement).await {
            tracing::error!(%job, %error, "alert_failed");
        }
        Some(Err(failure.into()))
    }
}
